"""Copies of what a call was given, for algebras that compute with it later."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from gnomon.algebra.views import apart


def snapshot(arguments: Any, seen: dict[int, Tensor] | None = None) -> Any:
    """Returns the arguments with copies of all tensors, so that no later change reaches them.

    Copies can be differentiated by the originals. A tensor that occurs twice is copied once, as
    an interval with one member shows by having the same tensor as both of its bounds.

    Args:
        arguments: tensors, values, and sequences and mappings of them.
        seen: the copies that were made, by the identity of the originals.
    """
    seen = {} if seen is None else seen
    if isinstance(arguments, Tensor):
        if id(arguments) not in seen:
            seen[id(arguments)] = arguments.clone()
        return seen[id(arguments)]
    if hasattr(arguments, "lazy"):  # a value
        return arguments if arguments.lazy else _of_value(arguments, seen)
    if isinstance(arguments, tuple | list) and not hasattr(arguments, "_fields"):
        return type(arguments)(snapshot(each, seen) for each in arguments)
    if isinstance(arguments, Mapping):
        return {key: snapshot(each, seen) for key, each in arguments.items()}
    return arguments


def _of_value(value: Any, seen: dict[int, Tensor]) -> Any:
    made = apart(value)
    held = vars(made)
    for name, part in held.items():
        if isinstance(part, Tensor) or hasattr(part, "lazy"):
            held[name] = snapshot(part, seen)
    return made
