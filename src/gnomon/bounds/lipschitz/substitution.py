"""Calls of torch functions with something else in place of the values among their arguments."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gnomon.algebra import functions
from gnomon.bounds.lipschitz.trace import Traced
from gnomon.errors import UnsupportedOperationError

_OPERATORS = ("add", "div", "matmul", "mul", "neg", "sub")
"""Their first argument may be a number."""


def content_of(name: str, args: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """The function of the contents: by the rule of their algebra, or of plain tensors."""
    values = values_of((args, named))
    contents = [value.content for value in values]
    if isinstance(contents[0], Tensor):
        return substituted(values, contents, function_named(name), args, named)
    rules = type(contents[0]).rules
    if name not in rules:
        raise UnsupportedOperationError(
            f"{type(contents[0]).__name__}: expected an operation it has a rule for, got "
            f"{name!r}."
        )
    return substituted(values, contents, rules[name], args, named)


def substituted(
    values: Sequence[Traced],
    given: Sequence[Any],
    function: Callable[..., Any],
    args: Any,
    named: Any,
) -> Any:
    """The function with something in place of each value among its arguments."""
    table = {id(value): each for value, each in zip(values, given, strict=True)}

    def put(argument: Any) -> Any:
        if id(argument) in table:
            return table[id(argument)]
        if isinstance(argument, tuple | list) and not hasattr(argument, "_fields"):
            return type(argument)(put(each) for each in argument)
        return argument

    return function(*put(tuple(args)), **{key: put(each) for key, each in named.items()})


def values_of(arguments: Any) -> list[Traced]:
    """The different values among arguments, in their order."""
    return list(dict.fromkeys(occurrences(arguments)))


def occurrences(arguments: Any) -> list[Traced]:
    """Every value among arguments, as often as it occurs."""
    if isinstance(arguments, Traced):
        return [arguments]
    if isinstance(arguments, Mapping):
        arguments = list(arguments.values())
    if not isinstance(arguments, tuple | list):
        return []
    return [value for each in arguments for value in occurrences(each)]


def function_named(name: str) -> Callable[..., Any]:
    """The torch function of a name."""
    if name == "activation":
        return lambda function, value: function(value)
    return getattr(torch, name) if name in _OPERATORS else functions.function_named(name)
