"""Without a generator, whatever is random is drawn from seed 0, and never from torch's own."""

from typing import Any

import pytest
import torch

from gnomon.activations import ReLU
from gnomon.attacks import (
    INPUT_ATTACKS,
    Batched,
    GaussianNoise,
    InputAttack,
    UniformNoise,
    parameters,
)
from gnomon.networks import MLP, Signature
from gnomon.seeds import generator
from gnomon.sets import L1, L2, Linf, ParameterBall, ParameterBox, radius

NETWORK = MLP((6,), ReLU())(Signature((2,), 3, (0.0, 0.0), (1.0, 1.0)), generator(0)).eval()
INPUTS = torch.rand(8, 2, generator=generator(1))
LABELS = torch.arange(8) % 3
ATTACKS: dict[str, InputAttack] = {
    **{name: kind() for name, kind in INPUT_ATTACKS.items()},
    "batched": Batched(INPUT_ATTACKS["pgd"](), 3),
}
BATCHES = [(INPUTS[:4], LABELS[:4]), (INPUTS[4:], LABELS[4:])]
BOX = ParameterBox(radius.Relative(0.1))
ON_PARAMETERS: dict[str, Any] = {
    "pgd": lambda *source: parameters.ParameterPGD(restarts=2)(
        NETWORK, BATCHES, BOX.of(NETWORK), *source
    ),
    "alternatives": lambda *source: parameters.AlternativeNetworks()(
        NETWORK, BATCHES, BOX.of(NETWORK), *source
    ),
    "gaussian": lambda *source: parameters.GaussianFaults(0.1)(NETWORK, BATCHES, *source),
    "stuck": lambda *source: parameters.StuckAtZero(0.3)(NETWORK, BATCHES, *source),
    "flips": lambda *source: parameters.RandomBitFlips(3)(NETWORK, BATCHES, *source),
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_an_attack_needs_no_generator(attack: InputAttack) -> None:
    before = torch.random.get_rng_state()
    first = attack(NETWORK, INPUTS, LABELS, Linf(0.3))
    again = attack(NETWORK, INPUTS, LABELS, Linf(0.3), generator(0, "attack"))
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("attack", ON_PARAMETERS.values(), ids=ON_PARAMETERS.keys())
def test_an_attack_on_parameters_needs_no_generator(attack: Any) -> None:  # noqa: ANN401
    before = torch.random.get_rng_state()
    first, again = attack(), attack(generator(0, "attack"))
    for name, value in first.parameters.items():
        assert torch.equal(value, again.parameters[name])
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    "region",
    [
        *(kind(0.3).around(INPUTS) for kind in (Linf, L2, L1)),
        *(kind.of(NETWORK) for kind in (BOX, ParameterBall(0.1))),
    ],
    ids=["linf", "l2", "l1", "box", "ball"],
)
def test_a_sample_needs_no_generator(region: Any) -> None:  # noqa: ANN401
    first, again = region.sample(), region.sample(generator(0, "sample"))
    if isinstance(first, torch.Tensor):
        assert torch.equal(first, again)
    else:
        assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize(
    "noise", [GaussianNoise(0.1), UniformNoise(0.1)], ids=["normal", "even"]
)
def test_noise_needs_no_generator(noise: GaussianNoise | UniformNoise) -> None:
    assert torch.equal(noise(INPUTS, None), noise(INPUTS, None, generator(0, "attack")))


def test_the_draws_of_one_call_differ() -> None:
    """One generator serves the whole call: it does not begin anew with each draw."""
    within = BOX.of(NETWORK)
    members = parameters.AlternativeNetworks(count=3).all(NETWORK, BATCHES, within)
    weights = [next(iter(member.parameters.values())) for member in members]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[2])
