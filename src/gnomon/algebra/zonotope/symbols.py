"""Noise symbols: which coordinates get one, which are folded away, which two values share."""

from itertools import count

import torch
from jaxtyping import Float, Int
from torch import Tensor

Generators = Float[Tensor, " symbols *values"]
Labels = Int[Tensor, " symbols batch"]
"""The symbol of an example that a generator belongs to; ABSENT where it belongs to none."""

ABSENT = -1

# Numbers that make labels of separate origins differ; nothing else depends on them.
_ORIGINS = count()
_LABELS_PER_ORIGIN = 2**32


def renewed(
    generators: Generators, labels: Labels, radius: Tensor, most: int
) -> tuple[Tensor, Tensor, Tensor]:
    """At most `most` symbols, and the radius beside them: the same set, or one around it.

    In each example the radii of single coordinates compete with the symbols there are, by total
    size Σ_i |G_si|: the largest become, or stay, symbols; the others stay in, or are folded
    into, the radius. An infinite radius never becomes a symbol.
    """
    if radius.ndim == 0 or most == 0:
        return generators, labels, radius
    flat = radius.reshape(len(radius), -1)
    finite = flat.where(flat.isfinite(), torch.zeros_like(flat))
    fresh, places = (found.T for found in finite.detach().topk(min(most, flat.shape[1])))
    old, chosen, lost = _chosen(generators, fresh, most)
    is_new = chosen >= len(labels)
    where = places.gather(0, (chosen - len(labels)).clamp_min(0))
    values = finite.gather(1, where.T).T * is_new
    result = old.flatten(2) if old.ndim > 2 else old[..., None]
    result = result.scatter_add(2, where[..., None], values[..., None]).reshape(old.shape)
    rest = flat.scatter_add(1, where.T, -values.T).reshape(radius.shape) + lost
    return result, torch.cat([labels, named(places)]).gather(0, chosen), rest


def _chosen(
    generators: Tensor, fresh: Tensor, most: int
) -> tuple[Tensor, Tensor, Tensor | float]:
    """The old generators that stay (0 for new ones), the numbers of all, and what is lost."""
    count = len(generators)
    if count + len(fresh) <= most:
        room = generators.new_zeros(len(fresh), *generators.shape[1:])
        numbers = torch.arange(count + len(fresh), device=fresh.device)[:, None]
        return torch.cat([generators, room]), numbers.expand(-1, fresh.shape[1]), 0.0
    chosen = torch.cat([_sizes(generators), fresh]).topk(most, dim=0).indices
    kept = generators.gather(0, _over(chosen.clamp_max(count - 1), generators))
    kept = kept.masked_fill(_over(chosen >= count, generators), 0)
    return kept, chosen, (reach(generators) - reach(kept)).clamp_min(0)


def reach(generators: Tensor) -> Tensor:
    """The sum Σ_s |G_s| in every coordinate."""
    return generators.abs().sum(0)


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
    kept = _sizes(generators).topk(most, dim=0).indices
    result = generators.gather(0, _over(kept, generators))
    lost = (reach(generators) - reach(result)).clamp_min(0)
    return result, labels.gather(0, kept), lost


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


def _sizes(generators: Tensor) -> Tensor:
    """The total size Σ_i |G_si| of each symbol in each example."""
    if generators.ndim == 2:
        return generators.detach().abs()
    return torch.linalg.vector_norm(generators.detach().flatten(2), 1, dim=2)


def _over(choice: Tensor, generators: Tensor) -> Tensor:
    """The choice for each symbol and example, at each coordinate."""
    ones = [1] * (generators.ndim - 2)
    return choice.reshape(*choice.shape, *ones).expand(-1, -1, *generators.shape[2:])
