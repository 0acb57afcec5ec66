"""Noise symbols: which coordinates get one, which are folded away, which two values share."""

from itertools import count

import torch
from jaxtyping import Float, Int
from torch import Tensor

Generators = Float[Tensor, " symbols *values"]
Labels = Int[Tensor, " symbols batch"]
"""Which symbol of an example a generator belongs to; ABSENT where it belongs to none."""

ABSENT = -1

# Numbers that make labels of separate origins differ; nothing else depends on them.
_ORIGINS = count()
_LABELS_PER_ORIGIN = 2**32


def drawn(radius: Tensor, most: int) -> tuple[Tensor, Tensor, Tensor]:
    """Symbols for the coordinates with the largest radii, and the radii that remain.

    Each example gets the same number of symbols, min(most, coordinates), for coordinates of its
    own choice.
    """
    if radius.ndim == 0 or most == 0:
        return (*none(radius), radius)
    flat = radius.flatten(1) if radius.ndim > 1 else radius[:, None]
    chosen = flat.detach().topk(min(most, flat.shape[1]), dim=1).indices
    sizes = flat.gather(1, chosen)
    zeros = flat.new_zeros(chosen.shape[1], *flat.shape)
    generators = zeros.scatter(2, chosen.T[:, :, None], sizes.T[:, :, None])
    rest = flat.scatter(1, chosen, torch.zeros_like(sizes)).reshape(radius.shape)
    return generators.reshape(-1, *radius.shape), named(chosen.T), rest


def named(numbers: Labels) -> Labels:
    """Labels that no other symbol has, from numbers that differ within each example."""
    return next(_ORIGINS) * _LABELS_PER_ORIGIN + numbers


def none(like: Tensor) -> tuple[Tensor, Tensor]:
    """No symbols, for a value of this shape."""
    batch = like.shape[0] if like.ndim else 0
    labels = torch.zeros(0, batch, dtype=torch.int64, device=like.device)
    return like.new_zeros(0, *like.shape), labels


def folded(
    generators: Generators, labels: Labels, most: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """At most `most` symbols, and the radius that the others become.

    In each example those of the smallest total size Σ_i |G_si| are folded: ε_s G_s lies in the
    box of radius |G_s|. That keeps the set sound and forgets what it knew of correlations.
    """
    if len(generators) <= most:
        return generators, labels, None
    coordinates = tuple(range(2, generators.ndim))
    sizes = generators.detach().abs()
    kept = (sizes.sum(coordinates) if coordinates else sizes).topk(most, dim=0).indices
    result = generators.gather(0, _over(kept, generators))
    lost = generators.abs().sum(0) - result.abs().sum(0)
    return result, labels.gather(0, kept), lost.clamp_min(0)


def union(first: Tensor, second: Tensor) -> Tensor:
    """The symbols of both, in every example; each stands once."""
    if first is second:
        return first
    known = (second[:, None] == first[None]).any(1)
    return torch.cat([first, second.masked_fill(known, ABSENT)])


def spread(generators: Generators, labels: Labels, onto: Tensor) -> Tensor:
    """The generators in the order of other labels, with 0 for symbols that are absent here."""
    if labels is onto:
        return generators
    if len(labels) == 0:
        return generators.new_zeros(len(onto), *generators.shape[1:])
    same = (onto[:, None] == labels[None]) & (onto[:, None] != ABSENT)
    places = same.to(torch.uint8).argmax(1)
    found = generators.gather(0, _over(places, generators))
    absent = ~same.any(1)
    return found.masked_fill(_over(absent, generators), 0)


def _over(choice: Tensor, generators: Tensor) -> Tensor:
    """What is chosen for each symbol and example, at each coordinate."""
    ones = [1] * (generators.ndim - 2)
    return choice.reshape(*choice.shape, *ones).expand(-1, -1, *generators.shape[2:])
