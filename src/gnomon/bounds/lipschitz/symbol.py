"""A bound of the spectral norm of a convolution on images of any size, from its symbol."""

import math

import torch
from torch import Tensor
from torch.nn import functional

_GRID = {1: 128, 2: 32, 3: 8}
"""Frequencies along each axis, by the number of axes."""
_TOGETHER = 2**22


def symbol_bound(
    weight: Tensor, stride: tuple[int, ...], dilation: tuple[int, ...], groups: int = 1
) -> float:
    """At least ‖K‖₂, for the convolution K with zero padding on images of every size.

    Padded with zeros, K is a part (a compression) of the convolution on infinite images, whose
    norm is sup_ω σ_max(K̂(ω)), with the symbol K̂(ω) = Σ_t w_t e^{i⟨ω,t⟩}, an outputs × inputs
    matrix. A step s in an axis is a convolution of step 1 of s times as many channels (the
    phases). Dilation alone only relabels the frequencies.

    The supremum is bounded from a grid of N frequencies: where it is attained, Re (u* K̂ v) is
    for some u, v a function of ω of exponential type d = (size − 1) / 2 along each axis (once
    the frequencies are centred), and between points of the grid such a function exceeds its
    largest value there at most by 1 / cos(π d / N). The bound is the largest norm on the grid
    times this factor for every axis.

    Args:
        weight: outputs × (inputs / groups) × the kernel's sizes.
        stride: a step for each axis.
        dilation: a gap for each axis.
        groups: independent convolutions side by side.

    References:
        sedghi2019 (periodic padding, where the grid itself is exact); duffin1938 (between the
        points of a grid).
    """
    weight = weight.detach().double()
    if not bool(weight.isfinite().all()):
        return math.nan
    phases = _phases(_spread(weight, stride, dilation), stride)
    sizes, axes = phases.shape[2:], phases.ndim - 2
    counts = [max(_GRID.get(axes, 8), 8 * size) for size in sizes]
    slack = math.prod(
        1 / math.cos(math.pi * (size - 1) / 2 / count)
        for size, count in zip(sizes, counts, strict=True)
    )
    largest = max(_on_grid(part, counts) for part in phases.chunk(groups))
    return slack * largest


def _spread(weight: Tensor, stride: tuple[int, ...], dilation: tuple[int, ...]) -> Tensor:
    """The kernel with its gaps written as zeros, in the axes that have steps as well."""
    for axis, (step, gap) in enumerate(zip(stride, dilation, strict=True), start=2):
        if step > 1 and gap > 1:
            size = list(weight.shape)
            size[axis] = (size[axis] - 1) * gap + 1
            places = torch.arange(0, size[axis], gap, device=weight.device)
            weight = weight.new_zeros(size).index_copy(axis, places, weight)
    return weight


def _phases(weight: Tensor, stride: tuple[int, ...]) -> Tensor:
    """The kernel of step 1 that sees each phase of the images as a channel of its own."""
    for axis, step in enumerate(stride, start=2):
        if step == 1:
            continue
        short = -weight.shape[axis] % step
        padding = [0, 0] * (weight.ndim - 1 - axis) + [0, short]
        weight = functional.pad(weight, padding)
        weight = weight.unflatten(axis, (-1, step)).movedim(axis + 1, 2).flatten(1, 2)
    return weight


def _on_grid(weight: Tensor, counts: list[int]) -> float:
    """The largest norm of the symbol at the frequencies of a grid."""
    axes = list(range(2, weight.ndim))
    spectrum = torch.fft.fftn(weight, s=counts, dim=axes).flatten(2).movedim(2, 0)
    wide = spectrum.shape[1] > spectrum.shape[2]
    matrices = spectrum.mT if wide else spectrum
    together = max(1, _TOGETHER // max(1, matrices[0].numel()))
    squares = [
        float(torch.linalg.eigvalsh(part @ part.mH).amax()) for part in matrices.split(together)
    ]
    return math.sqrt(max(0.0, *squares))
