"""Searches that see a network otherwise, on a few examples that resisted all attacks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from gnomon.attacks import PGD, Antithetic, AutoAttack, InputAttack, Outcome, SquareAttack, View
from gnomon.attacks.batched import Batched
from gnomon.audit.doubts import LEAST_GAIN, Doubt, misled, short_sighted, unbounded_survivors
from gnomon.audit.subject import Subject
from gnomon.networks.predictions import device_of
from gnomon.objectives import margin
from gnomon.sets import InputSet
from gnomon.shapes import Logits, Mask, PerExample


@dataclass(frozen=True)
class SecondOpinion:
    """What restarts, values alone, and an unbounded set add on a pilot of examples.

    First, on so many examples that resisted, one gradient is asked whether it keeps its promise
    (`broken_promises`), and PGD whether it finds anything in the whole domain. That costs next
    to nothing, and is all where both do. Otherwise the figure is doubted, and restarts of PGD
    run: they find what chance and patience find with gradients. Then Square, which takes about
    as many evaluations, and slopes from values run there. Where one of them fools examples that
    restarts do not, gradients mislead, and AutoAttack runs on everybody who resisted. Where
    `short` of the pilot was fooled otherwise, restarts and Square run on everybody. All that is
    fooled counts.

    Attributes:
        pilot: examples, at most.
        broken: the share of broken promises up to which gradients are trusted.
        restarts: of PGD.
        queries: of Square.
        short: the share of the pilot from which on the attacks were too short.

    References:
        athalye2018, section 3.1 (signs of masked gradients).
    """

    pilot: int = 100
    broken: float = 0.2
    restarts: int = 15
    queries: int = 1000
    short: float = 0.03

    def __call__(
        self, subject: Subject, within: InputSet, resisting: Mask, generator: torch.Generator
    ) -> tuple[Mask, tuple[Doubt, ...]]:
        """Who of those that resisted is fooled after all, and what is doubtful."""
        fooled, rows = torch.zeros_like(resisting), resisting.nonzero()[:, 0]
        pilot = rows[torch.randperm(len(rows), generator=generator)[: self.pilot]]
        if not len(pilot):
            return fooled, ()
        doubts = self._unbounded(subject, within, resisting, generator)
        broken = int(broken_promises(subject, within, pilot).sum())
        if broken > self.broken * len(pilot):
            doubts.append(short_sighted(str(within), broken, len(pilot)))
        if not doubts:
            return fooled, ()
        patient = _fooled(PGD(restarts=self.restarts), subject, within, pilot, generator)
        fooled[pilot[patient]] = True
        square, smooth = SquareAttack(queries=self.queries), _smooth(subject, within)
        better = list[Doubt]()
        for attack, name in ((square, "random search"), (smooth, "PGD with smoothed slopes")):
            others = _fooled(attack, subject, within, pilot, generator)
            fooled[pilot[others]] = True
            doubt = misled(str(within), name, others, patient, self.restarts)
            better += [] if doubt is None else [doubt]
        left = (resisting & ~fooled).nonzero()[:, 0]
        for attack in self._thorough(within, len(pilot), int(fooled.sum()), better):
            fooled[left[_fooled(attack, subject, within, left, generator)]] = True
            left = (resisting & ~fooled).nonzero()[:, 0]
        return fooled, (*doubts, *better)

    def _thorough(
        self,
        within: InputSet,
        pilot: int,
        gained: int,
        better: Sequence[Doubt],
    ) -> tuple[InputAttack, ...]:
        """What runs on everybody who resisted, given what the pilot showed."""
        if better:
            return (AutoAttack.standard(within.norm),)
        if gained < LEAST_GAIN or gained < self.short * pilot:
            return ()
        return PGD(restarts=self.restarts), SquareAttack(queries=self.queries)

    def _unbounded(
        self, subject: Subject, within: InputSet, resisting: Mask, generator: torch.Generator
    ) -> list[Doubt]:
        """Whether examples survive in a set that holds all other examples.

        It is asked only where some example is given another class: that one is a member that
        fools, so that a search that finds none has failed.
        """
        domain = within.domain
        if domain is None or not bool(resisting.any()):
            return []
        rows = resisting.nonzero()[:, 0][: self.pilot]
        if len(subject.labels[resisting].unique()) < 2:
            return []
        wide = within.with_radius(_reach(within, domain, subject.inputs[0].numel()))
        survivors = ~_fooled(PGD(), subject, wide, rows, generator)
        doubt = unbounded_survivors(str(wide), int(survivors.sum()), len(rows))
        return [] if doubt is None else [doubt]


SECOND_OPINION = SecondOpinion()
"""As an audit asks for it."""


def broken_promises(subject: Subject, within: InputSet, rows: Int[Tensor, " rows"]) -> Mask:
    """Where a step of a quarter of the radius raises the margin by less than half as promised.

    With g the gradient of the margin f at x, and δ the steepest step of that length, moved into
    the set, the promise is ⟨g, δ⟩ and what is kept f(x + δ) − f(x). A gradient of 0 promises
    nothing, and breaks it.
    """
    device, plain = device_of(subject.network), View()
    inputs, labels = subject.inputs[rows].to(device), subject.labels[rows].to(device)

    def objective(logits: Logits) -> PerExample:
        return margin(logits, labels)

    nobody = torch.Generator(device)
    with plain.of(subject.network) as seen:
        slope = plain.slope(seen, inputs, objective, nobody)
        step = within.steepest(slope.gradient, within.radius / 4)
        step = within.around(inputs).project(step)
        promised = (slope.gradient * step).flatten(1).sum(dim=1)
        with torch.no_grad():
            kept = objective(plain.logits(seen, inputs + step)) - slope.value
    return ~(kept > promised / 2).cpu()


def _fooled(
    attack: InputAttack,
    subject: Subject,
    within: InputSet,
    rows: Int[Tensor, " rows"],
    generator: torch.Generator,
) -> Mask:
    if not len(rows):
        return rows.bool()
    device = device_of(subject.network)
    outcome: Outcome = Batched(attack)(
        subject.network,
        subject.inputs[rows].to(device),
        subject.labels[rows].to(device),
        within,
        generator,
    )
    return outcome.fooled.cpu()


def _smooth(subject: Subject, within: InputSet) -> InputAttack:
    """PGD along differences of values over half of the room that a coordinate has."""
    count = subject.inputs[0].numel()
    share = {"L2": math.sqrt(count), "L1": float(count)}.get(within.norm, 1.0)
    return PGD(steps=10, view=View(slopes=Antithetic(10, within.radius / (2 * share))))


def _reach(within: InputSet, domain: tuple[float, float], count: int) -> float:
    """A radius within which every point of the domain lies around every other."""
    width = domain[1] - domain[0]
    share = {"L2": math.sqrt(count), "L1": float(count)}.get(within.norm, 1.0)
    return width * share
