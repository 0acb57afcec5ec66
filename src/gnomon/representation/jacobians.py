"""A network as a change of variables: Jacobians at the data."""

import itertools
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gnomon.networks import Stage, device_of, stages, undisturbed
from gnomon.shapes import Inputs, PerExample

_MOST_NUMBERS = 2**24
"""Of the Jacobians that are held at a time."""

SingularValues = Float[Tensor, " examples rank"]


@dataclass(frozen=True, eq=False)
class LayerJacobian:
    """The Jacobians of one layer, from one stage to the next, at every example.

    Where other stages feed the later one as well (a residual connection from further back),
    they are held fixed.

    Attributes:
        layer: the name of the weight layer between the stages.
        source: the stage that is varied.
        target: the stage that follows it.
        shape: of one Jacobian: the widths of target and source.
        singular_values: descending, min(shape) for each example; None where the stages are
            wider than was asked for.
        precision: in which the Jacobians were computed.
    """

    layer: str
    source: str
    target: str
    shape: tuple[int, int]
    singular_values: SingularValues | None
    precision: torch.dtype = torch.float32

    @property
    def log_det(self) -> PerExample | None:
        """The logarithm of |det J| = Π σ_i for a square Jacobian, −∞ where it is singular.

        None for a Jacobian that is not square, which has no determinant, or was not computed.
        """
        if self.singular_values is None or self.shape[0] != self.shape[1]:
            return None
        logs = self.singular_values.log().sum(dim=1)
        singular = is_singular(self.singular_values, self.shape, self.precision)
        return torch.where(singular, torch.full_like(logs, -torch.inf), logs)


def layer_jacobians(
    network: nn.Module, inputs: Inputs, *, widest: int = 512
) -> tuple[LayerJacobian, ...]:
    """The Jacobian of every stage in the one before it, at every input.

    It is not computed between representations wider than `widest`: it has width × width numbers
    for every example. Derivatives are in the network's precision, singular values are found in
    double precision.

    Args:
        network: any network whose examples do not influence one another in evaluation mode.
        inputs: a batch of examples.
        widest: the largest width of both stages that is still computed.
    """
    device = device_of(network)
    batch = max(1, _MOST_NUMBERS // widest**2)
    found: list[list[LayerJacobian]] = []
    with undisturbed(network), torch.enable_grad():
        for part in inputs.split(batch):
            chain = stages(network, part.to(device).detach().requires_grad_())
            pairs = itertools.pairwise(chain)
            found.append([_between(before, after, widest) for before, after in pairs])
    return tuple(_joined(parts, inputs.device) for parts in zip(*found, strict=True))


def network_singular_values(network: nn.Module, inputs: Inputs) -> SingularValues:
    """The singular values of the logits' Jacobian in the input, descending, at every input.

    The largest is the most that the logits change per unit of a small change of the input, both
    measured in L2. One backward pass per class.

    Args:
        network: any network whose examples do not influence one another in evaluation mode.
        inputs: a batch of examples.
    """
    device = device_of(network)
    with undisturbed(network), torch.enable_grad():
        classes = network(inputs[:1].to(device)).shape[1]
        batch = max(1, _MOST_NUMBERS // (classes * inputs[0].numel()))
        found: list[Tensor] = []
        for part in inputs.split(batch):
            x = part.to(device).detach().requires_grad_()
            found.append(_singular_values(_jacobian(network(x), x)).to(inputs.device))
    return torch.cat(found)


def is_singular(
    singular_values: SingularValues, shape: tuple[int, int], dtype: torch.dtype = torch.float32
) -> Bool[Tensor, " examples"]:
    """At which examples the smallest singular value is zero up to rounding.

    That is σ_min ≤ max(shape) ε σ_max, the rank tolerance of numerical linear algebra, with ε
    the precision in which the Jacobian was computed.
    """
    tolerance = max(shape) * torch.finfo(dtype).eps
    return singular_values[:, -1] <= tolerance * singular_values[:, 0]


def _between(before: Stage, after: Stage, widest: int) -> LayerJacobian:
    shape = (after.values[0].numel(), before.values[0].numel())
    values = None
    if max(shape) <= widest:
        values = _singular_values(_jacobian(after.values.flatten(1), before.values))
    return LayerJacobian(
        after.giver, before.name, after.name, shape, values, before.values.dtype
    )


def _jacobian(
    outputs: Float[Tensor, " batch rows"], inputs: Float[Tensor, " batch *shape"]
) -> Float[Tensor, " batch rows columns"]:
    """The derivative of outputs in inputs, example by example; one backward pass per row."""
    columns = inputs[0].numel()
    rows: list[Tensor] = []
    for row in outputs.unbind(dim=1):
        gradient: Tensor | None = None
        if row.requires_grad:
            (gradient,) = torch.autograd.grad(
                row.sum(), inputs, retain_graph=True, allow_unused=True
            )
        zero = outputs.new_zeros(len(outputs), columns)
        rows.append(zero if gradient is None else gradient.flatten(1))
    return torch.stack(rows, dim=1)


def _singular_values(jacobian: Float[Tensor, " batch rows columns"]) -> SingularValues:
    return torch.linalg.svdvals(jacobian.double())


def _joined(parts: tuple[LayerJacobian, ...], device: torch.device) -> LayerJacobian:
    """One layer's Jacobians from all batches."""
    known = [part.singular_values for part in parts if part.singular_values is not None]
    return replace(parts[0], singular_values=torch.cat(known).to(device) if known else None)
