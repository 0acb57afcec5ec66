"""Computes the lead of one logit over all others at points of a plane."""

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.errors import ShapeError
from gnomon.networks.predictions import device_of, logits_of
from gnomon.networks.undisturbed import undisturbed
from gnomon.representation.plane import Plane
from gnomon.shapes import Labels, Logits, PerExample


def lead_of(logits: Logits, classes: Labels) -> PerExample:
    """The lead z_k − max_{j≠k} z_j of each row's class k; infinite if k is the only class.

    It is positive where k is the decision, and zero on the boundary of k's region.
    """
    own = logits.gather(1, classes[:, None])[:, 0]
    others = logits.scatter(1, classes[:, None], -torch.inf)
    return own - others.amax(dim=1)


@dataclass(frozen=True, eq=False)
class Evaluator:
    """A network on a plane.

    Attributes:
        network: the network, evaluated in the precision `dtype`.
        plane: the plane whose points are evaluated.
        dtype: the precision of the network's inputs.
        batch: number of points at a time.
    """

    network: nn.Module
    plane: Plane
    dtype: torch.dtype
    batch: int

    @classmethod
    def own(cls, network: nn.Module, plane: Plane, batch: int) -> "Evaluator":
        """The network in its own precision; float64 for one without parameters and buffers.

        Raises:
            ShapeError: the network's output is not (batch, classes).
        """
        tensors = [*network.parameters(), *network.buffers()]
        dtypes = [each.dtype for each in tensors if each.is_floating_point()]
        own = cls(network, plane, dtypes[0] if dtypes else torch.float64, batch)
        own._check_output()
        return own

    def _check_output(self) -> None:
        """Checks the output at two points, so that a lost batch axis shows."""
        points = self.plane.points(torch.zeros(2, 2, dtype=torch.float64)).to(self.dtype)
        with undisturbed(self.network), torch.no_grad():
            shape = tuple(self.network(points.to(device_of(self.network))).shape)
        if len(shape) != 2 or shape[0] != len(points):
            raise ShapeError(
                "decision_boundary: expected logits of shape (batch, classes) = (2, classes) "
                f"for two inputs, got {shape}. Give a classifier with one row for each input."
            )

    def precise(self, dtype: torch.dtype) -> "Evaluator":
        """A copy of the network in another precision, or itself where that does not run.

        A network that makes tensors of a fixed precision inside, or that cannot be copied,
        stays in its own.
        """
        if dtype == self.dtype:
            return self
        try:
            copied = copy.deepcopy(self.network).to(dtype)
            precise = Evaluator(copied, self.plane, dtype, self.batch)
            precise.logits(torch.zeros(2, 2, dtype=torch.float64))
        except (RuntimeError, TypeError, ValueError):
            return self
        return precise

    def logits(self, coordinates: Float[Tensor, " batch two"]) -> Logits:
        """The logits at (x, y), in float64 on the plane's device."""
        parts = [
            logits_of(self.network, self.plane.points(part).to(self.dtype), self.batch)
            for part in coordinates.split(self.batch)
        ]
        return torch.cat(parts).double()
