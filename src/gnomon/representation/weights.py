"""Examines the weight matrices of a network: spectra, distributions, distances moved."""

import math
from collections.abc import Generator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd  # pyright: ignore[reportPrivateUsage]
from torch.nn.utils.parametrize import ParametrizationList, is_parametrized

from gnomon.errors import SettingError
from gnomon.networks.undisturbed import undisturbed
from gnomon.representation.spectrum import EXACT, Kind, Spectrum, spectrum


@dataclass(frozen=True, eq=False)
class WeightMatrix:
    """A parameter as a matrix.

    Attributes:
        matrix: the values that the network holds, not a copy.
        kind: the role of the matrix.
    """

    matrix: Float[Tensor, " rows columns"]
    kind: Kind


@dataclass(frozen=True, eq=False)
class WeightDistribution:
    """The distribution of the entries of one matrix.

    Attributes:
        mean: mean of the finite entries; None without any, as is the deviation.
        deviation: their standard deviation, Σ (w − mean)² / count under the root.
        zeros: the share of entries that are exactly 0.
        edges: the edges of the bins.
        counts: number of entries in each bin; the last bin holds its right edge.
        outside: number of finite entries beyond the bins.
        broken: number of entries that are NaN or infinite.
    """

    mean: float | None
    deviation: float | None
    zeros: float
    edges: Float[Tensor, " edges"]
    counts: Int[Tensor, " bins"]
    outside: int
    broken: int


def weight_matrices(network: nn.Module) -> dict[str, WeightMatrix]:
    """All real parameters with two axes or more, by its name, in the network's order.

    A parameter with more axes becomes (first axis, product of the others): for the kernels of a
    convolution (out, in · k · k). An ungrouped convolution with 1 × 1 kernels is the matrix
    that it applies at every position. A parameter that is used in several places appears once,
    under its first name. Where a module computes its weight from other parameters
    (`torch.nn.utils.parametrize`), the weight is listed in their place.
    """
    with undisturbed(network), torch.no_grad():
        return {
            name: WeightMatrix(weight.detach().flatten(1), _kind(module, weight))
            for name, module, weight in _weights(network)
            if weight.dim() >= 2 and weight.is_floating_point()
        }


def weight_spectra(network: nn.Module, exact: int = EXACT) -> dict[str, Spectrum]:
    """The spectrum of every weight matrix of the network; `exact` as in `spectrum`."""
    return {
        name: spectrum(weight.matrix, weight.kind, exact)
        for name, weight in weight_matrices(network).items()
    }


def distribution(
    matrix: Float[Tensor, " rows columns"], limit: float, bins: int = 40
) -> WeightDistribution:
    """The distribution of the entries, in `bins` equal bins between −limit and limit.

    The same limit at all epochs gives histograms that can be compared.

    Raises:
        SettingError: a limit that is not positive and finite, or fewer than one bin.
    """
    if not 0 < limit < math.inf or bins < 1:
        raise SettingError(
            f"distribution: expected 0 < limit < ∞ and bins ≥ 1, got {limit} and {bins}. "
            "Take the largest modulus of the weights."
        )
    values = matrix.detach().to("cpu", torch.float64).flatten()
    finite = values[values.isfinite()]
    edges = torch.linspace(-limit, limit, bins + 1, dtype=torch.float64)
    counts = torch.histogram(finite, edges).hist.long()
    return WeightDistribution(
        mean=float(finite.mean()) if len(finite) else None,
        deviation=float(finite.std(correction=0)) if len(finite) else None,
        zeros=int((values == 0).sum()) / max(len(values), 1),
        edges=edges,
        counts=counts,
        outside=len(finite) - int(counts.sum()),
        broken=len(values) - len(finite),
    )


def relative_distance(
    matrix: Float[Tensor, " rows columns"], first: Float[Tensor, " rows columns"]
) -> float | None:
    """The distance ‖W − W₀‖_F / ‖W₀‖_F; None if it is not finite: W₀ = 0, or NaN weights.

    >>> gn.representation.relative_distance(3 * torch.eye(2), 2 * torch.eye(2))
    0.5
    """
    start = first.detach().to("cpu", torch.float64)
    length = float(start.norm())
    moved = float((matrix.detach().to("cpu", torch.float64) - start).norm())
    distance = moved / length if length else math.inf
    return distance if math.isfinite(distance) else None


def _weights(network: nn.Module) -> Generator[tuple[str, nn.Module, Tensor], None, None]:
    """Yields name, owner and value of each parameter, once, and of each computed weight."""
    seen: set[nn.Parameter] = set()
    for prefix, module in network.named_modules():
        if isinstance(module, ParametrizationList):
            continue
        start = f"{prefix}." if prefix else ""
        for name, weight in module.named_parameters(recurse=False):
            if weight not in seen:
                seen.add(weight)
                yield start + name, module, weight
        if is_parametrized(module):
            assert isinstance(module.parametrizations, nn.ModuleDict)
            for name in module.parametrizations:
                yield start + name, module, getattr(module, name)


def _kind(module: nn.Module, weight: Tensor) -> Kind:
    if weight.dim() == 2:
        return Kind.MATRIX
    if not isinstance(module, _ConvNd):
        return Kind.TENSOR
    pointwise = math.prod(module.kernel_size) == 1 and module.groups == 1
    return Kind.MATRIX if pointwise else Kind.CONVOLUTION
