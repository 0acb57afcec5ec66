"""An ensemble that orders its attacks by their gain, and skips those without any."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from gnomon.attacks.batched import Batched
from gnomon.attacks.ensemble import Part, check_parts, run_in_turn, untouched
from gnomon.attacks.outcome import Outcome
from gnomon.errors import SettingError
from gnomon.networks.predictions import predict
from gnomon.seeds import ensure
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels

CONFIDENCE = 0.95
"""Confidence level of the upper bound on the share of further examples a part would fool."""


@dataclass(frozen=True)
class Trial:
    """The result of one attack on the pilot examples, and the decision it leads to.

    Attributes:
        part: the name of the part.
        alone: number of pilot examples that it fooled.
        gained: number of these that no part before it in the order fooled.
        pilot: number of pilot examples.
        evaluations: evaluations of the network per pilot example; a gradient counts as two.
        most: with confidence 95 %, the part fools at most this share of the examples beyond
            what the parts before it fool; the order is taken as given.
        runs: whether it runs on the other examples.
        others: number of examples after the pilot.
    """

    part: str
    alone: int
    gained: int
    pilot: int
    evaluations: float
    most: float
    runs: bool
    others: int

    def __str__(self) -> str:
        """States in a sentence what happened and why."""
        result = (
            f"{self.part} fooled {self.gained} of {self.pilot} pilot examples beyond the parts "
            f"before it ({self.alone} alone, {self.evaluations:.0f} evaluations each): at most "
            f"{self.most:.1%} of further examples, with confidence {CONFIDENCE:.0%}"
        )
        if not self.others:
            return f"{result}; there are no further examples."
        return f"{result}; {'ran on' if self.runs else 'skipped for'} the other {self.others}."


@dataclass(frozen=True)
class OrderedOutcome:
    """The outcome of an ordered ensemble, with the attacks that it skipped.

    Attributes:
        outcome: the outcome on all examples; its parts are named in the ensemble's order.
        trials: the trials of all parts, in the order in which they ran on the other examples.
    """

    outcome: Outcome
    trials: tuple[Trial, ...]

    @property
    def skipped(self) -> tuple[Trial, ...]:
        """The parts that did not run on all examples."""
        return tuple(trial for trial in self.trials if trial.others and not trial.runs)


@dataclass(frozen=True)
class Ordered:
    """Every part on a pilot, then on the others only those that are worth it, best first.

    The pilot are the first examples that the network gets right. Each part attacks all of
    them. The order is greedy: next comes the part that fools most pilot examples beyond the
    parts before it, per evaluation of the network; where none gains, the cheapest. A part is
    left out for the other examples if with confidence 95 % (one-sided Clopper–Pearson) it
    gains at most `tolerance` of them; the first in the order always runs.

    Attributes:
        parts: the attacks.
        pilot: number of pilot examples, ≥ 1. With none gained among 100, at most
            3.0 % are missed; among 300, 1.0 %.
        tolerance: largest share of examples that a skipped part may gain, ≥ 0.
        name: the name in the outcome.
        batch: number of examples attacked at a time.

    Raises:
        SettingError: a setting outside its range.

    References:
        clopper1934.
    """

    parts: tuple[Part, ...]
    pilot: int = 100
    tolerance: float = 0.03
    name: str = "ordered ensemble"
    batch: int = 256

    def __post_init__(self) -> None:
        check_parts(self.name, self.parts, self.batch)
        if self.pilot < 1 or not 0 <= self.tolerance <= 1:
            raise SettingError(
                f"{self.name}: expected pilot ≥ 1 and tolerance in [0, 1], got {self.pilot} "
                f"and {self.tolerance}. Correct them."
            )

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
    ) -> OrderedOutcome:
        """Attacks all examples, in batches; see `Search` for the errors."""
        generator = ensure(generator)
        start = untouched(self.name, self.parts, inputs, labels, within)
        right = predict(network, inputs, self.batch) == labels
        pilot = right.nonzero()[:, 0][: self.pilot]
        if not len(pilot):
            parts = list(enumerate(self.parts))
            outcome = run_in_turn(start, parts, self.batch, network, labels, within, generator)
            return OrderedOutcome(outcome, ())
        outcomes = [
            Batched(part.attack, self.batch)(
                network, inputs[pilot], labels[pilot], within, generator
            )
            for part in self.parts
        ]
        order = _greedy(outcomes)
        rest = torch.ones_like(right).index_fill(0, pilot, value=False).nonzero()[:, 0]
        trials = self._trials(order, outcomes, len(rest))
        worth = [
            (place, self.parts[place])
            for place, trial in zip(order, trials, strict=True)
            if trial.runs
        ]
        attacked = run_in_turn(
            start.only(rest), worth, self.batch, network, labels[rest], within, generator
        )
        both = Outcome.joined([_merged(start.only(pilot), order, outcomes), attacked])
        return OrderedOutcome(both.only(torch.cat([pilot, rest]).argsort()), tuple(trials))

    def _trials(
        self, order: Sequence[int], outcomes: Sequence[Outcome], others: int
    ) -> list[Trial]:
        """The trial of each part on the pilot, in this order, with the decision to go on."""
        trials, already = list[Trial](), torch.zeros_like(outcomes[0].fooled)
        for place in order:
            fooled = outcomes[place].fooled
            gained, pilot = int((fooled & ~already).sum()), len(fooled)
            most = _at_most(gained, pilot)
            trials.append(
                Trial(
                    part=self.parts[place].name,
                    alone=int(fooled.sum()),
                    gained=gained,
                    pilot=pilot,
                    evaluations=_evaluations(outcomes[place]),
                    most=most,
                    runs=not trials or most > self.tolerance,
                    others=others,
                )
            )
            already = already | fooled
        return trials


def _greedy(outcomes: Sequence[Outcome]) -> list[int]:
    """The parts by examples gained per evaluation, beyond the parts before; ties: cheapest."""
    order, left = list[int](), list(range(len(outcomes)))
    already = torch.zeros_like(outcomes[0].fooled)

    def worth(place: int) -> tuple[float, float]:
        cost = _evaluations(outcomes[place])
        return int((outcomes[place].fooled & ~already).sum()) / max(cost, 1.0), -cost

    while left:
        best = max(left, key=worth)
        order.append(best)
        left.remove(best)
        already = already | outcomes[best].fooled
    return order


def _evaluations(outcome: Outcome) -> float:
    """Evaluations of the network for one example; a gradient counts as two."""
    return float((2 * outcome.gradients + outcome.queries).double().mean())


def _at_most(gained: int, pilot: int) -> float:
    """The largest share of which so few in the pilot have a chance of 5 %."""
    if gained == pilot:
        return 1.0
    from scipy.special import betaincinv  # noqa: PLC0415 - takes 0.2 s

    return float(betaincinv(gained + 1, pilot - gained, CONFIDENCE))


def _merged(start: Outcome, order: Sequence[int], outcomes: Sequence[Outcome]) -> Outcome:
    """The pilot's outcome, written into its start: the first part that fooled is named."""
    for place in order:
        left = (~start.fooled).nonzero()[:, 0]
        start.go_on(place, left, outcomes[place].only(left))
    return replace(
        start,
        gradients=torch.stack([each.gradients for each in outcomes]).sum(dim=0),
        blind=torch.stack([each.blind for each in outcomes]).sum(dim=0),
        queries=torch.stack([each.queries for each in outcomes]).sum(dim=0),
    )
