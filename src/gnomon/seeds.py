"""Random generators derived from a seed and names; nothing is global.

Two streams with different names are independent, and adding a stream never changes another.
"""

import hashlib

import torch


def derive(seed: int, *names: str | int) -> int:
    """A 63-bit seed that depends on `seed` and on every name.

    >>> derive(0, "order", 1)
    4489457307835839548
    """
    text = "/".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(
    seed: int, *names: str | int, device: str | torch.device = "cpu"
) -> torch.Generator:
    """A torch generator on `device`, seeded with `derive(seed, *names)`."""
    return torch.Generator(device).manual_seed(derive(seed, *names))


def or_seeded(source: torch.Generator | None) -> torch.Generator:
    """Returns the generator itself, or in place of none a new one on the CPU, of seed 0."""
    return generator(0) if source is None else source
