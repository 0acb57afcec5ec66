"""Accuracy under AutoAttack, and which of its parts fooled whom."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from gnomon.attacks import AutoAttack, Ordered, OrderedOutcome, Outcome, Trial
from gnomon.audit.doubts import Doubt, black_box_wins, zero_gradients
from gnomon.audit.finding import Finding
from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import Subject
from gnomon.audit.topics.distances import Distances
from gnomon.sets import InputSet

_BLACK_BOX = "Square"


@dataclass(frozen=True)
class PartShare:
    """The share of examples that a part of the ensemble was the first to fool."""

    part: str
    fooled: float


@dataclass(frozen=True)
class EnsembleShares:
    """The details of `autoattack_accuracy`.

    The shares `wrong`, `resisting` and those of the parts sum to 1.

    Attributes:
        norm: of the set.
        radius: of the set.
        ensemble: its name.
        wrong: the share of examples misclassified without perturbation.
        parts: of the ensemble, in its order.
        resisting: the share of examples that nothing fooled.
        gradients: of the network, per example.
        queries: of the network, per example.
        zero_gradients: the share of gradients that were exactly zero.
        distance: of the perturbations that fooled an example which was right.
        skipped: for an ordered ensemble, what was left out and why, in words.
    """

    norm: str
    radius: float
    ensemble: str
    wrong: float
    parts: tuple[PartShare, ...]
    resisting: float
    gradients: float
    queries: float
    zero_gradients: float
    distance: Distances
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class AutoAttackAccuracy:
    """The share of examples that an ensemble of attacks could not get wrong.

    The finding `autoattack_accuracy` is an upper bound of the true worst-case accuracy. The
    probe is slow, and an audit asks it only when it is named.

    Attributes:
        within: the allowed sets; one finding for each.
        ensemble: what attacks; None is the standard version for the norm of each set, or the
            version for networks whose answers are random.
    """

    topic: ClassVar[str] = "autoattack"
    names: ClassVar[tuple[str, ...]] = ("autoattack_accuracy",)
    within: tuple[InputSet, ...]
    ensemble: AutoAttack | Ordered | None = None

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """One finding per set."""
        return tuple(self._finding(within, subject, generator) for within in self.within)

    def _finding(
        self, within: InputSet, subject: Subject, generator: torch.Generator
    ) -> Finding:
        usual = AutoAttack.rand() if subject.varies else AutoAttack.standard(within.norm)
        ensemble = self.ensemble or usual
        result = ensemble(
            subject.network, subject.inputs, subject.labels, subject.fit(within), generator
        )
        ordered = isinstance(result, OrderedOutcome)
        outcome = result.outcome if ordered else result
        trials = result.trials if ordered else ()
        right, examples = int((~outcome.fooled).sum()), len(outcome.fooled)
        return Finding(
            probe=self.topic,
            name="autoattack_accuracy",
            condition=str(within),
            value=right / examples,
            unit="share",
            error=clopper_pearson(right, examples),
            method=f"Share of test examples that stay right under {outcome.attack} "
            f"({', '.join(outcome.parts)}): an upper bound of the true worst-case accuracy; "
            "95 % Clopper–Pearson interval of that share.",
            doubts=_doubts(str(within), outcome, trials),
            details=_shares(within, outcome, trials),
            references=("croce2020", "croce2021", "crocefab2020", "andriushchenko2020"),
        )


def _shares(within: InputSet, outcome: Outcome, trials: tuple[Trial, ...]) -> EnsembleShares:
    wrong = outcome.fooled & (outcome.by < 0)
    return EnsembleShares(
        norm=within.norm,
        radius=within.radius,
        ensemble=outcome.attack,
        wrong=float(wrong.double().mean()),
        parts=tuple(
            PartShare(part, float((outcome.by == place).double().mean()))
            for place, part in enumerate(outcome.parts)
        ),
        resisting=float((~outcome.fooled).double().mean()),
        gradients=float(outcome.gradients.double().mean()),
        queries=float(outcome.queries.double().mean()),
        zero_gradients=outcome.zero_gradients,
        distance=Distances.of(outcome.distance[outcome.by >= 0]),
        skipped=tuple(str(trial) for trial in trials if trial.others and not trial.runs),
    )


def _doubts(condition: str, outcome: Outcome, trials: tuple[Trial, ...]) -> tuple[Doubt, ...]:
    """Zero gradients; random search that finds what gradients before it did not."""
    names = [trial.part for trial in trials] or list(outcome.parts)
    found = [zero_gradients(outcome.attack, outcome.zero_gradients)]
    if _BLACK_BOX in names[1:]:
        hits = int((outcome.by == outcome.parts.index(_BLACK_BOX)).sum())
        before = names[: names.index(_BLACK_BOX)]
        found.append(black_box_wins(condition, _BLACK_BOX, before, hits, len(outcome.by)))
    return tuple(doubt for doubt in found if doubt is not None)
