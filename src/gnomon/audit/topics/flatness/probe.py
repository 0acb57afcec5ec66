"""The flatness of the loss around a network's parameters, with inputs perturbed anew."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from torch import nn

from gnomon.attacks.climb import Climb
from gnomon.attacks.flatness import AverageFlatness, Flatness, WorstFlatness
from gnomon.attacks.landscape import (
    Direction,
    Landscape,
    landscape,
    random_direction,
    steepest_direction,
)
from gnomon.attacks.parameters import Batches, JointPGD
from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.audit.topics.parameters.probe import NO_PARAMETERS
from gnomon.audit.topics.sample import count_of, in_batches, split_at_random
from gnomon.objectives import cross_entropy
from gnomon.seeds import derive
from gnomon.sets import InputSet

_WORST = WorstFlatness(
    search=JointPGD(20, 5, objective=cross_entropy, over="all"), climb=Climb(steps=10)
)
_CLEAN = "clean"
"""The condition of findings about the loss of inputs as they are."""


@dataclass(frozen=True)
class Losses:
    """Losses at θ + Σ s_i d_i along filter-normalised directions d_i of parameters.

    Attributes:
        positions: rows of s.
        loss: in nats, with inputs as they are; None where it is infinite.
        accuracy: with inputs as they are.
        attacked_loss: with inputs perturbed anew at each point; None without a set of inputs.
        attacked_accuracy: likewise.
    """

    positions: tuple[tuple[float, ...], ...]
    loss: tuple[float | None, ...]
    accuracy: tuple[float, ...]
    attacked_loss: tuple[float | None, ...] | None
    attacked_accuracy: tuple[float, ...] | None

    @classmethod
    def of(cls, drawn: Landscape, within: InputSet | None) -> "Losses":
        """The losses of a landscape."""
        losses, attacked = drawn.losses, within is not None
        return cls(
            positions=tuple(map(tuple, drawn.positions.tolist())),
            loss=tuple(_finite(each.loss) for each in losses),
            accuracy=tuple(each.accuracy for each in losses),
            attacked_loss=tuple(_finite(each.attacked_loss) for each in losses)
            if attacked
            else None,
            attacked_accuracy=tuple(each.attacked_accuracy for each in losses)
            if attacked
            else None,
        )


@dataclass(frozen=True)
class Landscapes:
    """The losses along a random direction, along the gradient of the loss, and on a plane.

    Attributes:
        random: one random direction.
        steepest: the gradient of the clean loss.
        plane: two random directions.
    """

    random: Losses
    steepest: Losses
    plane: Losses


@dataclass(frozen=True)
class AverageRise:
    """The details of `average_flatness`.

    Attributes:
        loss: L(θ) in nats; None where it is infinite.
        rises: of the loss, for each ν; None where it is infinite.
        standard_error: of their mean; None for a single one.
        size: ξ.
    """

    loss: float | None
    rises: tuple[float | None, ...]
    standard_error: float | None
    size: float


@dataclass(frozen=True)
class AverageRiseAndLandscapes(AverageRise):
    """The details of the first `average_flatness` of an audit.

    Attributes:
        landscapes: of the network; None if it has no filters.
    """

    landscapes: Landscapes | None


@dataclass(frozen=True)
class WorstRise:
    """The details of `worst_flatness`.

    Attributes:
        loss: L(θ) in nats; None where it is infinite.
        size: of the ball around θ.
    """

    loss: float | None
    size: float


def landscapes_of(finding: Finding) -> Landscapes | None:
    """The landscapes of a finding, if it has any."""
    details: object = finding.details
    return details.landscapes if isinstance(details, AverageRiseAndLandscapes) else None


@dataclass(frozen=True)
class LossFlatness:
    """The rise of the loss when parameters change a little: less is flatter.

    Two findings for inputs perturbed within the first of the sets of inputs, and two for inputs
    as they are ("clean"):

    - `average_flatness`: E_ν [L(θ + ν)] − L(θ) over random ν with ‖ν_l‖₂ ≤ ξ ‖θ_l‖₂ in each
      tensor, in nats; L is the mean cross-entropy of a random sample of the test examples. The
      first of them has landscapes.
    - `worst_flatness`: max_ν L(θ + ν) − L(θ), as far as a search over ν (and inputs) finds it;
      a lower bound.

    Attributes:
        within: sets of inputs; the first is used.
        average: how the mean is taken.
        worst: how the worst is searched for; half as often as published.
        climb: of inputs, in landscapes.
        line: points of a direction, an odd number to have 0 among them, in [−1, 1].
        slope: points of the steepest direction lie in [−slope, slope], where
            the loss rises faster.
        grid: points of a plane in each direction, in [−1, 1].
        examples: so many test examples at most, drawn at random.
    """

    topic: ClassVar[str] = "flatness"
    names: ClassVar[tuple[str, ...]] = ("average_flatness", "worst_flatness")
    within: tuple[InputSet, ...]
    average: AverageFlatness = field(
        default_factory=lambda: AverageFlatness(climb=Climb(steps=10))
    )
    worst: WorstFlatness = field(default=_WORST)
    climb: Climb = field(default_factory=lambda: Climb(steps=5))
    line: int = 21
    slope: float = 0.1
    grid: int = 11
    examples: int = 100

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """Two findings with perturbed inputs, if any are asked for, and two without."""
        seed = int(torch.randint(2**31, (), generator=generator))
        threats = [subject.fit(within) for within in self.within[:1]]
        conditions = [str(within) for within in self.within[:1]] + [_CLEAN]
        if not any(True for _ in subject.network.parameters()):
            return tuple(
                _finding(name, condition, None, "", None, NO_PARAMETERS)
                for condition in conditions
                for name in self.names
            )
        chosen, _ = split_at_random(subject, self.examples, generator)
        batches = in_batches(subject, chosen, self.examples)
        findings: list[Finding] = []
        for condition, within in zip(conditions, [*threats, None], strict=True):
            findings += [
                self._average(subject.network, condition, batches, within, generator),
                self._worst(subject.network, condition, batches, within, generator),
            ]
        drawn = self._landscapes(
            subject.network, batches, threats[0] if threats else None, seed
        )
        details = AverageRiseAndLandscapes(**vars(findings[0].details), landscapes=drawn)
        return (replace(findings[0], details=details), *findings[1:])

    def _average(
        self,
        network: nn.Module,
        condition: str,
        batches: Batches,
        within: InputSet | None,
        generator: torch.Generator,
    ) -> Finding:
        flatness = self.average(network, batches, within, generator)
        size = self.average.ball.size
        return _finding(
            self.names[0],
            condition,
            flatness,
            f"Mean rise of the loss over {len(flatness.rises)} random networks with every "
            f"tensor within {size:g} of its length, on {count_of(batches)} random test "
            "examples; 95 % interval of Student's t over the networks.",
            AverageRise(
                _finite(flatness.loss),
                tuple(_finite(rise) for rise in flatness.rises),
                _finite(flatness.standard_error),
                size,
            ),
        )

    def _worst(
        self,
        network: nn.Module,
        condition: str,
        batches: Batches,
        within: InputSet | None,
        generator: torch.Generator,
    ) -> Finding:
        flatness, size = (
            self.worst(network, batches, within, generator),
            self.worst.ball.size,
        )
        search = self.worst.search
        return _finding(
            self.names[1],
            condition,
            flatness,
            f"Largest rise of the loss that {search.starts} searches of {search.steps} steps "
            f"found among networks with every tensor within {size:g} of its length, on "
            f"{count_of(batches)} random test examples: a lower bound.",
            WorstRise(_finite(flatness.loss), size),
        )

    def _landscapes(
        self,
        network: nn.Module,
        batches: Batches,
        within: InputSet | None,
        seed: int,
    ) -> Landscapes | None:
        """Networks of equal shapes get equal random numbers, to be seen side by side."""
        numbers = torch.Generator().manual_seed(derive(seed, "directions"))
        first, second = (random_direction(network, numbers) for _ in range(2))
        if not first:
            return None
        steepest = steepest_direction(network, batches)
        line = torch.linspace(-1, 1, self.line).double()
        grid = torch.linspace(-1, 1, self.grid).double()
        drawn: dict[str, tuple[Sequence[Direction], torch.Tensor]] = {
            "random": ([first], line[:, None]),
            "steepest": ([steepest], self.slope * line[:, None]),
            "plane": ([first, second], torch.cartesian_prod(grid, grid)),
        }
        losses = dict[str, Losses]()
        for name, (along, at) in drawn.items():
            source = torch.Generator().manual_seed(seed)  # the landscapes meet in the middle
            losses[name] = Losses.of(
                landscape(network, along, at, batches, within, self.climb, source), within
            )
        return Landscapes(**losses)


def _finding(
    name: str,
    condition: str,
    flatness: Flatness | None,
    method: str,
    details: AverageRise | WorstRise | None,
    absent: str = "",
) -> Finding:
    value = None if flatness is None else flatness.mean
    if value is not None and not math.isfinite(value):
        value, absent = None, "the loss is infinite at some of the networks"
    return Finding(
        probe=LossFlatness.topic,
        name=name,
        condition=condition,
        value=value,
        unit="nats",
        error=None if flatness is None or value is None else _interval(flatness),
        method=method or absent,
        details=details,
        references=("stutz2021", "li2018"),
        absent=absent,
    )


def _interval(flatness: Flatness) -> tuple[float, float] | None:
    """The interval of the mean over networks; None for a single one."""
    freedom = len(flatness.rises) - 1
    if not freedom:
        return None
    from scipy.special import stdtrit  # noqa: PLC0415 - slow to import

    reach = float(stdtrit(freedom, 0.975)) * flatness.standard_error
    return flatness.mean - reach, flatness.mean + reach


def _finite(value: float) -> float | None:
    """The number, or None where JSON has none."""
    return value if math.isfinite(value) else None
