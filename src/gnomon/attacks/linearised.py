"""The boundary between classes as the network's first derivative sees it."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from gnomon.attacks.search import Rows, Search
from gnomon.errors import SettingError
from gnomon.objectives import Objective, margin, targeted_margin
from gnomon.sets import InputSet, MeasuredSet
from gnomon.sets.lengths import scaled
from gnomon.sets.rounding import per_example
from gnomon.shapes import Inputs, Labels, Logits, PerExample


@dataclass(frozen=True)
class Hyperplane:
    """The points x + δ with value + ⟨normal, δ − perturbation⟩ = 0, one for each row.

    Attributes:
        value: f, how far the class's logit exceeds the label's at the perturbation.
        normal: ∇f there.
        perturbation: where f was linearised.
    """

    value: PerExample
    normal: Inputs
    perturbation: Inputs

    def step(self, within: MeasuredSet, originals: Inputs, start: Inputs) -> Inputs:
        """The shortest step from a perturbation `start` to the hyperplane, in the domain."""
        moved = (self.normal * (start - self.perturbation)).flatten(1).sum(dim=1)
        height = -self.value - moved
        side = torch.where(height < 0, -1.0, 1.0).to(height)
        direction = self.normal * side.reshape(-1, *[1] * (start.dim() - 1))
        return within.shortest(originals + start, direction, height * side)


def nearest_boundary(
    search: Search, rows: Rows, perturbation: Inputs, classes: Int[Tensor, " rows some"]
) -> Hyperplane:
    """The nearest of the linearised boundaries to some classes, for each row.

    With f_c = z_c − z_y, the distance from x + δ to the boundary of class c is, but for the
    domain, ``|f_c| / ‖∇f_c‖*``, in the norm that is dual to the set's. Each class takes a
    gradient. Value and normal are divided by the largest coordinate of the normal, so that
    neither large nor small logits over- or underflow when they are squared.

    Args:
        search: sees the network.
        rows: which examples.
        perturbation: δ, of each row.
        classes: wrong classes of each row; where the search has targets, these, and f_c is how
            far the target exceeds all other classes.
    """
    best = torch.full_like(rows, torch.inf, dtype=torch.float64)
    value = torch.zeros_like(best, dtype=perturbation.dtype)
    normal = torch.zeros_like(perturbation)
    for targets in classes.unbind(dim=1):
        slope = search.slope(
            rows, perturbation, _exceeding(targets, anybody=search.targets is not None)
        )
        gradient, largest = scaled(slope.gradient)
        height = slope.value / largest
        dual = (search.within.steepest(gradient, 1.0) * gradient).flatten(1)
        distance = height.double().abs() / dual.double().sum(dim=1)
        nearer = distance < best
        best = torch.where(nearer, distance, best)
        value = torch.where(nearer, height, value)
        normal = torch.where(per_example(nearer, normal), gradient, normal)
    return Hyperplane(value, normal, perturbation)


def measured(name: str, within: InputSet) -> MeasuredSet:
    """The set, which a search for the nearest point can measure with.

    Raises:
        SettingError: the set has no way to a hyperplane.
    """
    if not isinstance(within, MeasuredSet):
        raise SettingError(
            f"{name}: expected Linf, L2, L1 or Box, got {type(within).__name__}. Take one of "
            "them, or give the set `shortest` and `nearest`."
        )
    return within


def inside_domain(search: Search, rows: Rows, perturbation: Inputs) -> Inputs:
    """The perturbation, cut so that x + δ is in the domain; 0 where it is not finite."""
    finite = perturbation.isfinite().flatten(1).all(dim=1)
    kept = torch.where(finite.reshape(-1, *[1] * (perturbation.dim() - 1)), perturbation, 0)
    if search.within.domain is None:
        return kept
    originals = search.originals[rows]
    return (originals + kept).clamp(*search.within.domain) - originals


def refine(search: Search, rows: Rows, steps: int) -> None:
    """Looks for nearer points on the segments from the originals to what fools: bisection.

    Each step evaluates the network once. Where the segment crosses the boundary once, the
    distance is too large by at most its 2^−steps-th part at the end.
    """
    rows = rows[search.fooled[rows] & (search.distance[rows] > 0)]
    moved = search.worst[rows] - search.originals[rows]
    low, high = torch.zeros_like(search.distance[rows]), torch.ones_like(search.distance[rows])
    for _ in range(steps if len(rows) else 0):
        middle, before = (low + high) / 2, search.distance[rows]
        share = middle.reshape(-1, *[1] * (moved.dim() - 1)).to(moved)
        search.judge(rows, share * moved)
        nearer = search.distance[rows] < before
        low, high = torch.where(nearer, low, middle), torch.where(nearer, middle, high)


def _exceeding(targets: Labels, *, anybody: bool) -> Objective:
    def objective(logits: Logits, labels: Labels) -> PerExample:
        if anybody:
            return -margin(logits, targets)
        return targeted_margin(logits, labels, targets)

    return objective
