"""Criteria: the loss of a batch, given its worst case."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

from gnomon.errors import SettingError
from gnomon.objectives import cross_entropy
from gnomon.sets.guards import check_size
from gnomon.shapes import PerExample
from gnomon.training.case import Case
from gnomon.training.ramps import Full, Ramp

_FULL = Full()


@runtime_checkable
class Criterion(Protocol):
    """A frozen dataclass: the loss of each example.

    It may only grow with what `Answer` bounds from above; then, where sets were left open, the
    value is never below that of any point in them.
    """

    def __call__(self, case: Case) -> PerExample:
        """The losses."""
        ...


@dataclass(frozen=True)
class WorstCase:
    """The cross-entropy of the worst case, mixed with that of the unperturbed network.

        κ CE(z) + (1 − κ) CE(ẑ),   κ = 1 − (1 − clean_weight) r(t)

    Attributes:
        clean_weight: κ at the end, in [0, 1].
        ramp: r, by which κ goes there from 1. `Full` is κ = `clean_weight` throughout.

    References:
        gowal2019, section 3.2.
    """

    clean_weight: float = 0.0
    ramp: Ramp = _FULL

    def __post_init__(self) -> None:
        if not 0 <= self.clean_weight <= 1:
            raise SettingError(
                f"clean_weight: expected a number in [0, 1], got {self.clean_weight}. Use 0.5."
            )

    def __call__(self, case: Case) -> PerExample:
        share = 1 - (1 - self.clean_weight) * self.ramp(case.progress)
        if share == 0:
            return case.worst.cross_entropy(case.labels)
        clean = cross_entropy(case.plain, case.labels)
        if share == 1:
            return clean
        return share * clean + (1 - share) * case.worst.cross_entropy(case.labels)


@dataclass(frozen=True)
class Tradeoff:
    """The loss of TRADES: CE(z) + β KL(p ‖ p̂), with p̂ the answer in the worst case.

    Attributes:
        weight: β ≥ 0.

    References:
        zhang2019, equation 5.
    """

    weight: float = 6.0

    def __post_init__(self) -> None:
        check_size("Tradeoff", self.weight, "weight")

    def __call__(self, case: Case) -> PerExample:
        return cross_entropy(case.clean, case.labels) + self.weight * divergence(case)


@dataclass(frozen=True)
class MisclassificationAware:
    """The loss of MART: BCE(p̂) + β (1 − p_y) KL(p ‖ p̂).

    BCE = −log p̂_y − log(1 − max_{k≠y} p̂_k); as in the source, 1.0001 stands for the second 1.

    Attributes:
        weight: β ≥ 0.

    References:
        wang2020, equation 11.
    """

    weight: float = 6.0

    def __post_init__(self) -> None:
        check_size("MisclassificationAware", self.weight, "weight")

    def __call__(self, case: Case) -> PerExample:
        own = case.labels[:, None]
        others = case.worst.likelihood().scatter(1, own, 0.0).amax(dim=1)
        boosted = case.worst.surprisal().gather(1, own)[:, 0] - (1.0001 - others).log()
        doubt = 1 - case.clean.softmax(dim=1).gather(1, own)[:, 0]
        return boosted + self.weight * doubt * divergence(case)


def divergence(case: Case) -> Tensor:
    """KL(p ‖ p̂) = Σ_k p_k (log p_k − log p̂_k), or the bound of it."""
    log_clean = case.clean.log_softmax(dim=1)
    return (log_clean.exp() * (log_clean + case.worst.surprisal())).sum(dim=1)


CRITERIA: dict[str, type] = {
    "worst_case": WorstCase,
    "trades": Tradeoff,
    "mart": MisclassificationAware,
}
"""Every criterion by its name in a configuration."""
