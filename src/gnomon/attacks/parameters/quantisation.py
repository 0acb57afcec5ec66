"""Weights rounded to few bits."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gnomon.attacks.parameters.outcome import Batches, ParameterOutcome
from gnomon.attacks.parameters.reading import check_batches, read
from gnomon.errors import SettingError
from gnomon.networks.undisturbed import undisturbed
from gnomon.objectives import Objective, scale_free_cross_entropy


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """A tensor as whole numbers times one scale: w ≈ scale · code.

    Attributes:
        codes: in [−2^(bits−1), 2^(bits−1) − 1], two's complement.
        scale: max |w| / (2^(bits−1) − 1), so that the largest weight is exact.
        bits: of each code.
    """

    codes: Int[Tensor, "*shape"]
    scale: Float[Tensor, ""]
    bits: int

    @classmethod
    def of(cls, weights: Tensor, bits: int) -> "FixedPoint":
        """The nearest codes, each at most half a scale from its weight."""
        top = 2 ** (bits - 1) - 1
        tiny = torch.finfo(weights.dtype).tiny
        scale = (weights.abs().amax() / top).clamp_min(tiny)
        codes = (weights / scale).round().clamp(-top, top).to(torch.int64)
        return cls(codes, scale, bits)

    @property
    def weights(self) -> Tensor:
        """The tensor that the codes stand for."""
        return self.codes.to(self.scale) * self.scale

    def flipped(self, index: Tensor, bit: Tensor) -> "FixedPoint":
        """The same with some bits inverted.

        Args:
            index: places in the flat tensor, each at most once.
            bit: 0 for the least, bits − 1 for the sign, at each of them.
        """
        unsigned = self.codes.flatten() % 2**self.bits
        mask = torch.ones_like(bit) << bit
        unsigned = unsigned.index_copy(0, index, unsigned[index] ^ mask)
        half = 2 ** (self.bits - 1)
        codes = (unsigned + half) % 2**self.bits - half
        return FixedPoint(codes.reshape(self.codes.shape), self.scale, self.bits)

    def change(self, index: Tensor, bit: Tensor) -> Tensor:
        """By how much each of these weights changes when that bit of it is inverted.

        Args:
            index: places in the flat tensor.
            bit: 0 for the least, bits − 1 for the sign, at each of them.
        """
        unsigned = self.codes.flatten()[index] % 2**self.bits
        is_set = (unsigned >> bit) & 1
        worth = torch.where(bit == self.bits - 1, -(2**bit), 2**bit)
        return torch.where(is_set == 1, -worth, worth).to(self.scale) * self.scale


@dataclass(frozen=True)
class Quantisation:
    """Every weight tensor rounded to fixed point, with one scale for each tensor.

    Biases and other tensors with fewer than two axes are left alone, as fixed-point hardware
    keeps them wider.

    Attributes:
        bits: of each weight, 2 … 16.
        objective: reported beside the accuracy.

    Raises:
        SettingError: bits outside this range.
    """

    bits: int = 8
    objective: Objective = scale_free_cross_entropy

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 16:
            raise SettingError(
                f"Quantisation: expected bits from 2 to 16, got {self.bits}. Correct it."
            )

    def __call__(
        self, network: nn.Module, batches: Batches, generator: torch.Generator
    ) -> ParameterOutcome:
        """The rounded network; nothing here is random."""
        del generator
        with undisturbed(network):
            check_batches(network, batches)
            fixed = fixed_points(network, self.bits)
            parameters = {name: each.weights for name, each in fixed.items()}
            reading = read(network, parameters, batches, self.objective)
        return ParameterOutcome(
            f"{self.bits}-bit weights", parameters, reading.accuracy, reading.value
        )


def fixed_points(network: nn.Module, bits: int) -> dict[str, FixedPoint]:
    """All parameters with at least two axes, in fixed point.

    Raises:
        SettingError: the network has none.
    """
    found = {
        name: FixedPoint.of(each.detach(), bits)
        for name, each in network.named_parameters()
        if each.dim() > 1
    }
    if not found:
        raise SettingError(
            "expected weights with at least two axes to quantise, got a network without any. "
            "Attack its parameters within a box instead."
        )
    return found
