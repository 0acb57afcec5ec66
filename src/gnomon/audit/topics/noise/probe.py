"""Accuracy under random noise, against its size."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from gnomon.attacks import GaussianNoise, Noise, UniformNoise
from gnomon.audit.finding import Finding
from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import Subject
from gnomon.audit.topics.sweep import MULTIPLES, Sweep, sweeps
from gnomon.networks.predictions import predict
from gnomon.sets import InputSet

_KINDS: tuple[type[UniformNoise] | type[GaussianNoise], ...] = (UniformNoise, GaussianNoise)


@dataclass(frozen=True)
class NoiseAccuracy:
    """The share of examples given their label under random noise: `noise_accuracy`.

    For each set of radius r, uniform and Gaussian noise are tried. Their size is r for an L∞
    set: uniform in [−r, r], so that it stays in the set; Gaussian of standard deviation r. For
    an L2 set in n dimensions it is the size at which the root mean square of the noise's length
    is r: √(3/n) r for uniform, r/√n for Gaussian noise. Noisy inputs are clipped to the domain.

    Details of a finding:

    - kind, size, draws: "uniform" or "Gaussian"; its size; draws per example.
    - norm, radius: of the set.
    - radii, sizes: the grid, and the size of the noise at each of its radii; both begin with
      0.
    - accuracy, error: at each of them, with its interval.

    Attributes:
        within: the sets; a finding for each of them and each kind of noise, named for example
            "uniform:0.1" after kind and size.
        draws: draws of the noise per example.
        multiples: further radii, in multiples of the largest asked radius of a norm.
        batch: examples at a time.
    """

    topic: ClassVar[str] = "noise"
    names: ClassVar[tuple[str, ...]] = ("noise_accuracy",)
    within: tuple[InputSet, ...]
    draws: int = 3
    multiples: tuple[float, ...] = MULTIPLES
    batch: int = 500

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """For each norm and kind of noise one finding per asked set."""
        found: list[Finding] = []
        for sweep in sweeps([subject.fit(within) for within in self.within], self.multiples):
            for kind in _KINDS:
                curve = self._curve(subject, sweep, kind, generator)
                found += [self._finding(within, curve) for within in sweep.asked]
        return tuple(found)

    def _curve(
        self,
        subject: Subject,
        sweep: Sweep,
        kind: type[UniformNoise] | type[GaussianNoise],
        generator: torch.Generator,
    ) -> dict[str, Any]:
        """The details that all findings of one norm and kind share."""
        dimension = subject.inputs[0].numel()
        sizes = [_size(kind, sweep.norm, radius, dimension) for radius in sweep.radii]
        counts = [
            self._correct(subject, kind(size), sweep.asked[0], generator) for size in sizes
        ]
        examples = len(subject.labels)
        return {
            "kind": kind.kind,
            "norm": sweep.norm,
            "draws": self.draws,
            "radii": list(sweep.radii),
            "sizes": sizes,
            "accuracy": [count / examples for count in counts],
            "error": [list(clopper_pearson(count, examples)) for count in counts],
        }

    def _correct(
        self, subject: Subject, noise: Noise, within: InputSet, generator: torch.Generator
    ) -> float:
        """How many examples are right, averaged over the draws."""
        right = 0
        for _ in range(self.draws):
            noisy = noise(subject.inputs, within.domain, generator)
            right += int((predict(subject.network, noisy, self.batch) == subject.labels).sum())
        return right / self.draws

    def _finding(self, within: InputSet, curve: dict[str, Any]) -> Finding:
        at = curve["radii"].index(within.radius)
        size = curve["sizes"][at]
        return Finding(
            probe=self.topic,
            name="noise_accuracy",
            condition=f"{curve['kind'].lower()}:{size:g}",
            value=curve["accuracy"][at],
            unit="share",
            error=tuple(curve["error"][at]),
            method=f"Share of test examples that are right under {curve['kind']} noise of "
            f"size {size:g} (the size that belongs to {within}), mean of {self.draws} draws; "
            "95 % Clopper–Pearson interval as for one draw per example.",
            details={**curve, "radius": within.radius, "size": size},
            references=("clopper1934",),
        )


def _size(
    kind: type[UniformNoise] | type[GaussianNoise], norm: str, radius: float, dimension: int
) -> float:
    """The size of noise that belongs to a ball; see the class."""
    if norm != "L2":
        return radius
    return radius * math.sqrt((3 if kind is UniformNoise else 1) / dimension)
