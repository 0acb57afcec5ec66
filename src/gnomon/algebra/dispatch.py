"""Calls of torch functions with values, handed to the rule of an algebra."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra import provenance
from gnomon.algebra.conversions import REAL_KINDS, Conversion, conversion
from gnomon.algebra.names import CONSTANTS, KEEPING, LIKE_ANOTHER, SOFTMAXES, Call
from gnomon.algebra.operators import is_value
from gnomon.algebra.refusals import (
    check,
    described,
    fits,
    has_values_elsewhere,
    values_in,
    written_into_a_tensor,
)
from gnomon.algebra.snapshot import snapshot
from gnomon.algebra.views import VIEWS, apart, refuse_overwritten, share
from gnomon.errors import UnsupportedOperationError


def called(algebra: Any, call: Call) -> Any:
    """The result of a call on values; written into the first argument if it works in place."""
    for value in values_in(call.args):
        refuse_overwritten(value)
    if call.kwargs or call.name in SOFTMAXES:
        call = _with_axis(_with_kind(call))
    if call.in_place and not is_value(call.args[0]):
        raise written_into_a_tensor(algebra, call.name)
    asked = conversion(call.name, call.args[1:], call.kwargs)
    result = _computed(algebra, call) if asked is None else _converted(call.args[0], asked)
    if not call.in_place:
        return result
    call.args[0].assign(result)
    return call.args[0]


def _computed(algebra: Any, call: Call) -> Any:
    """The result of a call on values, by the rule of its name."""
    name, args, kwargs = call.name, call.args, call.kwargs
    if name in LIKE_ANOTHER:
        name, fact = LIKE_ANOTHER[name]
        return getattr(args[0], name)(getattr(args[1], fact))
    if name in CONSTANTS:
        return _constant(algebra, name, args, kwargs)
    if name.startswith("clamp") and _has_bounds_that_are_tensors(args, kwargs):
        return _clamped(*args, **kwargs)
    check(algebra, call)
    result = _by_rule(algebra, call)
    if name == "clone":
        result = _copied(result)
        provenance.inherit(args[0], result)
    return _noted(call, result)


def _noted(call: Call, result: Any) -> Any:
    """The result of a rule, with notes of what it shares, its type, and where it came from."""
    name, args = call.name, call.args
    if name in KEEPING:
        _keep_kind(args[0], result)
    _keep_type(args, result)
    if name in VIEWS:
        share(args[0], result, args[1] if name == "getitem" else None)
    provenance.note(name, args, call.kwargs, result)
    return result


def _by_rule(algebra: Any, call: Call) -> Any:
    args, kwargs = call.args, call.kwargs
    if algebra.lazy:
        args, kwargs = snapshot((args, kwargs))
    rule = algebra.rules[call.name]
    try:
        return rule(*args, **kwargs)
    except (TypeError, AttributeError, IndexError) as error:
        if fits(rule, call) and not has_values_elsewhere(call):
            raise
        raise UnsupportedOperationError(
            f"{algebra.__name__}: expected {call.name!r} with settings that its rule knows, "
            f"got {described(call)}. Write it with other operations."
        ) from error


def _converted(x: Any, asked: Conversion) -> Any:
    """A value as another type of number or on another device; a tensor as a value's."""
    if not is_value(x):
        return x.to(device=asked.device, dtype=asked.dtype)
    stored = x.stored
    if stored is not None and not asked.changes(stored, x.device):
        return x  # as torch does, which returns the tensor itself
    dtype = (stored or x.dtype) if asked.dtype is None else asked.dtype
    if dtype in REAL_KINDS:
        result = _copied(type(x).rules["to"](x, device=asked.device, dtype=asked.dtype))
        if not x.widens or (stored, dtype) == REAL_KINDS:  # nothing is rounded
            provenance.inherit(x, result)
        vars(result).pop("_kind", None)
        if "_held" in vars(x):
            vars(result)["_held"] = dtype
        if stored is None and not asked.copy:  # it may also be the same tensor
            share(x, result)
        return result
    check(type(x), Call("cast", (x, dtype)))
    result = _copied(type(x).rules["cast"](x, dtype))
    vars(result)["_kind"] = dtype
    return result


def _copied(result: Any) -> Any:
    """The value as one of its own, of which it is not known where it came from."""
    made = apart(result)
    vars(made).pop("_matrix", None)
    return made


def _keep_kind(x: Any, results: Any) -> None:
    """Notes that what was moved or picked is of the type that it was."""
    if "_kind" in vars(x):
        for each in results if isinstance(results, tuple) else (results,):
            vars(each)["_kind"] = x.dtype


def _keep_type(args: Sequence[Any], results: Any) -> None:
    """Notes in which type a network holds results whose bounds are in other numbers."""
    values = values_in(args)
    if not all("_held" in vars(each) for each in values):
        return
    held: list[torch.dtype] = [vars(each)["_held"] for each in values]
    held += [
        each.dtype
        for each in args
        if isinstance(each, Tensor) and each.ndim and each.is_floating_point()
    ]
    for each in values_in((results,)):
        vars(each)["_held"] = reduce(torch.promote_types, held)


def _with_kind(call: Call) -> Call:
    """A call without the argument `dtype`, to which its first argument is converted before.

    Functions such as `sum` and `softmax` take it. Functions that make constants keep it.
    """
    if "dtype" not in call.kwargs or call.name in {*CONSTANTS, "to", "type"}:
        return call
    kwargs = dict(call.kwargs)
    dtype = kwargs.pop("dtype")
    args = call.args
    if dtype is not None and is_value(args[0]):
        args = (_converted(args[0], Conversion(dtype)), *args[1:])
    return replace(call, args=args, kwargs=kwargs)


def _with_axis(call: Call) -> Call:
    """A call of softmax with the axis along which torch goes where it is not told."""
    told = (*call.args[1:2], call.kwargs.get("dim"))
    if call.name not in SOFTMAXES or any(isinstance(each, int) for each in told):
        return call
    axis = 0 if call.args[0].ndim in {0, 1, 3} else 1
    return replace(call, args=(call.args[0], axis), kwargs={})


def _constant(
    algebra: Any, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Tensor:
    """A tensor of the shape, type and place of a value, of which its content says nothing."""
    if values_in((*args[1:], *kwargs.values())) or not is_value(args[0]):
        raise UnsupportedOperationError(
            f"{algebra.__name__}: expected {name!r} of numbers that do not vary, got a value. "
            "Write it with expand, cat or stack."
        )
    owner = Tensor if name.startswith("new") else torch
    like = args[0].parts[0].detach().to(args[0].dtype)
    return getattr(owner, name)(like, *args[1:], **kwargs)


def _has_bounds_that_are_tensors(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    given = (*args, *kwargs.values())
    return not is_value(args[0]) or any(
        (is_value(each) or isinstance(each, Tensor)) for each in given[1:]
    )


def _clamped(x: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002 - torch's names
    """The smaller of max and the larger of min and x, whose bounds are tensors or values."""
    if min is not None:
        x = torch.maximum(x, _as_tensor(min, x))
    return x if max is None else torch.minimum(x, _as_tensor(max, x))


def _as_tensor(bound: Any, like: Any) -> Any:
    """A number as a tensor of the type of what it bounds."""
    if is_value(bound) or isinstance(bound, Tensor):
        return bound
    return torch.tensor(bound, dtype=like.dtype, device=like.device)
