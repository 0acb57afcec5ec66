"""Points where a network is steep: lower bounds of Lipschitz constants, attained."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from gnomon.algebra import Interval
from gnomon.bounds.lipschitz.bound import Norm
from gnomon.errors import SettingError, SubjectError
from gnomon.networks import undisturbed
from gnomon.shapes import Inputs, PerExample

Jacobian = Float[Tensor, " batch classes inputs"]
_GENERIC = 1e-3
_OCTAVES = 6


@dataclass(frozen=True, eq=False)
class SteepPoints:
    """The steepest points that were found.

    Attributes:
        norm: of inputs and of logits.
        values: the norm of the Jacobian at each point: at most the Lipschitz constant.
        points: where.
    """

    norm: Norm
    values: PerExample
    points: Inputs

    @property
    def value(self) -> float:
        """The largest of all points."""
        return float(self.values.max())


@dataclass(frozen=True)
class SteepestAscent:
    """Climbs to where the norm of the Jacobian is large, in a box around each start.

    A step goes in the direction in which (f(x + h u) − f(x − h u)) / 2h grows, where u is the
    direction that the Jacobian stretches most: for a piecewise linear network, whose second
    derivative is 0, this sees the kinks that are nearer than h. Every other step, and where
    that quotient is flat, the direction is random; the length is log-uniform up to h. A step is
    kept unless the norm falls, so that points wander where it is constant.

    Each value is the norm of the derivative at a point of the box, which is a lower bound of
    the constant. Points are moved a little at random, so that none lies on a kink, where what
    automatic differentiation returns need not be a limit of derivatives.

    Attributes:
        norm: of inputs and of logits.
        steps: of the climb; 0 means the starts alone.
        reach: of the differences, and of the longest step: h, as a share of the box's width, or
            of 1 where that is infinite.

    References:
        weng2018evt (constants from below, by sampled gradients).
    """

    norm: Norm = "L2"
    steps: int = 20
    reach: float = 0.1

    def __post_init__(self) -> None:
        if self.steps < 0 or not self.reach > 0:
            raise SettingError(
                f"SteepestAscent: expected steps ≥ 0 and reach > 0, got {self.steps} and "
                f"{self.reach}. Correct them."
            )

    def __call__(
        self, network: nn.Module, starts: Inputs, box: Interval, generator: torch.Generator
    ) -> SteepPoints:
        """The steepest points, one for each start.

        Args:
            network: differentiable in its inputs; it is left as it was.
            starts: in the box.
            box: of the starts' shape; may be infinite.
            generator: of the random moves.

        Raises:
            SubjectError: logits that cannot be differentiated.
        """
        width = torch.where(box.width.isfinite(), box.width, torch.ones_like(box.width))
        points = _generic(starts, box, width, generator)
        with undisturbed(network), torch.enable_grad():
            jacobian = _jacobian(network, points)
            values = _norms(jacobian, self.norm)
            for step in range(self.steps):
                offset = self._direction(network, points, jacobian, width)
                flat = offset.flatten(1).abs().amax(1) == 0
                wander = _along(flat | (step % 2 == 1), points)
                offset = torch.where(wander, 2 * _drawn(points, generator) - 1, offset)
                octaves = _OCTAVES * _drawn(points.flatten(1)[:, 0], generator)
                length = _along(self.reach * 2**-octaves, points)
                tried = _generic(points + length * width * offset, box, width, generator)
                steeper = _jacobian(network, tried)
                found = _norms(steeper, self.norm)
                better = found >= values
                points = torch.where(_along(better, points), tried, points)
                jacobian = torch.where(better[:, None, None], steeper, jacobian)
                values = torch.where(better, found, values)
        return SteepPoints(self.norm, values.cpu(), points)

    def _direction(
        self, network: nn.Module, points: Inputs, jacobian: Jacobian, width: Tensor
    ) -> Inputs:
        """The signs of the gradient of the central difference."""
        left, right = _stretched(jacobian, self.norm)
        turn = right.reshape(points.shape) * width * self.reach
        x = points.detach().requires_grad_()
        quotient = ((network(x + turn) - network(x - turn)) * left).sum()
        return torch.autograd.grad(quotient, x, allow_unused=True, materialize_grads=True)[
            0
        ].sign()


def _generic(
    points: Inputs, box: Interval, width: Tensor, generator: torch.Generator
) -> Inputs:
    """The points in the box, and a little away from where they were and from its sides."""
    inside = points.clamp(box.lower, box.upper)
    draw = _drawn(points, generator)
    finite = box.lower.isfinite() & box.upper.isfinite()
    low = torch.where(finite, box.lower, inside - width / 2)
    return (inside + _GENERIC * (low + draw * width - inside)).clamp(box.lower, box.upper)


def _jacobian(network: nn.Module, points: Inputs) -> Jacobian:
    """The derivative at each point: one backward pass for each logit."""
    x = points.detach().requires_grad_()
    logits = network(x)
    if not logits.requires_grad:
        raise SubjectError(
            "SteepestAscent: expected logits that can be differentiated in the input, got "
            "logits that are cut off from it. Remove detach() or no_grad() from the network."
        )
    rows = [
        torch.autograd.grad(
            column.sum(), x, retain_graph=True, allow_unused=True, materialize_grads=True
        )[0]
        for column in logits.unbind(1)
    ]
    return torch.stack(rows, dim=1).flatten(2).detach()


def _norms(jacobian: Jacobian, norm: Norm) -> PerExample:
    if norm == "L2":
        return torch.linalg.matrix_norm(jacobian, 2)
    return jacobian.abs().sum(2 if norm == "Linf" else 1).amax(1)


def _stretched(jacobian: Jacobian, norm: Norm) -> tuple[Tensor, Tensor]:
    """Directions l and u of largest ⟨l, J u⟩; u with entries of size at most 1."""
    if norm == "L2":
        left, _, right = torch.linalg.svd(jacobian, full_matrices=False)
        found = right[:, 0]
        return left[:, :, 0], found / found.abs().amax(1, keepdim=True).clamp_min(1e-30)
    if norm == "Linf":
        row = jacobian.abs().sum(2).argmax(1)
        left = functional.one_hot(row, jacobian.shape[1]).to(jacobian)
        return left, (left[:, :, None] * jacobian).sum(1).sign()
    column = jacobian.abs().sum(1).argmax(1)
    right = functional.one_hot(column, jacobian.shape[2]).to(jacobian)
    return (jacobian * right[:, None]).sum(2).sign(), right


def _drawn(like: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform in [0, 1)."""
    return torch.rand(like.shape, generator=generator, device=generator.device).to(like)


def _along(value: Tensor, like: Tensor) -> Tensor:
    """One number for each example, along the examples of a tensor."""
    return value.reshape(-1, *[1] * (like.ndim - 1))
