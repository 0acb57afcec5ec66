"""Boxes of weights as a centre and a radius."""

from dataclasses import dataclass

from torch import Tensor

from gnomon.algebra.interval import Interval
from gnomon.algebra.interval.operands import as_interval
from gnomon.algebra.rounding import up


@dataclass(frozen=True, eq=False)
class Centred:
    """All tensors at most `radius` from the centre.

    Attributes:
        centre: numbers; any would do.
        radius: ≥ 0; None where there is one tensor only.
    """

    centre: Tensor
    radius: Tensor | None = None

    @property
    def size(self) -> Tensor:
        """At least the size of every entry of every member."""
        return self.centre.abs() if self.radius is None else up(self.centre.abs() + self.radius)


def centred(given: object, like: Interval) -> Centred:
    """A tensor, a box of them, or a number, as it is enclosed in the numbers of `like`."""
    box = as_interval(given, like)
    if box.thin:
        return Centred(box.lower)
    centre = box.lower / 2 + box.upper / 2
    return Centred(centre, up((box.upper - centre).maximum(centre - box.lower)))
