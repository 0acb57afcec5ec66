"""Accuracy under AutoAttack, and which of its parts fooled whom."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from gnomon.attacks import AutoAttack, Ordered, OrderedOutcome, Outcome, Trial
from gnomon.audit.doubts import Doubt, black_box_wins, zero_gradients
from gnomon.audit.finding import Finding
from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import Subject
from gnomon.sets import InputSet

_BLACK_BOX = "Square"
_LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class AutoAttackAccuracy:
    """The share of examples that an ensemble of attacks could not get wrong.

    The finding `autoattack_accuracy` is an upper bound of the true worst-case accuracy. The
    probe is slow, and an audit asks it only when it is named.

    Details of a finding:

    - norm, radius: of the set; ensemble: its name.
    - wrong: the share of examples misclassified without perturbation; resisting: the share
      that nothing fooled.
    - parts: for each part of the ensemble its name, and the share of examples that it was the
      first to fool; the three kinds of share sum to 1.
    - gradients, queries: of the network, per example; zero_gradients: the share of gradients
      that were exactly zero.
    - distance: of the perturbations that fooled an example which was right: their number
      `fooled`, and `quantiles` (10, 25, 50, 75, 90 %), null when there is none.
    - skipped: for an ordered ensemble, what was left out and why, in words.

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
            details={
                "norm": within.norm,
                "radius": within.radius,
                "ensemble": outcome.attack,
                **_shares(outcome),
                "gradients": float(outcome.gradients.double().mean()),
                "queries": float(outcome.queries.double().mean()),
                "zero_gradients": outcome.zero_gradients,
                "distance": _distances(outcome),
                "skipped": [str(trial) for trial in trials if trial.others and not trial.runs],
            },
            references=("croce2020", "croce2021", "crocefab2020", "andriushchenko2020"),
        )


def _shares(outcome: Outcome) -> dict[str, Any]:
    """Who was wrong, who fooled whom, who resisted; the shares sum to 1."""
    wrong = outcome.fooled & (outcome.by < 0)
    return {
        "wrong": float(wrong.double().mean()),
        "parts": [
            {"part": part, "fooled": float((outcome.by == place).double().mean())}
            for place, part in enumerate(outcome.parts)
        ],
        "resisting": float((~outcome.fooled).double().mean()),
    }


def _distances(outcome: Outcome) -> dict[str, Any]:
    """How long the perturbations were that fooled an example which was right."""
    moved = outcome.distance[outcome.by >= 0]
    levels = torch.tensor(_LEVELS, dtype=moved.dtype)
    quantiles = moved.quantile(levels).tolist() if len(moved) else None
    return {"fooled": len(moved), "quantiles": quantiles}


def _doubts(condition: str, outcome: Outcome, trials: tuple[Trial, ...]) -> tuple[Doubt, ...]:
    """Zero gradients; random search that finds what gradients before it did not."""
    names = [trial.part for trial in trials] or list(outcome.parts)
    found = [zero_gradients(outcome.attack, outcome.zero_gradients)]
    if _BLACK_BOX in names[1:]:
        hits = int((outcome.by == outcome.parts.index(_BLACK_BOX)).sum())
        before = names[: names.index(_BLACK_BOX)]
        found.append(black_box_wins(condition, _BLACK_BOX, before, hits, len(outcome.by)))
    return tuple(doubt for doubt in found if doubt is not None)
