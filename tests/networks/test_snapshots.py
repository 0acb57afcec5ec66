"""Snapshots: no epoch shares its weights with another (a known defect of stored histories)."""

from pathlib import Path

import pytest
import torch
from torch import nn

from gnomon.errors import WeightsError
from gnomon.networks import Snapshots, save_weights


@pytest.fixture
def network() -> nn.Linear:
    return nn.Linear(2, 2)


@pytest.fixture
def snapshots(network: nn.Linear, tmp_path: Path) -> Snapshots:
    """Of one network whose weights were changed in place between the epochs."""
    files: dict[int, Path] = {}
    for epoch in (5, 0):
        with torch.no_grad():
            network.weight.fill_(float(epoch))
        files[epoch] = tmp_path / f"{epoch}.safetensors"
        save_weights(files[epoch], network)
    with torch.no_grad():
        network.weight.fill_(99.0)
    return Snapshots(network, files)


def _weight(network: nn.Module) -> float:
    return next(network.parameters())[0, 0].item()


def test_each_epoch_has_its_own_weights_in_order(snapshots: Snapshots) -> None:
    assert [(epoch, _weight(network)) for epoch, network in snapshots.items()] == [
        (0, 0.0),
        (5, 5.0),
    ]
    assert len(snapshots) == 2


def test_changing_one_network_changes_no_other(
    snapshots: Snapshots, network: nn.Linear
) -> None:
    with torch.no_grad():
        for parameter in snapshots[5].parameters():
            parameter.fill_(-1.0)
    assert (_weight(snapshots[0]), _weight(snapshots[5])) == (0.0, 5.0)
    assert _weight(network) == 99.0


def test_the_mode_is_that_of_the_network_that_is_copied(
    snapshots: Snapshots, network: nn.Linear
) -> None:
    network.eval()
    assert not snapshots[0].training


def test_an_epoch_that_was_not_kept_is_no_key(snapshots: Snapshots) -> None:
    assert 3 not in snapshots
    with pytest.raises(KeyError):
        snapshots[3]


def test_a_missing_file_is_an_error_that_names_it(snapshots: Snapshots) -> None:
    snapshots.files[5].unlink()
    with pytest.raises(WeightsError, match=r"5\.safetensors"):
        snapshots[5]


def test_a_damaged_file_is_noticed_before_it_is_needed(snapshots: Snapshots) -> None:
    assert snapshots.check() is snapshots
    whole = snapshots.files[5].read_bytes()
    snapshots.files[5].write_bytes(whole[:-3])
    with pytest.raises(WeightsError, match=r"5\.safetensors.*Remove"):
        snapshots.check()
