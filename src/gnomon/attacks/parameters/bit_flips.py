"""Inverted bits in the memory that holds 8-bit weights."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.attacks.parameters.fixed_point import FixedPoint
from gnomon.attacks.parameters.outcome import Batches, ParameterOutcome
from gnomon.attacks.parameters.quantisation import fixed_points
from gnomon.attacks.parameters.reading import check_batches, read, read_slopes
from gnomon.errors import SettingError
from gnomon.networks.undisturbed import undisturbed
from gnomon.objectives import Objective, cross_entropy, scale_free_cross_entropy
from gnomon.seeds import ensure

Codes = dict[str, FixedPoint]


@dataclass(frozen=True)
class RandomBitFlips:
    """Inverts a fixed number of random bits of the weights.

    Attributes:
        flips: number of different bits, uniform over all bits of all weights.
        bits: word length of each weight, 2 … 16.
        objective: reported beside the accuracy.

    Raises:
        SettingError: a negative number of flips, or bits outside 2 … 16.
    """

    flips: int
    bits: int = 8
    objective: Objective = scale_free_cross_entropy

    def __post_init__(self) -> None:
        _check(self.flips, self.bits)

    def __call__(
        self, network: nn.Module, batches: Batches, generator: torch.Generator | None = None
    ) -> ParameterOutcome:
        """The network with random faults in its memory.

        Raises:
            SettingError: more flips than there are bits, or no weights.
            SubjectError: a weight is infinite or NaN.
        """
        generator = ensure(generator)
        with undisturbed(network):
            check_batches(network, batches)
            codes = fixed_points(network, self.bits)
            total = self.bits * sum(each.codes.numel() for each in codes.values())
            if self.flips > total:
                raise SettingError(
                    f"RandomBitFlips: expected at most {total} flips, the bits of all weights, "
                    f"got {self.flips}. Lower it."
                )
            chosen = _distinct(total, self.flips, generator)
            parameters = _weights(self._flipped(codes, chosen))
            reading = read(network, parameters, batches, self.objective)
        name = f"{self.flips} random bit flips"
        return ParameterOutcome(name, parameters, reading.accuracy, reading.value)

    def _flipped(self, codes: Codes, chosen: Tensor) -> Codes:
        flipped, first = dict[str, FixedPoint](), 0
        for name, each in codes.items():
            size = each.codes.numel() * self.bits
            here = chosen[(chosen >= first) & (chosen < first + size)] - first
            here = here.to(each.codes.device)
            flipped[name], first = each, first + size
            for bit in range(self.bits):  # a weight may have several bits flipped
                index = here[here % self.bits == bit] // self.bits
                flipped[name] = flipped[name].flipped(index, torch.full_like(index, bit))
        return flipped


@dataclass(frozen=True)
class ProgressiveBitFlips:
    """Inverts one bit after the other, each the one that raises the loss most.

    For every layer the weights with the largest gradient are looked at; of their bits, each
    flip changes the loss by about slope × change. The best of each layer is tried, and the
    layer whose trial has the largest loss keeps it. The search is greedy: fewer flips may do
    as much.

    Attributes:
        flips: largest number of flips.
        bits: word length of each weight, 2 … 16.
        candidates: number of weights per layer whose bits are considered.
        accuracy: stops once the accuracy is at most this.
        objective: the function to maximise.

    Raises:
        SettingError: a negative number of flips, bits outside 2 … 16, no candidates.

    References:
        rakin2019, section 3.2 (progressive bit search).
    """

    flips: int = 20
    bits: int = 8
    candidates: int = 10
    accuracy: float = 0.0
    objective: Objective = cross_entropy

    def __post_init__(self) -> None:
        _check(self.flips, self.bits)
        if self.candidates < 1:
            raise SettingError(
                f"ProgressiveBitFlips: expected candidates ≥ 1, got {self.candidates}. Raise "
                "it."
            )

    def __call__(
        self, network: nn.Module, batches: Batches, generator: torch.Generator | None = None
    ) -> ParameterOutcome:
        """The network after the last flip; nothing here is random."""
        generator = ensure(generator)
        del generator
        return self.course(network, batches)[-1]

    def course(self, network: nn.Module, batches: Batches) -> list[ParameterOutcome]:
        """The network after 0, 1, 2, … flips.

        Raises:
            SettingError: the network has no weights.
            SubjectError: a weight is infinite or NaN.
        """
        with undisturbed(network):
            check_batches(network, batches)
            codes = fixed_points(network, self.bits)
            reading = read(network, _weights(codes), batches, self.objective)
            outcomes = [
                ParameterOutcome(
                    "0 bit flips", _weights(codes), reading.accuracy, reading.value
                )
            ]
            while len(outcomes) <= self.flips and outcomes[-1].accuracy > self.accuracy:
                codes, value, accuracy = self._worst_flip(network, batches, codes)
                outcomes.append(
                    ParameterOutcome(
                        f"{len(outcomes)} bit flips",
                        _weights(codes),
                        accuracy,
                        value,
                        len(outcomes) * len(batches),
                    )
                )
        return outcomes

    def _worst_flip(
        self, network: nn.Module, batches: Batches, codes: Codes
    ) -> tuple[Codes, float, float]:
        slopes = read_slopes(network, _weights(codes), batches, self.objective).slopes
        trials: list[tuple[float, float, str]] = []
        flipped: Codes = {}
        for name, each in codes.items():
            flipped[name] = self._best_of_layer(each, slopes[name])
            trial = _weights({**codes, name: flipped[name]})
            reading = read(network, trial, batches, self.objective)
            trials.append((reading.value, reading.accuracy, name))
        value, accuracy, name = max(trials, key=lambda trial: trial[0])
        return {**codes, name: flipped[name]}, value, accuracy

    def _best_of_layer(self, fixed: FixedPoint, slope: Tensor) -> FixedPoint:
        """The layer with the one bit flipped that raises the loss most, to first order."""
        flat = slope.flatten()
        places = flat.abs().topk(min(self.candidates, len(flat))).indices
        bits = torch.arange(self.bits, device=flat.device)
        places, bits = (each.flatten() for each in torch.meshgrid(places, bits, indexing="ij"))
        gains = flat[places] * fixed.change(places, bits)
        best = gains.argmax()[None]
        return fixed.flipped(places[best], bits[best])


def _weights(codes: Codes) -> dict[str, Tensor]:
    return {name: each.weights for name, each in codes.items()}


def _distinct(total: int, count: int, generator: torch.Generator) -> Tensor:
    """Different whole numbers below a total, without a table of all of them."""
    chosen = torch.empty(0, dtype=torch.int64, device=generator.device)
    while len(chosen) < count:
        missing = count - len(chosen)
        more = torch.randint(
            total, (2 * missing,), generator=generator, device=generator.device
        )
        both = torch.cat([chosen, more])
        _, inverse = both.unique(return_inverse=True)
        first = torch.full_like(both, len(both)).scatter_reduce(
            0, inverse, torch.arange(len(both), device=both.device), "amin"
        )
        order = first[first < len(both)].sort().values  # in the order of drawing: no bias
        chosen = both[order][:count]
    return chosen


def _check(flips: int, bits: int) -> None:
    if flips < 0 or not 2 <= bits <= 16:
        raise SettingError(
            f"bit flips: expected flips ≥ 0 and bits from 2 to 16, got {flips} and {bits}. "
            "Correct them."
        )
