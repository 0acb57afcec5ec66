"""Generators that depend on the seed and every name."""

import torch

from gnomon.seeds import derive, generator


def test_the_same_names_give_the_same_stream() -> None:
    first, second = generator(3, "noise", 1), generator(3, "noise", 1)
    assert torch.equal(torch.rand(5, generator=first), torch.rand(5, generator=second))


def test_seed_and_names_all_count() -> None:
    seeds = [
        derive(3, "noise", 1),
        derive(4, "noise", 1),
        derive(3, "order", 1),
        derive(3, "noise", 2),
    ]
    assert len({*seeds, derive(3, "noise"), derive(3, "noise/1/2")}) == 6
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_seed_means_the_same_on_every_machine() -> None:
    """Written down once; a change would make every stored result unrepeatable."""
    assert derive(0, "order", 1) == 4489457307835839548
    assert float(torch.rand((), generator=generator(0))) == float(
        torch.rand((), generator=torch.Generator().manual_seed(derive(0)))
    )


def test_the_global_stream_is_not_touched() -> None:
    before = torch.get_rng_state()
    torch.rand(5, generator=generator(0, "noise"))
    assert torch.equal(before, torch.get_rng_state())
