"""What stands for a tensor in an algebra, and how torch functions find its rules."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import reduce
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gnomon.algebra import provenance
from gnomon.algebra.conversions import REAL_KINDS, Conversion, conversion
from gnomon.algebra.names import (
    CONSTANTS,
    COPYING,
    FACTS,
    LIKE_ANOTHER,
    MOVING,
    QUESTIONS,
    RANDOM,
    SOFTMAXES,
    Call,
    canonical,
)
from gnomon.algebra.operators import Operators
from gnomon.algebra.snapshot import snapshot
from gnomon.algebra.views import VIEWS, refuse_overwritten, share, write, written_back
from gnomon.errors import UnsupportedOperationError

Rule = Callable[..., Any]
"""What one torch function means in one algebra; it has the function's signature."""


class Value(Operators):
    """A value of an algebra: where torch expects a tensor, an algebra's rule is called instead.

    A network is run, not traced: its modules call torch functions, and every torch function
    hands a call with such a value to the rule of its name. Operators and methods of tensors
    find the same rules. A rule computes with ordinary tensors, so that results can be
    differentiated.

    Attributes:
        rules: by the name of the function, such as "linear" or "flatten".
        precedence: in a call with values of several algebras, the highest decides.
        lazy: whether rules compute with their arguments later, too; they are then given copies
            of all tensors, so that a bound belongs to the network that was evaluated.
        widens: whether tensors are converted to numbers of its own, which hold half precision
            exactly; else it computes in theirs.
    """

    rules: ClassVar[Mapping[str, Rule]] = {}
    precedence: ClassVar[int] = 0
    lazy: ClassVar[bool] = False
    widens: ClassVar[bool] = False

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """The tensors that it consists of; the first has the shape of what it stands for."""
        raise NotImplementedError

    def assign(self, other: "Value") -> None:
        """Takes the other's content: what a function that works in place does.

        Views of one value share its memory. Once one of them is written, reading another is an
        error, because that does not follow.
        """
        write(self, other)

    def apply(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The function of this name, by the rule of the algebra that decides among them."""
        kinds = [type(each) for each in args if isinstance(each, Value)]
        algebra = max(kinds, key=lambda kind: kind.precedence)
        return _called(algebra, canonical(name, args, kwargs))

    def lifted(self, given: Any) -> Any:
        """What stands for a set of parameters beside this value: as given, if anything does.

        An algebra overrides it that encloses sets otherwise than `Interval`.
        """
        return given

    def suits(self, network: nn.Module) -> None:
        """Refuses a network that this value's bounds would say nothing true of."""

    @property
    def shape(self) -> torch.Size:
        """Of the tensor that it stands for."""
        return self.parts[0].shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.parts[0].ndim

    @property
    def dtype(self) -> torch.dtype:
        """The type of the tensor that it stands for, as far as that is known."""
        return self.stored or self.precision

    @property
    def stored(self) -> torch.dtype | None:
        """The type of the tensor that it stands for; None where that is not known."""
        return vars(self).get("_kind", self.precision)

    @property
    def precision(self) -> torch.dtype:
        """The type of the numbers in which it is kept."""
        return self.parts[0].dtype

    @property
    def device(self) -> torch.device:
        """Where it is kept."""
        return self.parts[0].device

    @property
    def requires_grad(self) -> bool:
        """Whether it depends on something that is differentiated."""
        return any(part.requires_grad for part in self.parts)

    @property
    def T(self) -> Any:  # noqa: N802 - torch's name
        """With its axes in reverse order."""
        return self.apply("permute", self, *reversed(range(self.ndim)))

    @property
    def mT(self) -> Any:  # noqa: N802 - torch's name
        """With its last two axes exchanged."""
        return self.apply("transpose", self, -2, -1)

    def size(self, dim: int | None = None) -> torch.Size | int:
        """The shape, or the length of one axis."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """The number of axes."""
        return self.ndim

    def numel(self) -> int:
        """The number of coordinates."""
        return self.shape.numel()

    def is_floating_point(self) -> bool:
        """Whether it stands for real numbers."""
        return self.dtype.is_floating_point

    def __len__(self) -> int:
        return self.shape[0]

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Calls the rule of the function's name."""
        values = [each for each in types if issubclass(each, Value)]
        if max(each.precedence for each in values) > cls.precedence:
            return NotImplemented
        return _called(cls, canonical(func.__name__, args, kwargs or {}))

    def __getattr__(self, name: str) -> Any:
        refuse_overwritten(self)
        if name.startswith("__") or not hasattr(Tensor, name):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")
        if name in FACTS:
            return getattr(self.parts[0], name)
        if not callable(getattr(Tensor, name)):
            raise UnsupportedOperationError(
                f"{type(self).__name__}: expected a property that it has, got {name!r}. There "
                "are T, mT, shape, ndim, dtype, device, requires_grad and what is_… says."
            )
        return lambda *args, **kwargs: self.apply(name, self, *args, **kwargs)

    def __getitem__(self, index: Any) -> Any:
        return self.apply("getitem", self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        written_back(self, index, value)
        self.assign(self.apply("setitem", self, index, value))


def values_in(arguments: Iterable[Any]) -> list[Value]:
    """All values among arguments, and in the sequences among them."""
    return [each for each in _flat(arguments) if isinstance(each, Value)]


def _called(algebra: type[Value], call: Call) -> Any:
    """What a call makes of values; written into the first argument if it works in place."""
    for value in values_in(call.args):
        refuse_overwritten(value)
    if call.kwargs or call.name in SOFTMAXES:
        call = _with_axis(_with_kind(call))
    if call.in_place and not isinstance(call.args[0], Value):
        raise _written_into_a_tensor(algebra, call.name)
    asked = conversion(call.name, call.args[1:], call.kwargs)
    result = _computed(algebra, call) if asked is None else _converted(call.args[0], asked)
    if not call.in_place:
        return result
    call.args[0].assign(result)
    return call.args[0]


def _computed(algebra: type[Value], call: Call) -> Any:
    """What a call makes of values by the rule of its name."""
    name, args, kwargs = call.name, call.args, call.kwargs
    if name in LIKE_ANOTHER:
        name, fact = LIKE_ANOTHER[name]
        return getattr(args[0], name)(getattr(args[1], fact))
    if name in CONSTANTS:
        return _constant(algebra, name, args, kwargs)
    if name.startswith("clamp") and _has_bounds_that_are_tensors(args, kwargs):
        return _clamped(*args, **kwargs)
    _check(algebra, call)
    result = _by_rule(algebra, call)
    if name == "clone":
        result = _apart(result)
        provenance.inherit(args[0], result)
    return _noted(algebra, call, result)


def _noted(algebra: type[Value], call: Call, result: Any) -> Any:
    """The result of a rule, with notes of what it shares, its type, and where it came from."""
    name, args = call.name, call.args
    if name in VIEWS:
        share(args[0], result, args[1] if name == "getitem" else None)
    if name in {*MOVING, *COPYING}:
        _keep_kind(args[0], result)
    if algebra.widens:
        _keep_type(args, result)
    provenance.note(name, args, call.kwargs, result)
    return result


def _by_rule(algebra: type[Value], call: Call) -> Any:
    args, kwargs = call.args, call.kwargs
    if algebra.lazy:
        args, kwargs = snapshot((args, kwargs))
    rule = algebra.rules[call.name]
    try:
        return rule(*args, **kwargs)
    except (TypeError, AttributeError, IndexError) as error:
        if _fits(rule, call) and not _has_values_elsewhere(call):
            raise
        raise UnsupportedOperationError(
            f"{algebra.__name__}: expected {call.name!r} with settings that its rule knows, "
            f"got {_described(call)}. Write it with other operations."
        ) from error


def _converted(x: Any, asked: Conversion) -> Any:
    """A value as another type of number or on another device; a tensor as a value's."""
    if not isinstance(x, Value):
        return x.to(device=asked.device, dtype=asked.dtype)
    stored = x.stored
    if stored is not None and not asked.changes(stored, x.device):
        return x  # as torch does, which returns the tensor itself
    dtype = (stored or x.dtype) if asked.dtype is None else asked.dtype
    if dtype in REAL_KINDS:
        result = _apart(type(x).rules["to"](x, device=asked.device, dtype=asked.dtype))
        if not x.widens or (stored, dtype) == REAL_KINDS:  # nothing is rounded
            provenance.inherit(x, result)
        vars(result).pop("_kind", None)
        if "_held" in vars(x):
            vars(result)["_held"] = dtype
        if stored is None and not asked.copy:  # it may also be the same tensor
            share(x, result)
        return result
    _check(type(x), Call("cast", (x, dtype)))
    result = _apart(type(x).rules["cast"](x, dtype))
    vars(result)["_kind"] = dtype
    return result


def _apart(result: Any) -> Any:
    """The value as one of its own, which nothing that is written into another reaches."""
    made = copy(result)
    for link in ("_memory", "_index", "_matrix"):
        vars(made).pop(link, None)
    return made


def _keep_kind(x: Value, results: Any) -> None:
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
    if dtype is not None and isinstance(args[0], Value):
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
    algebra: type[Value], name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Tensor:
    """A tensor of the shape, type and place of a value, of which its content says nothing."""
    if values_in((*args[1:], *kwargs.values())) or not isinstance(args[0], Value):
        raise UnsupportedOperationError(
            f"{algebra.__name__}: expected {name!r} of numbers that do not vary, got a value. "
            "Write it with expand, cat or stack."
        )
    owner = Tensor if name.startswith("new") else torch
    like = args[0].parts[0].detach().to(args[0].dtype)
    return getattr(owner, name)(like, *args[1:], **kwargs)


def _has_bounds_that_are_tensors(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    given = (*args, *kwargs.values())
    return not isinstance(args[0], Value) or any(
        isinstance(each, Value | Tensor) for each in given[1:]
    )


def _clamped(x: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002 - torch's names
    """The smaller of max and the larger of min and x, whose bounds are tensors or values."""
    if min is not None:
        x = torch.maximum(x, _as_tensor(min, x))
    return x if max is None else torch.minimum(x, _as_tensor(max, x))


def _as_tensor(bound: Any, like: Any) -> Any:
    """A number as a tensor of the type of what it bounds."""
    if isinstance(bound, Value | Tensor):
        return bound
    return torch.tensor(bound, dtype=like.dtype, device=like.device)


def _check(algebra: type[Value], call: Call) -> None:
    """Refuses what has no rule, and what no rule could do.

    Raises:
        UnsupportedOperationError: such a function.
    """
    name, args = call.name, call.args
    if name in RANDOM:
        raise UnsupportedOperationError(
            f"{algebra.__name__}: expected a network that computes the same each time, got "
            f"{name!r}, which draws at random. Remove it in evaluation mode."
        )
    if name in QUESTIONS:
        raise UnsupportedOperationError(
            f"{algebra.__name__}: expected code that does the same for all members of a set, "
            f"got {name!r}, which asks about their numbers. Write it with maximum, minimum, "
            "clamp or an activation function."
        )
    if name not in algebra.rules:
        raise UnsupportedOperationError(
            f"{algebra.__name__}: expected an operation it has a rule for, got {name!r}. It "
            f"knows {', '.join(sorted(algebra.rules))}."
        )
    if name == "setitem" and not isinstance(args[0], Value):
        raise _written_into_a_tensor(algebra, name)
    if name not in {*MOVING, *COPYING, "cast"}:
        _refuse_other_numbers(algebra, call)


def _refuse_other_numbers(algebra: type[Value], call: Call) -> None:
    """Refuses to compute with numbers that are no real numbers, or too coarse for bounds.

    Raises:
        UnsupportedOperationError: complex numbers, half precision, and whole numbers.
    """
    for each in _flat((*call.args, *call.kwargs.values())):
        kind = each.dtype if isinstance(each, Value | Tensor) else type(each)
        if kind in REAL_KINDS or not isinstance(each, Value | Tensor | complex):
            continue
        if isinstance(each, complex) or kind.is_complex:
            raise UnsupportedOperationError(
                f"{algebra.__name__}: expected real numbers, got complex ones in "
                f"{call.name!r}. Write their real and imaginary parts."
            )
        # Tensors of whole numbers are indices, masks or constants; in half precision they are
        # exact where an algebra converts them.
        exact = algebra.widens or not kind.is_floating_point
        if isinstance(each, Value) or not exact:
            raise UnsupportedOperationError(
                f"{algebra.__name__}: expected numbers in float32 or float64 to compute with, "
                f"got {kind} in {call.name!r}. Convert them with float(), the network too."
            )


def _flat(arguments: Iterable[Any]) -> list[Any]:
    """The arguments, and those in the sequences among them."""
    found: list[Any] = []
    for each in arguments:
        if isinstance(each, tuple | list):
            found += _flat(each)
        else:
            found.append(each)
    return found


def _written_into_a_tensor(algebra: type[Value], name: str) -> UnsupportedOperationError:
    return UnsupportedOperationError(
        f"{algebra.__name__}: expected that values are written into values, got {name!r} in "
        "place on a tensor, which cannot hold one. Write t = t + x instead of t += x, or build "
        "it with cat or stack."
    )


def _fits(rule: Rule, call: Call) -> bool:
    """Whether a rule takes such arguments."""
    try:
        inspect.signature(rule).bind(*call.args, **call.kwargs)
    except TypeError:
        return False
    return True


def _has_values_elsewhere(call: Call) -> bool:
    """Whether a value stands where most functions have a setting."""
    return not isinstance(call.args[0], Value) or bool(
        values_in((*call.args[1:], *call.kwargs.values()))
    )


def _described(call: Call) -> str:
    """The arguments of a call beyond the first, in a few words."""
    given = [*call.args[1:], *(f"{key}={each!r}" for key, each in call.kwargs.items())]
    words = (
        type(each).__name__ if isinstance(each, Value | Tensor) else str(each) for each in given
    )
    return ", ".join(words)[:120] or "a value in another place"
