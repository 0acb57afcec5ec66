"""Accuracy under attack, against the radius of the allowed perturbations."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from gnomon.attacks import BIM, FGSM, PGD, InputAttack, RandomPoint
from gnomon.audit.doubts import Doubt, no_better_than_noise, one_step_wins, zero_gradients
from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.audit.topics.attacks.chase import Chase, chase, noted, worst_case
from gnomon.audit.topics.attacks.second_opinion import SECOND_OPINION, SecondOpinion
from gnomon.audit.topics.sweep import MULTIPLES, Sweep, sweeps
from gnomon.sets import InputSet

WORST_CASE = "worst case"
"""The name of the curve that takes, for each example, the best of all attacks."""
SECOND = "second opinion"
"""The name of the curve of what only further searches fooled."""


@dataclass(frozen=True)
class AttackedAccuracy:
    """The share of examples that no attack could get wrong: `attacked_accuracy`.

    The true worst-case accuracy is at most this: an attack shows that a bad point exists, never
    that none does. The attacks, and one random point of the set as the weakest of them, run at
    growing radii. An example misclassified without perturbation counts as fooled at radius 0;
    one that an attack fooled at a smaller radius counts as fooled by it at every larger one,
    because the sets are nested, and that attack does not run on it again. So no curve ever
    rises.

    Details of a finding:

    - norm, radius: of the set; radii: the grid, which begins with 0.
    - curves: the first is the worst case, the last what only the second opinion fooled, in the
      asked sets; each with `attack`, `accuracy` and `error` at each
      radius, `gradients` (how many were computed) and `zero_gradients` (the share that
      were exactly zero).
    - by_attack: the accuracy within the radius of the set under each attack alone.
    - distance: of the perturbations that first fooled an example which was right: their
      number `fooled`, and `quantiles` (10, 25, 50, 75, 90 %), null when there is none.

    Attributes:
        within: the allowed sets; one finding for each.
        attacks: what is tried.
        multiples: further radii, in multiples of the largest asked radius of a norm.
        batch: examples at a time.
        second: what is tried further on some of those who resist in the asked sets; None asks
            for no second opinion. A network whose answers are random is doubted in any case,
            and not asked.
    """

    topic: ClassVar[str] = "attacks"
    names: ClassVar[tuple[str, ...]] = ("attacked_accuracy",)
    within: tuple[InputSet, ...]
    attacks: tuple[InputAttack, ...] = (FGSM(), BIM(), PGD())
    multiples: tuple[float, ...] = MULTIPLES
    batch: int = 500
    second: SecondOpinion | None = SECOND_OPINION

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """For each norm one finding per asked set."""
        asked = [subject.fit(within) for within in self.within]
        found: list[Finding] = []
        for sweep in sweeps(asked, self.multiples):
            attacks = (*self.attacks, RandomPoint())
            chases = [
                chase(attack, subject, sweep, generator, self.batch) for attack in attacks
            ]
            findings = dict[float, Finding]()
            for within in sorted(sweep.asked, key=lambda each: each.radius):
                finding, chases = self._at(within, sweep, chases, subject, generator)
                findings[within.radius] = finding
            found += [findings[within.radius] for within in sweep.asked]
        return tuple(found)

    def _at(
        self,
        within: InputSet,
        sweep: Sweep,
        chases: list[Chase],
        subject: Subject,
        generator: torch.Generator,
    ) -> tuple[Finding, list[Chase]]:
        """The finding at one asked set, and all chases with the second opinion there."""
        doubts = _doubts(within, sweep, chases)
        if self.second is not None and not subject.varies:
            worst = worst_case(chases, WORST_CASE)
            left = ~worst.fooled(within.radius)
            fooled, more = self.second(subject, within, left, generator)
            doubts += more
            before = [each for each in chases if each.attack == SECOND]
            held = noted(SECOND, within.radius, fooled, worst.fooled(0.0))
            chases = [each for each in chases if each.attack != SECOND]
            chases.append(worst_case([*before, held], SECOND))
        return _finding(within, sweep, chases, doubts), chases


def _finding(
    within: InputSet, sweep: Sweep, chases: list[Chase], doubts: tuple[Doubt, ...]
) -> Finding:
    worst = worst_case(chases, WORST_CASE)
    names = ", ".join(each.attack for each in chases)
    return Finding(
        probe=AttackedAccuracy.topic,
        name="attacked_accuracy",
        condition=str(within),
        value=worst.accuracy(within.radius),
        unit="share",
        error=worst.interval(within.radius),
        method=f"Share of test examples that stay right under each of {names} at every radius "
        "of the grid up to this one: an upper bound of the true worst-case accuracy; 95 % "
        "Clopper–Pearson interval of that share.",
        doubts=doubts,
        details={
            "norm": sweep.norm,
            "radius": within.radius,
            "radii": list(sweep.radii),
            "curves": [each.curve(sweep.radii) for each in (worst, *chases)],
            "by_attack": {
                each.attack: each.accuracy(within.radius)
                for each in chases
                if each.attack != SECOND
            },
            "distance": _distances(worst),
        },
        references=("goodfellow2015", "kurakin2017", "madry2018", "clopper1934"),
    )


def _doubts(within: InputSet, sweep: Sweep, chases: list[Chase]) -> tuple[Doubt, ...]:
    """Zero gradients of each attack; noise against attacks here and at the largest radius."""
    *attacks, random = (each for each in chases if each.attack != SECOND)
    found = [zero_gradients(each.attack, each.zero_gradients) for each in attacks]
    found += _one_step(str(within), within.radius, attacks)
    if attacks:
        best = worst_case(attacks, WORST_CASE)
        found += [
            no_better_than_noise(
                f"{sweep.norm} radius {radius:g}",
                best.fooled(radius) & ~best.fooled(0.0),
                random.fooled(radius) & ~random.fooled(0.0),
            )
            for radius in dict.fromkeys((within.radius, sweep.radii[-1]))
        ]
    return tuple(doubt for doubt in found if doubt is not None)


def _one_step(condition: str, radius: float, attacks: list[Chase]) -> list[Doubt | None]:
    """The attack of the fewest steps against the one of most, both from the input itself."""
    ones = [each for each in attacks if each.attack == "FGSM"]
    many = [each for each in attacks if not each.attack.startswith(("FGSM", "random"))]
    return [
        one_step_wins(condition, each.attack, one.fooled(radius), each.fooled(radius))
        for one in ones
        for each in many
    ]


def _distances(worst: Chase) -> dict[str, Any]:
    """How long the perturbations were that fooled an example which was right."""
    moved = worst.distance[(worst.radius > 0) & worst.radius.isfinite()]
    levels = torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9], dtype=moved.dtype)
    quantiles = moved.quantile(levels).tolist() if len(moved) else None
    return {"fooled": len(moved), "quantiles": quantiles}
