"""Results of Lipschitz methods: constants that cannot be exceeded, and radii from them."""

from dataclasses import dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.algebra import Interval
from gnomon.errors import SettingError, ShapeError
from gnomon.shapes import Inputs, Labels, Logits, PerExample

Norm = Literal["L1", "L2", "Linf"]
"""The norm in which both the inputs and the logits are measured."""


@dataclass(frozen=True)
class Factor:
    """The contribution of one part of a network to a bound.

    Attributes:
        part: the modules, or the function, such as "conv1".
        value: an upper bound of the part's own Lipschitz constant, over all regions.
        how: where it comes from, such as "singular values" or "symbol".
    """

    part: str
    value: float
    how: str


@dataclass(frozen=True, eq=False)
class LipschitzBound:
    """Upper bounds of Lipschitz constants, for each region; ∞ where nothing is known.

    Attributes:
        norm: of inputs and logits; a single output is measured by its absolute value.
        kind: of truth: the bounds hold in exact arithmetic, here with ordinary rounding.
        values: of the logits as one vector, ‖f(x) − f(y)‖ ≤ value ‖x − y‖ in each region.
        outputs: of each logit.
        margins: of the difference of each pair of logits; 0 on the diagonal.
        factors: of the parts of the network, where the bound is made of such.
    """

    norm: Norm
    kind: str
    values: Float[Tensor, " regions"]
    outputs: Float[Tensor, " regions classes"]
    margins: Float[Tensor, " regions classes classes"]
    factors: tuple[Factor, ...] = ()

    @property
    def value(self) -> float:
        """The largest over the regions."""
        return float(self.values.max())

    def radius(
        self, logits: Logits, labels: Labels, reach: float | Tensor = torch.inf
    ) -> PerExample:
        """The distance by which each example can be moved without a change of its class.

        That is min_{j ≠ y} (z_y − z_j) / L_{yj}, and at most `reach`; 0 where the class is
        wrong already, or nothing is known.

        Args:
            logits: of the examples.
            labels: y of each example.
            reach: how far the regions extend around the examples; ∞ for bounds that hold
                everywhere. A ball of radius r lies in the box of radius r in every norm.

        Raises:
            ShapeError: neither one region nor one for each example.
        """
        if len(self.values) not in {1, len(logits)}:
            raise ShapeError(
                f"LipschitzBound: expected 1 or {len(logits)} regions for as many examples, "
                f"got {len(self.values)}. Bound the regions of these examples."
            )
        classes = logits.shape[1]
        own = self.margins.expand(len(logits), -1, -1)
        slope = own.gather(1, labels[:, None, None].expand(-1, 1, classes))[:, 0].to(logits)
        room = logits.gather(1, labels[:, None]) - logits
        known = (room > 0) & slope.isfinite()
        steps = torch.where(known, room / slope, torch.zeros_like(room))
        steps = steps.scatter(1, labels[:, None], torch.inf)
        return steps.amin(1).minimum(
            torch.as_tensor(reach, dtype=steps.dtype, device=steps.device)
        )


@runtime_checkable
class LipschitzMethod(Protocol):
    """A frozen dataclass that bounds Lipschitz constants; its fields are its settings."""

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        region: Interval | None = None,
        labels: Labels | None = None,
    ) -> LipschitzBound:
        """Bounds for the whole space, or for each of several boxes.

        Args:
            network: in evaluation mode or not; it is left as it was.
            inputs: examples of the shape and type of an input.
            region: boxes, counted by their first axis; None means the whole space.
            labels: one for each box: margins of other pairs need not be bounded, and are then
                ∞; None means all pairs.
        """
        ...


def tightest(first: LipschitzBound, second: LipschitzBound) -> LipschitzBound:
    """The smaller of two bounds of the same network, entry by entry; the first one's factors.

    Args:
        first: in each of some regions.
        second: in the same regions, or in one that holds them all.

    Raises:
        SettingError: bounds in different norms.
    """
    if first.norm != second.norm:
        raise SettingError(
            f"tightest: expected bounds in one norm, got {first.norm} and {second.norm}. "
            "Compute both in the same."
        )
    return replace(
        first,
        values=first.values.minimum(second.values),
        outputs=first.outputs.minimum(second.outputs),
        margins=first.margins.minimum(second.margins),
    )


def known(value: Tensor) -> Tensor:
    """The value, and ∞ where it is NaN: nothing is known there."""
    return torch.where(value.isnan(), torch.full_like(value, torch.inf), value)


def differences(rows: Tensor) -> Tensor:
    """Row j minus row k, for all pairs: … × classes × classes × columns."""
    return rows.unsqueeze(-2) - rows.unsqueeze(-3)
