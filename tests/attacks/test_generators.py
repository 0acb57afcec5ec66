"""Without a generator noise comes from seed 0; one generator serves all draws of a call."""

import pytest
import torch

from gnomon.attacks import GaussianNoise, UniformNoise, parameters
from gnomon.networks import MLP, Signature
from gnomon.seeds import generator
from gnomon.sets import ParameterBox, radius

NETWORK = MLP((6,))(Signature((2,), 3, (0.0, 0.0), (1.0, 1.0)), generator(0)).eval()
INPUTS = torch.rand(8, 2, generator=generator(1))
BATCHES = [(INPUTS[:4], torch.arange(4) % 3), (INPUTS[4:], torch.arange(4) % 3)]


@pytest.mark.parametrize("noise", [GaussianNoise(0.1), UniformNoise(0.1)], ids=str)
def test_noise_needs_no_generator(noise: GaussianNoise | UniformNoise) -> None:
    assert torch.equal(noise(INPUTS, None), noise(INPUTS, None, generator(0)))


def test_the_draws_of_one_call_differ() -> None:
    """One generator serves the whole call: it does not begin anew with each draw."""
    within = ParameterBox(radius.Relative(0.1)).of(NETWORK)
    members = parameters.AlternativeNetworks(count=3).all(NETWORK, BATCHES, within)
    weights = [next(iter(member.parameters.values())) for member in members]
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[1], weights[2])
