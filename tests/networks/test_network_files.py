"""Networks on disk: they come back equal, and a wrong file changes nothing."""

from pathlib import Path

import pytest
import torch

from gnomon.errors import DataError, SettingError, WeightsError
from gnomon.networks import (
    MLP,
    Signature,
    load_weights,
    read_description,
    save_network,
    save_weights,
)
from gnomon.seeds import generator
from gnomon.words.config import experiment
from gnomon.words.targets import load_network

PLANE = Signature((2,), 3, (0.1, 0.2), (1.0, 2.0))


def _network(seed: int = 0) -> torch.nn.Sequential:
    return MLP(hidden=(4, 4), normalization="batch")(PLANE, generator(seed))


def test_a_saved_network_loads_with_nothing_but_its_files(tmp_path: Path) -> None:
    network = _network()
    network(torch.randn(10, 2))  # moves the running statistics, which are buffers
    path = tmp_path / "model.safetensors"
    table = {"architecture": "mlp", "hidden": [4, 4], "normalization": "batch"}
    save_network(path, network, table, PLANE)
    for again in (load_network(path), load_network(tmp_path)):
        x = torch.randn(5, 2)
        assert not again.training
        assert torch.equal(again(x), network.eval()(x))


@pytest.mark.parametrize(
    "table",
    [
        {"architecture": "vgg", "channels": [2, 3], "linear": 5, "dropout": [0.1, 0.2, 0.0]},
        {"architecture": "resnet20", "channels": [2, 3], "blocks": 1, "activation": "silu"},
    ],
    ids=["vgg", "resnet20"],
)
def test_networks_with_blocks_come_back_from_their_files(
    table: dict[str, object], tmp_path: Path
) -> None:
    images = Signature((1, 8, 8), 3, (0.5,), (0.3,))
    built = experiment({"data": {"name": "mnist"}, "network": table}).network
    network = built(images, generator(3))
    x = torch.rand(4, 1, 8, 8, generator=generator(4))
    network(x)  # moves the running statistics
    path = tmp_path / "model.safetensors"
    save_network(path, network, table, images)
    assert torch.equal(load_network(path)(x), network.eval()(x))


def test_the_description_says_how_to_rebuild(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_network(path, _network(), {"architecture": "mlp"}, PLANE)
    assert read_description(path) == ({"architecture": "mlp"}, PLANE)


def test_weights_of_another_architecture_are_refused_and_nothing_changes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "other.safetensors"
    save_weights(path, MLP(hidden=(5,))(PLANE, generator(1)))
    network = _network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(
        WeightsError, match=r"another architecture.*'linear1.bias' \(4,\) instead of \(5,\)"
    ):
        load_weights(network, path)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_weights_of_another_width_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "wider.safetensors"
    save_weights(path, MLP(hidden=(5, 5), normalization="batch")(PLANE, generator(1)))
    with pytest.raises(WeightsError, match=r"'linear1.bias' \(4,\) instead of \(5,\)"):
        load_weights(_network(), path)


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "text"])
def test_unreadable_weights_are_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "model.safetensors"
    save_weights(path, _network())
    whole = path.read_bytes()
    content = {"missing": None, "empty": b"", "truncated": whole[:-20], "text": b"weights"}[
        damage
    ]
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"model\.safetensors: expected weights"):
        load_weights(_network(), path)


def test_a_missing_or_foreign_description_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(DataError, match=r"model\.toml"):
        read_description(path)
    path.with_suffix(".toml").write_text("[network]\narchitecture = 'mlp'\n")
    with pytest.raises(WeightsError, match=r"got no \[signature\]"):
        read_description(path)
    path.with_suffix(".toml").write_text("[network]\n[signature]\nshape = [2]\n")
    with pytest.raises(SettingError, match=r"signature\.classes"):
        read_description(path)
