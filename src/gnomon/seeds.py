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


def ensure(source: torch.Generator | None) -> torch.Generator:
    """The generator itself, or without one a new one with seed 0: the same for every call.

    >>> ensure(None).initial_seed() == generator(0).initial_seed()
    True
    """
    return generator(0) if source is None else source
