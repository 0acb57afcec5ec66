"""Computes the Jacobians of a network, as a change of variables, at the data."""

import itertools
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from gnomon.errors import SubjectError
from gnomon.networks import Stage, device_of, stages, undisturbed
from gnomon.shapes import Inputs, PerExample

_MOST_NUMBERS = 2**24
"""Maximum number of Jacobian entries held in memory at once."""

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
        shape: the shape of one Jacobian, (width of target, width of source).
        singular_values: min(shape) numbers for each example, descending; None if absent.
        precision: the precision in which the Jacobians were computed.
        absent: the reason why they were not computed: the stages are wider than the
            limit, their rows are not examples, or no derivative leads from one to the other (a
            shortcut's layer does not see the layer called before it).
    """

    layer: str
    source: str
    target: str
    shape: tuple[int, int]
    singular_values: SingularValues | None
    precision: torch.dtype = torch.float32
    absent: str = ""

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
    for every example. Derivatives are in the network's precision, singular values are computed
    in double precision.

    Args:
        network: any network whose examples do not influence one another in evaluation mode.
        inputs: a batch of examples.
        widest: the largest width of both stages that is still computed.
    """
    device = device_of(network)
    batch = max(1, _MOST_NUMBERS // widest**2)
    batches: list[list[LayerJacobian]] = []
    with undisturbed(network), torch.enable_grad():
        for part in inputs.split(batch):
            chain = stages(network, part.to(device).detach().requires_grad_())
            pairs = itertools.pairwise(chain)
            batches.append([_between(*pair, len(part), widest) for pair in pairs])
    return tuple(_joined(parts, inputs.device) for parts in zip(*batches, strict=True))


def network_singular_values(network: nn.Module, inputs: Inputs) -> SingularValues:
    """The singular values of the logits' Jacobian in the input, descending, at every input.

    The largest is the most that the logits change per unit of a small change of the input, both
    measured in L2. One backward pass per class.

    Args:
        network: any network whose examples do not influence one another in evaluation mode.
        inputs: a batch of examples.

    Raises:
        SubjectError: no derivative leads from the logits to the input.
    """
    device = device_of(network)
    with undisturbed(network), torch.enable_grad():
        classes = network(inputs[:1].to(device)).shape[1]
        batch = max(1, _MOST_NUMBERS // (classes * inputs[0].numel()))
        spectra: list[Tensor] = []
        for part in inputs.split(batch):
            x = part.to(device).detach().requires_grad_()
            jacobian = _jacobian(network(x.clone()), x)
            if jacobian is None:
                raise SubjectError(
                    "network_singular_values: expected logits that can be differentiated in "
                    "the input, got logits that are cut off from it. Remove detach() or "
                    "no_grad() from the network."
                )
            spectra.append(_singular_values(jacobian).to(inputs.device))
    return torch.cat(spectra)


def is_singular(
    singular_values: SingularValues, shape: tuple[int, int], dtype: torch.dtype = torch.float32
) -> Bool[Tensor, " examples"]:
    """Tells for each example whether the smallest singular value is zero up to rounding.

    The criterion is σ_min ≤ max(shape) ε σ_max, the rank tolerance of numerical linear
    algebra, with ε the precision in which the Jacobian was computed.
    """
    tolerance = max(shape) * torch.finfo(dtype).eps
    return singular_values[:, -1] <= tolerance * singular_values[:, 0]


def _between(before: Stage, after: Stage, examples: int, widest: int) -> LayerJacobian:
    shape = (after.values[0].numel(), before.values[0].numel())
    what = (after.giver, before.name, after.name, shape)
    jacobian, absent = None, ""
    if {len(before.values), len(after.values)} != {examples}:
        absent = "its rows are not examples"
    elif max(shape) > widest:
        absent = f"too wide to be computed (more than {widest})"
    else:
        jacobian = _jacobian(after.values.flatten(1), before.values)
        absent = "" if jacobian is not None else "no derivative leads from one to the other"
    values = None if jacobian is None else _singular_values(jacobian)
    return LayerJacobian(*what, values, before.values.dtype, absent)


def _jacobian(
    outputs: Float[Tensor, " batch rows"], inputs: Float[Tensor, " batch *shape"]
) -> Float[Tensor, " batch rows columns"] | None:
    """The derivative of outputs in inputs, example by example; one backward pass per row.

    None where no path of derivatives leads from the outputs to the inputs.
    """
    if not (outputs.requires_grad and inputs.requires_grad):
        return None
    gradients = [_gradient(row.sum(), inputs) for row in outputs.unbind(dim=1)]
    if all(gradient is None for gradient in gradients):
        return None
    zero = inputs.new_zeros(inputs.shape)
    rows = [zero if gradient is None else gradient for gradient in gradients]
    return torch.stack(rows, dim=1).flatten(2)


def _gradient(number: Tensor, inputs: Tensor) -> Tensor | None:
    """The gradient with respect to the inputs; None if no path leads to them."""
    if not number.requires_grad:
        return None
    return torch.autograd.grad(number, inputs, retain_graph=True, allow_unused=True)[0]


def _singular_values(jacobian: Float[Tensor, " batch rows columns"]) -> SingularValues:
    return torch.linalg.svdvals(jacobian.double())


def _joined(parts: tuple[LayerJacobian, ...], device: torch.device) -> LayerJacobian:
    """The Jacobians of one layer, joined from all batches."""
    known = [part.singular_values for part in parts if part.singular_values is not None]
    return replace(parts[0], singular_values=torch.cat(known).to(device) if known else None)
