"""Stores a network on disk: its weights as safetensors, its description as TOML."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import nn

from gnomon.errors import WeightsError
from gnomon.files import replacing
from gnomon.networks.architecture import Signature
from gnomon.records import Names, read_toml, write_toml

_LISTED = 3


def save_network(
    path: Path, network: nn.Module, architecture: Mapping[str, Any], signature: Signature
) -> None:
    """Writes `path` (weights) and `path` with the ending .toml (how to rebuild the network).

    Args:
        path: the file of the weights; it ends in .safetensors.
        network: the network whose parameters and buffers are saved.
        architecture: the table `[network]` of the configuration it was built from.
        signature: the shapes of the network's inputs and logits.
    """
    save_weights(path, network)
    write_toml(
        path.with_suffix(".toml"),
        {"network": dict(architecture), "signature": dataclasses.asdict(signature)},
    )


def read_description(path: Path) -> tuple[dict[str, Any], Signature]:
    """The table `[network]` and the signature that stand beside the weights `path`.

    Raises:
        DataError: the TOML file is missing or not TOML.
        WeightsError: it lacks one of the two tables.
        SettingError: its signature has a wrong key or type.
    """
    beside = path.with_suffix(".toml")
    described = read_toml(beside)
    missing = {"network", "signature"} - described.keys()
    if missing:
        raise WeightsError(
            f"{beside}: expected the tables [network] and [signature], got no "
            f"[{min(missing)}]. Give the file that was saved with the weights."
        )
    signature = Names({}).read(Signature, described["signature"], "signature")
    return described["network"], signature


def save_weights(path: Path, network: nn.Module) -> None:
    """Writes all parameters and buffers as safetensors, whole or not at all."""
    tensors = {
        name: value.detach().contiguous() for name, value in network.state_dict().items()
    }
    with replacing(path) as temporary:
        safetensors.torch.save_file(tensors, temporary)


def load_weights(network: nn.Module, path: Path) -> None:
    """Fills the network with the weights in `path`; on any error the network is as it was.

    Raises:
        WeightsError: the file is missing or unreadable, or holds weights of another
            architecture.
    """
    try:
        tensors = safetensors.torch.load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise WeightsError(
            f"{path}: expected weights in a safetensors file, got: {error}. "
            "Check the path, or save the weights again."
        ) from error
    wanted = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    stored = {name: tuple(value.shape) for name, value in tensors.items()}
    if wanted != stored:
        raise WeightsError(f"{path}: {_difference(wanted, stored)}")
    network.load_state_dict(tensors)


def _difference(
    wanted: Mapping[str, tuple[int, ...]], stored: Mapping[str, tuple[int, ...]]
) -> str:
    """A sentence that says where two sets of named shapes differ."""
    differing = [
        f"'{name}' {wanted.get(name, 'absent')} instead of {stored.get(name, 'absent')}"
        for name in sorted(wanted.keys() | stored.keys())
        if wanted.get(name) != stored.get(name)
    ]
    more = f" and {len(differing) - _LISTED} more" if len(differing) > _LISTED else ""
    listed = "; ".join(differing[:_LISTED])
    return (
        f"these are weights of another architecture: expected {listed}{more}. "
        "Give the weights that belong to this network, or the architecture they belong to."
    )
