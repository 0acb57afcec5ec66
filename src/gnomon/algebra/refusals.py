"""Refuses calls that no algebra can follow, by their names and their arguments."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from torch import Tensor

from gnomon.algebra.conversions import REAL_KINDS
from gnomon.algebra.names import KEEPING, QUESTIONS, RANDOM, Call
from gnomon.algebra.operators import is_value
from gnomon.errors import UnsupportedOperationError


def check(algebra: Any, call: Call) -> None:
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
    if name == "setitem" and not is_value(args[0]):
        raise written_into_a_tensor(algebra, name)
    if name not in KEEPING and name != "cast":
        _refuse_other_numbers(algebra, call)


def _refuse_other_numbers(algebra: Any, call: Call) -> None:
    """Refuses to compute with numbers that are no real numbers, or too coarse for bounds.

    Raises:
        UnsupportedOperationError: complex numbers, half precision, and whole numbers.
    """
    operands = _flat((*call.args, *call.kwargs.values()))
    for each in operands:
        kind = each.dtype if (is_value(each) or isinstance(each, Tensor)) else type(each)
        if kind in REAL_KINDS or not (is_value(each) or isinstance(each, Tensor | complex)):
            continue
        if isinstance(each, complex) or kind.is_complex:
            raise UnsupportedOperationError(
                f"{algebra.__name__}: expected real numbers, got complex ones in "
                f"{call.name!r}. Write their real and imaginary parts."
            )
        # Tensors of whole numbers are indices, masks or constants; in half precision they are
        # exact where an algebra converts them.
        exact = not kind.is_floating_point or _widened(operands)
        if is_value(each) or not exact:
            raise UnsupportedOperationError(
                f"{algebra.__name__}: expected numbers in float32 or float64 to compute with, "
                f"got {kind} in {call.name!r}. Convert them with float(), the network too."
            )


def _widened(operands: Iterable[Any]) -> bool:
    """True if a value converts the tensors among these to the numbers of its bounds."""
    return any(each.widens for each in operands if is_value(each))


def written_into_a_tensor(algebra: Any, name: str) -> UnsupportedOperationError:
    """The error of a function that is to write a value into a tensor."""
    return UnsupportedOperationError(
        f"{algebra.__name__}: expected that values are written into values, got {name!r} in "
        "place on a tensor, which cannot hold one. Write t = t + x instead of t += x, or build "
        "it with cat or stack."
    )


def fits(rule: Callable[..., Any], call: Call) -> bool:
    """Tells whether a rule takes such arguments."""
    try:
        inspect.signature(rule).bind(*call.args, **call.kwargs)
    except TypeError:
        return False
    return True


def has_values_elsewhere(call: Call) -> bool:
    """Tells whether a value stands where most functions have a setting."""
    return not is_value(call.args[0]) or bool(
        values_in((*call.args[1:], *call.kwargs.values()))
    )


def described(call: Call) -> str:
    """The arguments of a call beyond the first, in a few words."""
    given = [*call.args[1:], *(f"{key}={each!r}" for key, each in call.kwargs.items())]
    words = (
        type(each).__name__ if (is_value(each) or isinstance(each, Tensor)) else str(each)
        for each in given
    )
    return ", ".join(words)[:120] or "a value in another place"


def values_in(arguments: Iterable[Any]) -> list[Any]:
    """All values among arguments, and in the sequences among them."""
    return [each for each in _flat(arguments) if is_value(each)]


def _flat(arguments: Iterable[Any]) -> list[Any]:
    """The arguments, and those in the sequences among them."""
    found: list[Any] = []
    for each in arguments:
        if isinstance(each, tuple | list):
            found += _flat(each)
        else:
            found.append(each)
    return found
