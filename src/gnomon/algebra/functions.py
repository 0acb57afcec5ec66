"""Torch's functions, by the names under which algebras have their rules."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def function_named(name: str) -> Callable[..., Any]:
    """The function, of tensors."""
    if name == "getitem":
        return lambda value, index: value[index]
    name = {"log_sigmoid": "logsigmoid"}.get(name, name)
    owner = next(each for each in (Tensor, functional, torch) if hasattr(each, name))
    return getattr(owner, name)


def with_settings(
    name: str, settings: Sequence[Any], named: Mapping[str, Any]
) -> Callable[[Tensor], Any]:
    """The function of one tensor that a call with these settings is."""
    function = function_named(name)
    return lambda value: function(value, *settings, **named)
