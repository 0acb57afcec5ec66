"""How far examples are certified: the radius of inputs, the size of changes of parameters."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.audit.topics.challenge import (
    Answer,
    Challenge,
    Challenged,
    Claim,
    no_class_overtakes,
)
from gnomon.bounds import CROWN, IBP, BoundMethod, LargestRadius
from gnomon.networks import device_of, undisturbed
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterRegion, ParameterSet
from gnomon.shapes import Inputs, Labels, PerExample

Measure = Callable[[int, BoundMethod, nn.Module, Inputs, Labels], PerExample]
"""How far a method certifies each example, found by bisection in so many steps."""

_QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class SizesByMethod:
    """The sizes up to which a method of bounds certifies the examples by itself.

    Sizes are in the unit of the family: radii in the data's units, or λ of sets of parameters.

    Attributes:
        name: name of the method, such as "CROWN".
        kind: the kind of truth, "exact arithmetic" or "floating point".
        mean: mean over the examples.
        quantiles: quantiles over the examples, by their level: "0.1", "0.5" and "0.9".
    """

    name: str
    kind: str
    mean: float
    quantiles: Mapping[str, float]


@dataclass(frozen=True)
class CertifiedSizes:
    """The details of `certified_radius`: the figure takes the best method of each example.

    Attributes:
        most: largest size that was tried, in the unit of the family.
        reached: number of examples that are certified even there.
        methods: methods of bounds, each with what it certifies by itself.
        examples: number of examined examples.
        challenged: outcome of the search, in the largest certified set of some examples, for a
            member that is classified otherwise.
    """

    most: float
    reached: int
    methods: tuple[SizesByMethod, ...]
    examples: int
    challenged: Challenged


@dataclass(frozen=True)
class _Family:
    """Sets that differ in their size alone.

    Attributes:
        condition: the set in the words of the audit.
        most: the largest size.
        measure: up to which size each example is certified.
        at: the set of inputs and the set of parameters of a size; None for none.
    """

    condition: str
    most: float
    measure: Measure
    at: Callable[[float], tuple[InputSet | None, ParameterRegion | None]]


@dataclass(frozen=True)
class CertifiedRadius:
    """The mean over examples of how far each is certified: `certified_radius`.

    There is a finding for each set of inputs, whose radius is enlarged up to which an example
    stays certified, and for each set of parameters, whose λ is. An example that is wrong
    unperturbed counts as 0, and one that is certified at the most that is tried as that: the
    mean over all perturbations that the network withstands is at least the figure.

    Attributes:
        within: families of sets of inputs.
        parameters: families of sets of parameters, around those of the network.
        methods: of bounds.
        examples: so many examined examples at most, drawn at random.
        reach: the most that is tried, as a multiple of the sets' size.
        steps: of the bisection.
        challenge: of the certificates, on some of the examples that have one.
    """

    topic: ClassVar[str] = "radii"
    names: ClassVar[tuple[str, ...]] = ("certified_radius",)
    within: tuple[InputSet, ...]
    parameters: tuple[ParameterSet, ...] = ()
    methods: tuple[BoundMethod, ...] = (IBP(), CROWN())
    examples: int = 20
    reach: float = 4.0
    steps: int = 6
    challenge: Challenge = field(default_factory=lambda: Challenge(examples=3))

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """One finding for each family."""
        order = torch.randperm(len(subject.labels), generator=generator)
        chosen = order[: self.examples].sort().values
        device = device_of(subject.network)
        inputs, labels = subject.inputs[chosen].to(device), subject.labels[chosen].to(device)
        network = subject.network
        families = [
            _of_inputs(str(within), subject.fit(within).with_radius(self.reach * within.radius))
            for within in self.within
        ]
        families += [
            _of_parameters(str(around), around.with_size(self.reach * around.size), network)
            for around in self.parameters
        ]
        with undisturbed(network):
            return tuple(self._finding(each, network, inputs, labels) for each in families)

    def _finding(
        self, family: _Family, network: nn.Module, inputs: Inputs, labels: Labels
    ) -> Finding:
        certified = [
            family.measure(self.steps, method, network, inputs, labels).cpu()
            for method in self.methods
        ]
        best = torch.stack(certified).amax(dim=0)
        names = " and ".join(method.name for method in self.methods)
        answer = self._challenged(family, network, inputs, labels, best)
        return Finding(
            probe=self.topic,
            name="certified_radius",
            condition=family.condition,
            value=float(best.mean()),
            unit="",
            error=_mean_interval(best, family.most),
            method=f"Mean over {len(best)} random test examples of the largest size of this "
            f"kind of set, up to {family.most:.4g}, at which bounds by {names} certify "
            f"the example (bisection in {self.steps} steps; each was certified at its own; 0 "
            "where the network is wrong). In exact arithmetic: the bounds are computed with "
            f"ordinary rounding. {answer.sentence} 95 % interval of the mean, by the normal "
            "approximation.",
            doubts=answer.doubts,
            details=CertifiedSizes(
                most=family.most,
                reached=int((best == family.most).sum()),
                methods=tuple(map(_sizes, self.methods, certified)),
                examples=len(best),
                challenged=answer.details,
            ),
            references=("gowal2019", "zhang2018"),
        )

    def _challenged(
        self,
        family: _Family,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        best: Tensor,
    ) -> Answer:
        """What a search finds in the largest certified sets of some examples."""
        answer = Answer()
        for place in (best > 0).nonzero().flatten()[: self.challenge.examples].tolist():
            one = slice(place, place + 1)
            with torch.no_grad():
                margins = no_class_overtakes(labels[one], network(inputs[one].clone()))
            sets = family.at(float(best[place]))
            answer = answer + self.challenge(
                network,
                Claim(f"{family.condition}, example {place}", inputs[one], margins, *sets),
            )
        return answer


def _of_inputs(condition: str, largest: InputSet) -> _Family:
    """Sets of inputs, up to the largest."""

    def measure(
        steps: int, method: BoundMethod, network: nn.Module, inputs: Inputs, labels: Labels
    ) -> PerExample:
        return LargestRadius(steps, method)(network, inputs, labels, largest)

    return _Family(
        condition, largest.radius, measure, lambda size: (largest.with_radius(size), None)
    )


def _of_parameters(condition: str, largest: ParameterSet, centre: nn.Module) -> _Family:
    """Sets of parameters around those of a network, up to the largest."""

    def measure(
        steps: int, method: BoundMethod, network: nn.Module, inputs: Inputs, labels: Labels
    ) -> PerExample:
        return LargestRadius(steps, method)(network, inputs, labels, parameters=largest)

    def at(size: float) -> tuple[None, ParameterRegion]:
        return None, largest.with_size(size).of(centre).detach()

    return _Family(condition, largest.size, measure, at)


def _sizes(method: BoundMethod, sizes: Tensor) -> SizesByMethod:
    """The mean and the quantiles of what the method certifies."""
    at = torch.tensor(_QUANTILES, dtype=torch.float64)
    found = torch.quantile(sizes, at).tolist()
    named = dict(zip(map(str, _QUANTILES), found, strict=True))
    return SizesByMethod(method.name, method.kind, float(sizes.mean()), named)


def _mean_interval(sizes: Tensor, most: float) -> tuple[float, float] | None:
    """Mean ± 1.96 standard errors, within what is possible; None of a single example."""
    if len(sizes) < 2:
        return None
    mean, half = float(sizes.mean()), 1.96 * float(sizes.std()) / math.sqrt(len(sizes))
    return max(0.0, mean - half), min(most, mean + half)
