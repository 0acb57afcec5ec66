"""The distance to the nearest point of another class, bracketed by branch and bound.

For networks of few inputs, in float64. A box of the input space is put away once linear
relaxations certify that no point in it is wrong; any wrong point gives an upper end. What is
left is split. When nothing is left nearer than (1 − tolerance) times the upper end, every
point nearer than that has been certified: that is the lower end.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.algebra import Interval, LinearRelaxation, evaluate

TOGETHER = 2048
"""Boxes that are bounded at a time."""
SLACK = 1e-9
"""What a bound has to exceed 0 by: far more than float64 rounds in so small a network."""

Norm = Literal["Linf", "L2"]


@dataclass(frozen=True)
class Distances:
    """Where the smallest perturbations that change the answer lie.

    Attributes:
        lower: for each example, no point nearer than this is wrong; `most` where none is found.
        upper: a wrong point is this far; ∞ where none lies within `most`.
        points: those wrong points; the inputs themselves where there is none.
        boxes: how many were bounded.
    """

    lower: Tensor
    upper: Tensor
    points: Tensor
    boxes: int


def nearest_fooling_points(
    network: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    norm: Norm,
    most: float,
    tolerance: float = 1e-3,
) -> Distances:
    """The brackets of all examples, best boxes first.

    Args:
        network: in float64 and evaluation mode.
        inputs: batch × features, few of these, in float64.
        labels: that the network gives them; an example it gets wrong is at distance 0.
        norm: of the perturbation.
        most: the largest distance of interest.
        tolerance: relative, of the lower end against the upper one.
    """
    problem = _Problem(network, inputs, labels, norm, most)
    everybody = torch.arange(len(inputs))
    upper = torch.where(problem.wrong(everybody, inputs), 0.0, torch.inf).to(inputs)
    points, count = inputs.clone(), 0
    boxes = _Boxes(everybody, inputs - most, inputs + most, torch.zeros_like(upper))
    while True:
        needed = (upper * (1 - tolerance)).clamp_max(most)
        boxes = boxes.only(boxes.distance < needed[boxes.owner])
        if not len(boxes.owner):
            return Distances(needed, upper, points, count)
        order = boxes.distance.argsort()
        rest, chosen = boxes.only(order[TOGETHER:]), boxes.only(order[:TOGETHER])
        count += len(chosen.owner)
        problem.look(chosen, upper, points)
        boxes = rest.and_also(problem.halves(chosen.only(~problem.certified(chosen))))


@dataclass(frozen=True)
class _Boxes:
    """Boxes that may hold a wrong point, each of one of the examples."""

    owner: Tensor
    lower: Tensor
    upper: Tensor
    distance: Tensor

    def only(self, kept: Tensor) -> "_Boxes":
        return _Boxes(self.owner[kept], self.lower[kept], self.upper[kept], self.distance[kept])

    def and_also(self, other: "_Boxes") -> "_Boxes":
        return _Boxes(
            torch.cat([self.owner, other.owner]),
            torch.cat([self.lower, other.lower]),
            torch.cat([self.upper, other.upper]),
            torch.cat([self.distance, other.distance]),
        )


@dataclass(frozen=True)
class _Problem:
    """What is asked."""

    network: nn.Module
    inputs: Tensor
    labels: Tensor
    norm: Norm
    most: float

    def wrong(self, owner: Tensor, points: Tensor) -> Tensor:
        """Which points are wrong."""
        with torch.no_grad():
            return self.network(points).argmax(dim=1) != self.labels[owner]

    def distance(self, owner: Tensor, points: Tensor) -> Tensor:
        """From each point's example."""
        order = torch.inf if self.norm == "Linf" else 2
        return (points - self.inputs[owner]).norm(p=order, dim=1)

    def look(self, boxes: _Boxes, upper: Tensor, points: Tensor) -> None:
        """Notes wrong ones among the middles of boxes and their points nearest the input."""
        nearest = self.inputs[boxes.owner].clamp(boxes.lower, boxes.upper)
        for seen in ((boxes.lower + boxes.upper) / 2, nearest):
            away = self.distance(boxes.owner, seen)
            wrong = self.wrong(boxes.owner, seen) & (away <= self.most)
            for row in wrong.nonzero()[:, 0].tolist():
                owner = int(boxes.owner[row])
                if away[row] < upper[owner]:
                    upper[owner], points[owner] = away[row], seen[row]

    def certified(self, boxes: _Boxes) -> Tensor:
        """Which boxes hold no wrong point: z_y − z_j > 0 everywhere, for all other classes."""
        with torch.no_grad():
            logits = evaluate(
                self.network, LinearRelaxation.of(Interval(boxes.lower, boxes.upper))
            )
            classes = logits.shape[1]
            own = functional.one_hot(self.labels[boxes.owner], classes).to(boxes.lower)
            least = logits.at_least(own[:, None] - torch.eye(classes, dtype=own.dtype))
        return ((least > SLACK) | (own > 0)).all(dim=1)

    def halves(self, boxes: _Boxes) -> _Boxes:
        """Both halves of each, across its longest side."""
        side = (boxes.upper - boxes.lower).argmax(dim=1, keepdim=True)
        middle = (boxes.lower + boxes.upper).gather(1, side) / 2
        lower = torch.cat([boxes.lower, boxes.lower.scatter(1, side, middle)])
        upper = torch.cat([boxes.upper.scatter(1, side, middle), boxes.upper])
        owner = boxes.owner.repeat(2)
        nearest = self.inputs[owner].clamp(lower, upper)
        return _Boxes(owner, lower, upper, self.distance(owner, nearest))
