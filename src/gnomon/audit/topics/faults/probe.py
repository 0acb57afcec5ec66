"""Accuracy of a network whose parameters are rounded, noisy or broken."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from gnomon.attacks.parameters import (
    Activations,
    Batches,
    GaussianFaults,
    Grid,
    ProgressiveBitFlips,
    Quantisation,
    RandomBitFlips,
    Scales,
    SingleFault,
)
from gnomon.audit.finding import Finding
from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import Subject
from gnomon.audit.topics.parameters.probe import NO_PARAMETERS, Spread
from gnomon.audit.topics.sample import accuracy_of, count_of, in_batches, split_at_random
from gnomon.errors import SettingError, SubjectError
from gnomon.networks.weights import check_finite, held_tensors, weights_of

NO_WEIGHTS = "the network has no weights with at least two axes"
"""Why a figure about rounded weights does not exist."""
_BITS = 8
"""Word length, in bits, of the quantised weights whose bits are flipped."""


@dataclass(frozen=True)
class Quantised:
    """The details of `quantised_accuracy`: the accuracy against the bits of each weight.

    Attributes:
        clean: of the network itself.
        bits: of each weight.
        accuracy: at each of them.
        per_tensor: the same with one scale for each tensor.
        per_channel: with one for each channel of a layer's output.
        rounded_activations: with activations in 8 bits too, and a scale for each example.
    """

    clean: float
    bits: tuple[int, ...]
    accuracy: tuple[float, ...]
    per_tensor: tuple[float, ...]
    per_channel: tuple[float, ...]
    rounded_activations: tuple[float, ...]


@dataclass(frozen=True)
class SearchedFlips:
    """The accuracy after so many inverted bits at most, each the worst found.

    Attributes:
        flips: numbers of inverted bits.
        accuracy: at each of them.
    """

    flips: tuple[int, ...]
    accuracy: tuple[float, ...]


@dataclass(frozen=True)
class RandomFlips:
    """The accuracy after so many bits inverted at random, over several draws.

    Attributes:
        flips: numbers of inverted bits.
        mean: over the draws, at each of them.
        minimum: the least of the draws.
        standard_error: of the mean; None for a single draw.
    """

    flips: tuple[int, ...]
    mean: tuple[float, ...]
    minimum: tuple[float, ...]
    standard_error: tuple[float | None, ...]


@dataclass(frozen=True)
class BitFlips:
    """The details of `bit_flip_accuracy`.

    Attributes:
        clean: of the network itself.
        search: by gradients.
        random: the yardstick.
    """

    clean: float
    search: SearchedFlips
    random: RandomFlips


@dataclass(frozen=True)
class NoisyParameters:
    """The details of `noisy_parameter_accuracy`: the accuracy against the size of the noise.

    Attributes:
        clean: of the network itself.
        sizes: standard deviations, relative to the root mean square of each tensor.
        mean: over the draws, at each of them.
        minimum: the least of the draws.
        standard_error: of the mean; None for a single draw.
    """

    clean: float
    sizes: tuple[float, ...]
    mean: tuple[float, ...]
    minimum: tuple[float, ...]
    standard_error: tuple[float | None, ...]


@dataclass(frozen=True)
class WorstFault:
    """The details of `single_fault_accuracy`.

    Attributes:
        clean: of the network itself.
        fault: the worst, in words.
        tried: number of parameters that were tried.
    """

    clean: float
    fault: str
    tried: int


@dataclass(frozen=True)
class FaultTolerance:
    """Measures the accuracy of a network when the memory of its parameters is poor.

    Each finding is the accuracy on a random sample of the test examples at one usual
    condition; its details hold the curve:

    - `quantised_accuracy`, at 8 bits: every weight in fixed point, by default on a symmetric
      grid with one scale for each tensor, and with activations in floating point.
    - `bit_flip_accuracy`, after at most 10 flips in 8-bit weights: an upper bound of the worst
      case, by progressive search on some of the examples.
    - `noisy_parameter_accuracy`, at Gaussian noise of 5 % of the root mean square of each
      tensor: the mean over draws.
    - `single_fault_accuracy`: of the worst single parameter found, replaced by plus or minus
      the largest of its tensor; an upper bound of the worst case.

    Of equal logits the first counts as the answer, as everywhere in an audit; with few bits
    they are common. A network with infinite or NaN parameters has none of these figures.

    Attributes:
        bits: of quantised weights.
        flips: of bits, growing; so many are searched for, one after another.
        random_flips: further numbers of flips, at random alone.
        sizes: σ of Gaussian noise, relative.
        at: bits, flips and σ of the findings; on the curves.
        draws: of random flips, and of noise, at each point of a curve.
        faults: parameters that are tried one by one, each with two values.
        searched: so many examples of the sample guide the searches.
        examples: so many test examples at most, drawn at random.
        batch: examples at a time.
        scales: what shares a scale when weights are rounded: a "tensor" or a "channel".
        grid: of rounded weights, "symmetric" or "asymmetric".
        activations: "float", or rounded to 8 bits with a scale for each "example" or "batch".

    Raises:
        SettingError: a usual condition that is not on its curve.
    """

    topic: ClassVar[str] = "faults"
    names: ClassVar[tuple[str, ...]] = (
        "quantised_accuracy",
        "bit_flip_accuracy",
        "noisy_parameter_accuracy",
        "single_fault_accuracy",
    )
    bits: tuple[int, ...] = (8, 6, 5, 4, 3, 2)
    flips: tuple[int, ...] = (1, 2, 3, 5, 7, 10)
    random_flips: tuple[int, ...] = (30, 100, 300, 1000)
    sizes: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    at: tuple[int, int, float] = (8, 10, 0.05)
    draws: int = 5
    faults: int = 10
    searched: int = 100
    examples: int = 500
    batch: int = 250
    scales: Scales = "tensor"
    grid: Grid = "symmetric"
    activations: Activations = "float"

    def __post_init__(self) -> None:
        curves = (self.bits, self.flips, self.sizes)
        for place, curve in zip(self.at, curves, strict=True):
            if place not in curve:
                raise SettingError(
                    f"FaultTolerance: expected at={self.at} on the curves, got {place} beside "
                    f"{curve}. Add it to the curve."
                )

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """The four findings."""
        network = subject.network
        chosen, _ = split_at_random(subject, self.examples, generator)
        sample = in_batches(subject, chosen, self.batch)
        guide = in_batches(subject, chosen[: self.searched], self.batch)
        some = _why_none(network)
        wide = some or ("" if weights_of(network) else NO_WEIGHTS)
        quantised, flipped, noisy, single = self.names
        bits, flips, size = self.at
        return (
            _absent(quantised, f"bits:{bits}", wide)
            or self._quantised(network, sample, generator),
            _absent(flipped, f"flips:{flips}", wide)
            or self._flipped(network, sample, guide, generator),
            _absent(noisy, f"gaussian:{size:g}", some)
            or self._noisy(network, sample, generator),
            _absent(single, "", some) or self._single(network, sample, guide, generator),
        )

    def _quantised(
        self, network: nn.Module, sample: Batches, generator: torch.Generator
    ) -> Finding:
        def curve(scales: Scales, activations: Activations) -> tuple[float, ...]:
            return tuple(
                Quantisation(bits, scales, self.grid, activations)(
                    network, sample, generator
                ).accuracy
                for bits in self.bits
            )

        per: dict[Scales, tuple[float, ...]] = {
            scales: curve(scales, self.activations) for scales in ("tensor", "channel")
        }
        shares, bits = per[self.scales], self.at[0]
        rounded = "example" if self.activations == "float" else self.activations
        return _finding(
            self.names[0],
            f"bits:{bits}",
            shares[self.bits.index(bits)],
            sample,
            self._rounding(bits),
            Quantised(
                clean=accuracy_of(network, {}, sample),
                bits=self.bits,
                accuracy=shares,
                per_tensor=per["tensor"],
                per_channel=per["channel"],
                rounded_activations=curve(self.scales, rounded),
            ),
        )

    def _rounding(self, bits: int) -> str:
        """The rounding of weights and activations, in words."""
        grid = {"symmetric": "a symmetric", "asymmetric": "an asymmetric"}
        what = {"tensor": "weight tensor", "channel": "channel of a layer's output"}
        kept = (
            "activations in floating point"
            if self.activations == "float"
            else f"activations rounded to 8 bits with one scale for each {self.activations}"
        )
        return (
            f"with its weights rounded to {bits}-bit fixed point on {grid[self.grid]} grid, "
            f"one scale for each {what[self.scales]}, and {kept}; of equal logits the first "
            "counts as the answer"
        )

    def _flipped(
        self, network: nn.Module, sample: Batches, guide: Batches, generator: torch.Generator
    ) -> Finding:
        search = ProgressiveBitFlips(max(self.flips), _BITS)
        course = [each.parameters for each in search.course(network, guide)]
        ends = [course[min(flips, len(course) - 1)] for flips in self.flips]
        accuracies = [accuracy_of(network, each, sample) for each in ends]
        shares = tuple(itertools.accumulate(accuracies, min))  # at most so many flips
        flips = self.at[1]
        return _finding(
            self.names[1],
            f"flips:{flips}",
            shares[self.flips.index(flips)],
            sample,
            f"after {flips} bits of its {_BITS}-bit weights, or fewer, were inverted, each the "
            f"worst that a search by gradients on {count_of(guide)} of the examples found: an "
            "upper bound of the worst case",
            BitFlips(
                clean=accuracy_of(network, {}, sample),
                search=SearchedFlips(self.flips, shares),
                random=self._random_flips(network, sample, generator),
            ),
            ("rakin2019",),
        )

    def _random_flips(
        self, network: nn.Module, sample: Batches, generator: torch.Generator
    ) -> RandomFlips:
        """The curve of random flips, as far as there are so many bits."""
        bits = _BITS * sum(each.value().numel() for each in weights_of(network).values())
        numbers = tuple(each for each in (*self.flips, *self.random_flips) if each <= bits)

        def broken(flips: int) -> float:
            return RandomBitFlips(flips, _BITS)(network, sample, generator).accuracy

        return RandomFlips(numbers, *self._curve(broken, numbers))

    def _noisy(
        self, network: nn.Module, sample: Batches, generator: torch.Generator
    ) -> Finding:
        def broken(size: float) -> float:
            return GaussianFaults(size)(network, sample, generator).accuracy

        mean, minimum, error = self._curve(broken, self.sizes)
        size = self.at[2]
        return _finding(
            self.names[2],
            f"gaussian:{size:g}",
            mean[self.sizes.index(size)],
            sample,
            f"with Gaussian noise on every parameter, of a standard deviation of {size:.3g} "
            f"times the root mean square of its tensor, mean of {self.draws} draws",
            NoisyParameters(accuracy_of(network, {}, sample), self.sizes, mean, minimum, error),
        )

    def _single(
        self, network: nn.Module, sample: Batches, guide: Batches, generator: torch.Generator
    ) -> Finding:
        worst = SingleFault(self.faults)(network, guide, generator)
        return _finding(
            self.names[3],
            "",
            accuracy_of(network, worst.parameters, sample),
            sample,
            "with one parameter replaced by plus or minus the largest of its tensor, the worst "
            f"of {self.faults} candidates by gradient on {count_of(guide)} of the examples: an "
            "upper bound of the worst case",
            WorstFault(accuracy_of(network, {}, sample), worst.attack, self.faults),
        )

    def _curve(
        self, broken: Callable[[Any], float], points: Sequence[int | float]
    ) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float | None, ...]]:
        """Mean, minimum and standard error over the draws at each point."""
        spreads = [Spread.of([broken(point) for _ in range(self.draws)]) for point in points]
        return (
            tuple(each.mean for each in spreads),
            tuple(each.minimum for each in spreads),
            tuple(each.standard_error for each in spreads),
        )


def _finding(
    name: str,
    condition: str,
    value: float,
    sample: Batches,
    how: str,
    details: Quantised | BitFlips | NoisyParameters | WorstFault,
    references: tuple[str, ...] = (),
) -> Finding:
    count = count_of(sample)
    return Finding(
        probe=FaultTolerance.topic,
        name=name,
        condition=condition,
        value=value,
        unit="share",
        error=clopper_pearson(value * count, count),
        method=f"Share of {count} random test examples that the network gets right {how}. 95 % "
        "Clopper–Pearson interval for these faults.",
        details=details,
        references=(*references, "clopper1934"),
    )


def _why_none(network: nn.Module) -> str:
    """Why no fault is defined for a network; empty if one is."""
    stored = held_tensors(network)
    try:
        for name, each in stored.items():
            check_finite(name, each.value())
    except SubjectError as error:
        return str(error)
    return "" if stored else NO_PARAMETERS


def _absent(name: str, condition: str, reason: str) -> Finding | None:
    """The finding without a figure, if there is a reason for it."""
    if not reason:
        return None
    topic = FaultTolerance.topic
    return Finding(topic, name, None, "share", None, reason, condition=condition, absent=reason)
