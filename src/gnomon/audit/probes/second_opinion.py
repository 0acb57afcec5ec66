"""Searches that see a network otherwise, on a few examples that resisted all attacks."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from gnomon.attacks import PGD, Antithetic, InputAttack, Outcome, Square, View
from gnomon.attacks.batched import Batched
from gnomon.audit.doubts import Doubt, misled, unbounded_survivors
from gnomon.audit.subject import Subject
from gnomon.networks.predictions import device_of
from gnomon.sets import InputSet
from gnomon.shapes import Mask


@dataclass(frozen=True)
class SecondOpinion:
    """What restarts, values alone, and an unbounded set add on a pilot of examples.

    On so many examples that resisted, drawn at random, further restarts of PGD run first: they
    find what chance and patience find with gradients. Then Square and slopes from values run on
    the pilot. Where one of them fools examples that restarts do not, gradients mislead: the
    figure is doubted, and Square runs on everybody who resisted. All that is fooled counts.

    Attributes:
        pilot: examples, at most.
        restarts: of PGD.
        queries: of Square.

    References:
        athalye2018, section 3.1 (signs of masked gradients).
    """

    pilot: int = 100
    restarts: int = 5
    queries: int = 1000

    def __call__(
        self, subject: Subject, within: InputSet, resisting: Mask, generator: torch.Generator
    ) -> tuple[Mask, tuple[Doubt, ...]]:
        """Who of those that resisted is fooled after all, and what is doubtful."""
        fooled, doubts = torch.zeros_like(resisting), list[Doubt]()
        rows = resisting.nonzero()[:, 0]
        order = torch.randperm(len(rows), generator=generator)[: self.pilot]
        pilot = rows[order]
        if not len(pilot):
            return fooled, ()
        patient = _fooled(PGD(restarts=self.restarts), subject, within, pilot, generator)
        fooled[pilot[patient]] = True
        square, smooth = Square(queries=self.queries), _smooth(subject, within)
        for attack, name in ((square, "random search"), (smooth, "PGD with smoothed slopes")):
            others = _fooled(attack, subject, within, pilot, generator)
            fooled[pilot[others]] = True
            doubt = misled(str(within), name, others, patient, self.restarts)
            doubts += [] if doubt is None else [doubt]
        if doubts:
            left = (resisting & ~fooled).nonzero()[:, 0]
            fooled[left[_fooled(square, subject, within, left, generator)]] = True
        doubts += self._unbounded(subject, within, resisting, generator)
        return fooled, tuple(doubts)

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
    outcome: Outcome = Batched(subject.looking(attack))(
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
