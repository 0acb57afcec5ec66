"""Normalisations, as torch's functions are called: read once, for every algebra."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gnomon.algebra.value import Rule, Value
from gnomon.errors import UnsupportedOperationError

ByGiven = Callable[[Any, Tensor, Tensor, Any, Any, float], Any]
"""The rule of an algebra for (x − μ) / √(v + ε) · γ + β, of x, μ, v, γ, β and ε.

One of x, γ and β varies; all broadcast to x; γ and β may be None.
"""

ByOwn = Callable[[Any, tuple[int, ...], float], Any]
"""The rule of an algebra for (x − mean) / √(variance + ε), of x, the axes of both, and ε."""


@dataclass(frozen=True)
class Normalizations:
    """The rules of normalisations, of what an algebra makes of two formulas."""

    by_given: ByGiven
    by_own: ByOwn

    @property
    def rules(self) -> dict[str, Rule]:
        """The rules by the names of torch's functions."""
        return {
            "batch_norm": batch_norm(self.by_given),
            "layer_norm": self.layer_norm,
            "group_norm": self.group_norm,
            "instance_norm": self.instance_norm,
        }

    def layer_norm(
        self,
        x: Any,
        normalized_shape: Sequence[int],
        weight: Any = None,
        bias: Any = None,
        eps: float = 1e-5,
    ) -> Any:
        """Normalisation over the last axes."""
        normal = self.by_own(_varying(x, weight, bias), last_axes(normalized_shape), eps)
        return transformed(normal, weight, bias)

    def group_norm(
        self, x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
    ) -> Any:
        """Normalisation over groups of channels and all places."""
        grouped = _varying(x, weight, bias).reshape(x.shape[0], num_groups, -1)
        normal = self.by_own(grouped, (-1,), eps).reshape(x.shape)
        return transformed(normal, _by_channel(weight, x), _by_channel(bias, x))

    def instance_norm(
        self,
        x: Any,
        running_mean: Tensor | None = None,
        running_var: Tensor | None = None,
        weight: Any = None,
        bias: Any = None,
        use_input_stats: bool = True,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Any:
        """Normalisation of each channel over its places, or by the statistics that are kept."""
        del momentum
        if not use_input_stats:
            by_given = batch_norm(self.by_given)
            return by_given(x, running_mean, running_var, weight, bias, eps=eps)
        normal = self.by_own(_varying(x, weight, bias), tuple(range(2, x.ndim)), eps)
        return transformed(normal, _by_channel(weight, x), _by_channel(bias, x))


def batch_norm(by_given: ByGiven) -> Rule:
    """The rule of batch normalisation by running statistics.

    It raises `UnsupportedOperationError` in training mode, where they depend on the batch.
    """

    def rule(
        x: Any,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Any = None,
        bias: Any = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Any:
        del momentum
        if training or running_mean is None or running_var is None:
            raise UnsupportedOperationError(
                f"{type(_first(x, weight, bias)).__name__}: expected batch normalisation by "
                "running statistics, got training mode or none kept. Call network.eval() first."
            )
        parts = (running_mean, running_var, weight, bias)
        mean, variance, weight, bias = (_by_channel(each, x) for each in parts)
        return by_given(x, mean, variance, weight, bias, eps)

    return rule


def transformed(x: Any, weight: Any, bias: Any) -> Any:
    """The value x γ + β, with those of γ and β that there are."""
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def last_axes(shape: Sequence[int]) -> tuple[int, ...]:
    """The last axes, as many as a shape has."""
    return tuple(range(-len(shape), 0))


def count(x: Any, axes: tuple[int, ...]) -> int:
    """The number of coordinates along the axes."""
    return math.prod(x.shape[axis] for axis in axes)


def _by_channel(given: Any, x: Any) -> Any:
    """One number for each channel, of a shape that broadcasts to x."""
    return None if given is None else given.reshape(-1, *[1] * (x.ndim - 2))


def _varying(x: Any, *others: Any) -> Any:
    """The argument x: a tensor as its algebra has it, where only γ or β varies."""
    return _first(x, *others).lifted(x) if isinstance(x, Tensor) else x


def _first(*given: Any) -> Value:
    return next(each for each in given if isinstance(each, Value))
