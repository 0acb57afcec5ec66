"""The basic iterative method without projection goes as far as its steps take it."""

import pytest
import torch
from torch import nn

from gnomon.attacks import BIM, UnprojectedBIM
from gnomon.errors import SettingError
from gnomon.seeds import generator
from gnomon.sets import Linf


def half_plane(distance: float) -> nn.Linear:
    """Class 1 where x₁ > distance."""
    network = nn.Linear(2, 2)
    with torch.no_grad():
        network.weight.copy_(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]))
        network.bias.copy_(torch.tensor([distance, -distance]))
    return network.eval()


def fooled(distance: float, attack: BIM | UnprojectedBIM, within: Linf) -> float:
    inputs, labels = torch.zeros(400, 2), torch.zeros(400, dtype=torch.long)
    outcome = attack(half_plane(distance), inputs, labels, within, generator(0))
    assert float(outcome.distance.max()) <= within.radius
    return float(outcome.fooled.double().mean())


def test_at_the_sources_epsilon_it_reaches_three_times_as_far() -> None:
    attack = UnprojectedBIM(steps=4)
    assert attack.named(1.5) == pytest.approx(0.5)
    # Starts are uniform in [-0.5, 0.5]; all four steps of 0.25 lead straight to the boundary.
    assert fooled(0.49, attack, Linf(1.5)) == 1
    assert fooled(1.0, attack, Linf(1.5)) == pytest.approx(0.5, abs=0.1)
    assert fooled(1.4, attack, Linf(1.5)) == pytest.approx(0.1, abs=0.06)
    assert fooled(1.51, attack, Linf(1.5)) == 0
    assert fooled(0.6, BIM(steps=4), Linf(0.5)) == 0


def test_settings_outside_their_range_are_refused() -> None:
    with pytest.raises(SettingError, match="steps"):
        UnprojectedBIM(steps=0)
    with pytest.raises(SettingError, match="relative_step"):
        UnprojectedBIM(relative_step=0.0)
