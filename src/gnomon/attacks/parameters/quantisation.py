"""Weights rounded to few bits."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.parameters.fixed_point import FixedPoint, Grid, Scales
from gnomon.attacks.parameters.outcome import Batches, ParameterOutcome
from gnomon.attacks.parameters.reading import check_batches, read
from gnomon.attacks.parameters.rounded_activations import Activations, rounded_activations
from gnomon.errors import SettingError
from gnomon.networks.undisturbed import undisturbed
from gnomon.networks.weights import check_finite, weights_of
from gnomon.objectives import Objective, scale_free_cross_entropy


@dataclass(frozen=True)
class Quantisation:
    """Rounds every weight to fixed point, w ≈ scale · (code − zero).

    Biases and normalisations are left alone, as fixed-point hardware keeps them wider. Tools
    differ in what shares a scale, and at few bits that decides. The default is one scale
    max |w| / (2^(bits−1) − 1) for a tensor: at 8 bits these are the codes of onnxruntime's
    dynamic quantisation, to the bit. Others give each channel of a layer's output its own.

    Deployed networks of 8-bit integers round activations, too: what every layer with a weight
    receives, here to 8 bits with 0 among the codes. The parameters of the outcome are the
    rounded weights alone; accuracy and value count both. With a scale for each batch, as
    onnxruntime has it, an answer depends on the examples beside it.

    Attributes:
        bits: word length of each weight, 2 … 16.
        scales: the unit that shares a scale: a "tensor" or a "channel" of the output.
        grid: "symmetric" around 0, or "asymmetric" from the least to the largest weight.
        activations: "float" leaves them; "example" and "batch" round them to 8 bits with a
            scale for each.
        objective: reported beside the accuracy.

    Raises:
        SettingError: bits outside this range, or a word that is none of these.
    """

    bits: int = 8
    scales: Scales = "tensor"
    grid: Grid = "symmetric"
    activations: Activations = "float"
    objective: Objective = scale_free_cross_entropy

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 16:
            raise SettingError(
                f"Quantisation: expected bits from 2 to 16, got {self.bits}. Correct it."
            )
        for name, known in (
            ("scales", ("tensor", "channel")),
            ("grid", ("symmetric", "asymmetric")),
            ("activations", ("float", "example", "batch")),
        ):
            if getattr(self, name) not in known:
                raise SettingError(
                    f"Quantisation: expected {name} to be one of {', '.join(known)}, got "
                    f"{getattr(self, name)!r}. Choose one."
                )

    def __call__(
        self, network: nn.Module, batches: Batches, generator: torch.Generator | None = None
    ) -> ParameterOutcome:
        """The rounded network; nothing here is random.

        Raises:
            SettingError: the network has no weights.
            SubjectError: a weight is infinite or NaN.
        """
        del generator
        with undisturbed(network):
            check_batches(network, batches)
            fixed = fixed_points(network, self.bits, self.scales, self.grid)
            parameters = {name: each.weights for name, each in fixed.items()}
            with rounded_activations(network, self.activations):
                reading = read(network, parameters, batches, self.objective)
        return ParameterOutcome(str(self), parameters, reading.accuracy, reading.value)

    def __str__(self) -> str:
        words = f"{self.bits}-bit weights"
        if (self.scales, self.grid) != ("tensor", "symmetric"):
            words += f", {self.grid}, a scale for each {self.scales}"
        if self.activations != "float":
            words += f", 8-bit activations with a scale for each {self.activations}"
        return words


def fixed_points(
    network: nn.Module, bits: int, scales: Scales = "tensor", grid: Grid = "symmetric"
) -> dict[str, FixedPoint]:
    """All weights in fixed point, by name; computed ones under their own name.

    Raises:
        SettingError: the network has none.
        SubjectError: one is infinite or NaN.
    """
    tensors: dict[str, FixedPoint] = {}
    for name, each in weights_of(network).items():
        like = each if scales == "channel" else None
        weight = each.value().detach()
        check_finite(name, weight)
        tensors[name] = FixedPoint.of(weight, bits, grid, like)
    if not tensors:
        raise SettingError(
            "expected weights with at least two axes to quantise, got a network without any. "
            "Attack its parameters within a box instead."
        )
    return tensors
