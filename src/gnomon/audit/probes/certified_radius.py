"""How far examples are certified: the radius of inputs, the size of changes of parameters."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.bounds import CROWN, IBP, BoundMethod, LargestRadius, LargestSize
from gnomon.networks import device_of, undisturbed
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterSet
from gnomon.shapes import PerExample

Measure = Callable[[BoundMethod], PerExample]
"""How far each example is certified by one method."""

_QUANTILES = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class CertifiedRadius:
    """The mean over examples of how far each is certified: `certified_radius`.

    There is a finding for each set of inputs, whose radius is enlarged up to which an example
    stays certified, and for each set of parameters, whose λ is. An example that is wrong
    unperturbed counts as 0, and one that is certified at the most that is tried as that: the
    mean over all perturbations that the network withstands is at least the figure.

    Details of a finding:

    - most: the most that was tried; `reached`: how many examples are certified even there.
    - methods: for each method of bounds its name, the kind of truth, and the mean and the
      quantiles of what it certified by itself; the figure takes the best of each example.
    - examples: how many were examined.

    Attributes:
        within: families of sets of inputs.
        parameters: families of sets of parameters, around those of the network.
        methods: of bounds.
        examples: so many examined examples at most, drawn at random.
        reach: the most that is tried, as a multiple of the sets' size.
        steps: of the bisection.
    """

    topic: ClassVar[str] = "radii"
    names: ClassVar[tuple[str, ...]] = ("certified_radius",)
    within: tuple[InputSet, ...]
    parameters: tuple[ParameterSet, ...] = ()
    methods: tuple[BoundMethod, ...] = (IBP(), CROWN())
    examples: int = 20
    reach: float = 4.0
    steps: int = 6

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """One finding for each family."""
        order = torch.randperm(len(subject.labels), generator=generator)
        chosen = order[: self.examples].sort().values
        device = device_of(subject.network)
        inputs, labels = subject.inputs[chosen].to(device), subject.labels[chosen].to(device)
        network = subject.network
        found: list[Finding] = []
        for within in self.within:
            family = subject.fit(within).with_radius(self.reach * within.radius)

            def reached(method: BoundMethod, family: InputSet = family) -> PerExample:
                return LargestRadius(self.steps, method)(network, inputs, labels, family)

            with undisturbed(network):
                found.append(self._finding(str(within), family.radius, reached))
        for around in self.parameters:
            largest = around.with_size(self.reach * around.size)

            def changed(method: BoundMethod, largest: ParameterSet = largest) -> PerExample:
                return LargestSize(self.steps, method)(network, inputs, labels, largest)

            with undisturbed(network):
                found.append(self._finding(str(around), largest.size, changed))
        return tuple(found)

    def _finding(self, condition: str, most: float, measure: Measure) -> Finding:
        said: list[dict[str, Any]] = []
        certified = [measure(method).cpu() for method in self.methods]
        for method, sizes in zip(self.methods, certified, strict=True):
            said.append({"name": method.name, "kind": method.kind, **_spread(sizes)})
        best = torch.stack(certified).amax(dim=0)
        names = " and ".join(method.name for method in self.methods)
        return Finding(
            probe=self.topic,
            name="certified_radius",
            condition=condition,
            value=float(best.mean()),
            unit="",
            error=_mean_interval(best, most),
            method=f"Mean over {len(best)} random test examples of the largest size of this "
            f"kind of set, up to {most:.4g}, at which bounds by {names} certify the example "
            f"(bisection in {self.steps} steps; each was certified at its own; 0 where the "
            "network is wrong). In exact arithmetic: the bounds are computed with ordinary "
            "rounding. 95 % interval of the mean, by the normal approximation.",
            details={
                "most": most,
                "reached": int((best == most).sum()),
                "methods": said,
                "examples": len(best),
            },
            references=("gowal2019", "zhang2018"),
        )


def _spread(sizes: Tensor) -> dict[str, Any]:
    """Mean and quantiles."""
    at = torch.tensor(_QUANTILES, dtype=torch.float64)
    found = torch.quantile(sizes, at).tolist()
    named = dict(zip(map(str, _QUANTILES), found, strict=True))
    return {"mean": float(sizes.mean()), "quantiles": named}


def _mean_interval(sizes: Tensor, most: float) -> tuple[float, float] | None:
    """Mean ± 1.96 standard errors, within what is possible; None of a single example."""
    if len(sizes) < 2:
        return None
    mean, half = float(sizes.mean()), 1.96 * float(sizes.std()) / math.sqrt(len(sizes))
    return max(0.0, mean - half), min(most, mean + half)
