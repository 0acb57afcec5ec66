"""Targets of the front ends: a run folder, saved weights, or a Python factory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from gnomon.data import Fact
from gnomon.errors import FolderError, SettingError, SubjectError
from gnomon.networks import Architecture, Snapshots, load_weights, read_description
from gnomon.seeds import generator
from gnomon.training import RunFolder
from gnomon.words.config import read_config
from gnomon.words.names import NAMES
from gnomon.words.own import called, find

WEIGHTS = "model.safetensors"
CONFIG = "config.toml"


@dataclass(frozen=True)
class Target:
    """A network to examine, and what its origin says about it.

    Attributes:
        name: short, for reports and file names.
        network: in the mode its origin left it in.
        config: the configuration of the run it comes from, empty where there is none.
        about: facts for the report.
        snapshots: the network after chosen epochs of the run.
    """

    name: str
    network: nn.Module
    config: Mapping[str, Any]
    about: Mapping[str, Fact]
    snapshots: Mapping[int, nn.Module] = field(default_factory=dict)


def open_target(text: str, weights: Path | None = None) -> Target:
    """The network that `text` names.

    Args:
        text: a run folder, a .safetensors file with its .toml beside it, or
            package.module:factory, where the factory is a callable without arguments that
            returns a network.
        weights: for a factory, the safetensors file to load.

    Raises:
        FolderError: the folder holds no finished run.
        WeightsError: the weights cannot be read, or belong to another architecture.
        SubjectError: the text names nothing that can be examined.
        SettingError: weights are given for something that has its own.
    """
    path = Path(text)
    if weights is not None and ":" not in text:
        raise SettingError(
            f"--weights {weights}: expected a factory to fill, got {text}, which has its own "
            "weights. Leave --weights out."
        )
    if path.is_dir():
        return _from_run(path)
    if path.suffix == ".safetensors":
        return Target(path.stem, load_network(path), {}, _described(path))
    if ":" in text:
        return _from_factory(text, weights)
    raise SubjectError(
        f"{text}: expected a run folder, a .safetensors file, or package.module:factory, got "
        "none of "
        "these. Check the path."
    )


def load_network(path: Path | str) -> nn.Module:
    """The network saved as `path` (.safetensors, its .toml beside it), or by a run in `path`.

    It is in evaluation mode.

    Raises:
        WeightsError: the weights cannot be read, or belong to another architecture.
        DataError: the TOML file beside them is missing or not TOML.
    """
    path = Path(path) / WEIGHTS if Path(path).is_dir() else Path(path)
    table, signature = read_description(path)
    where = f"{path.with_suffix('.toml')}: network"
    network = NAMES.read(Architecture, table, where)(signature, generator(0))
    load_weights(network, path)
    return network.eval()


def _from_run(folder: Path) -> Target:
    for needed in (CONFIG, WEIGHTS):
        if not (folder / needed).is_file():
            raise FolderError(
                f"{folder}: expected the folder of a run, got one without {needed}. "
                "Give a folder that `gnomon train` wrote to the end of at least one epoch."
            )
    network = load_network(folder)
    config = read_config(folder / CONFIG)
    return Target(
        folder.resolve().name,
        network,
        config,
        _described(folder / WEIGHTS),
        Snapshots(network, RunFolder(folder).snapshots()).check(),
    )


def _from_factory(text: str, weights: Path | None) -> Target:
    try:
        thing = find(text, text)
        network = thing if isinstance(thing, nn.Module) else called(text, thing, {})
    except SettingError as error:
        raise SubjectError(str(error)) from error
    if weights is not None:
        load_weights(network, weights)
    about: dict[str, Fact] = {
        "factory": text,
        "weights": str(weights or "as the factory made them"),
    }
    return Target(text.partition(":")[2], network, {}, about)


def _described(weights: Path) -> dict[str, Fact]:
    """The settings of the architecture, one fact each."""
    table, _ = read_description(weights)
    return {
        key: value if isinstance(value, int | float | str) else str(value)
        for key, value in table.items()
    }
