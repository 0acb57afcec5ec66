"""Gradients of an objective with respect to the inputs: exact, or from values alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from gnomon.errors import SettingError, SubjectError
from gnomon.shapes import Inputs, Logits, PerExample

Forward = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Slope:
    """The logits, objective and gradient at each point.

    Attributes:
        logits: the logits of the network.
        value: the value of the objective.
        gradient: the gradient of the objective with respect to the point; 0 where it is
            NaN or infinite.
        evaluations: number of evaluations of the network without a gradient, per point.
    """

    logits: Logits
    value: PerExample
    gradient: Inputs
    evaluations: int = 0

    @classmethod
    def mean(cls, found: Sequence["Slope"]) -> "Slope":
        """The mean over several draws of a random network."""
        return cls(
            torch.stack([each.logits for each in found]).mean(dim=0),
            torch.stack([each.value for each in found]).mean(dim=0),
            torch.stack([each.gradient for each in found]).mean(dim=0),
            sum(each.evaluations for each in found),
        )


@runtime_checkable
class SlopeEstimate(Protocol):
    """Computes or estimates the gradient of an objective."""

    def __call__(
        self,
        forward: Forward,
        points: Inputs,
        objective: Callable[[Logits], PerExample],
        generator: torch.Generator,
    ) -> Slope:
        """The objective and its gradient at each point."""
        ...


@dataclass(frozen=True)
class Autograd:
    """The gradient by automatic differentiation."""

    def __call__(
        self,
        forward: Forward,
        points: Inputs,
        objective: Callable[[Logits], PerExample],
        generator: torch.Generator,
    ) -> Slope:
        """The objective and its gradient at each point.

        Raises:
            SubjectError: the logits do not depend differentiably on the points.
        """
        del generator
        leaves = points.detach().requires_grad_()
        with torch.enable_grad():
            logits = forward(leaves)
            value = objective(logits)
            if not value.requires_grad:
                raise SubjectError(
                    "expected logits that depend differentiably on the input, got none that "
                    "do. Remove detach(), no_grad() or integer casts from the network, give "
                    "a surrogate for the module that has no gradient, or take slopes from "
                    "values: View(slopes=Antithetic())."
                )
            (gradient,) = torch.autograd.grad(value.sum(), leaves)
        return Slope(logits.detach(), value.detach(), gradient.nan_to_num(0.0, 0.0, 0.0))


AUTOGRAD = Autograd()


@dataclass(frozen=True)
class Antithetic:
    """The gradient of the objective smoothed by a Gaussian, from differences of its values.

        g = 1/(2 σ m) Σ_i (f(x + σ u_i) − f(x − σ u_i)) u_i,   u_i ~ N(0, 1)

    It sees through functions whose own gradient leads nowhere, such as k-winners-take-all.

    Attributes:
        samples: m, pairs of values for one gradient.
        scale: σ, in the data's own units.

    Raises:
        SettingError: no samples, or a scale that is not positive.

    References:
        salimans2017, section 2.1; tramer2020, section 5 (against k-winners-take-all).
    """

    samples: int = 50
    scale: float = 0.01

    def __post_init__(self) -> None:
        if self.samples < 1 or not self.scale > 0:
            raise SettingError(
                f"Antithetic: expected samples ≥ 1 and scale > 0, got {self.samples} and "
                f"{self.scale}. Correct them."
            )

    def __call__(
        self,
        forward: Forward,
        points: Inputs,
        objective: Callable[[Logits], PerExample],
        generator: torch.Generator,
    ) -> Slope:
        """The objective, and the estimate of its gradient at each point."""
        total = torch.zeros_like(points)
        with torch.no_grad():
            logits = forward(points)
            for _ in range(self.samples):
                noise = torch.randn(points.shape, generator=generator, device=generator.device)
                move = self.scale * noise.to(points)
                ahead, behind = forward(points + move), forward(points - move)
                rise = (objective(ahead) - objective(behind)).reshape(
                    -1, *[1] * (points.dim() - 1)
                )
                total += rise * move
            value = objective(logits)
        gradient = total / (2 * self.scale**2 * self.samples)
        return Slope(logits, value, gradient.nan_to_num(0.0, 0.0, 0.0), 2 * self.samples + 1)
