"""All that is needed to go on with a training, in one safetensors file.

Tensors stand under `network/…`, `optimizer/…` and, where an earlier epoch may be restored,
`best/…`; all else is one JSON text in the file's metadata. Learning rate and randomness are
functions of the step and the seed, so they need not be kept.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import safetensors
from safetensors.torch import save_file
from torch import Tensor

from gnomon.errors import SettingError, WeightsError
from gnomon.files import replacing
from gnomon.records import Names
from gnomon.training.progress import Progress

_KEY = "gnomon.training"


@dataclass(frozen=True)
class Checkpoint:
    """The state of a training between two epochs.

    Attributes:
        progress: how far it has come.
        network: parameters and buffers by name.
        optimizer: the optimiser's state by `index/name`.
        best: parameters and buffers of the best epoch; empty where that is the last one.
    """

    progress: Progress
    network: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    best: Mapping[str, Tensor] = field(default_factory=dict)

    def copy(self) -> "Checkpoint":
        """The same in tensors of its own; those of the best epoch never change."""
        network, optimizer = (
            {name: tensor.clone() for name, tensor in members.items()}
            for members in (self.network, self.optimizer)
        )
        return Checkpoint(self.progress, network, optimizer, self.best)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes the checkpoint, whole or not at all."""
    groups = {
        "network": checkpoint.network,
        "optimizer": checkpoint.optimizer,
        "best": checkpoint.best,
    }
    tensors = {
        f"{group}/{name}": tensor.detach().contiguous()
        for group, members in groups.items()
        for name, tensor in members.items()
    }
    text = json.dumps(Names({}).write(checkpoint.progress))
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={_KEY: text})


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in `path`; its tensors are copies on the CPU.

    Raises:
        WeightsError: the file is missing, cut short, or no checkpoint of Gnomon.
    """
    groups: dict[str, dict[str, Tensor]] = {"network": {}, "optimizer": {}, "best": {}}
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            progress = Names({}).read(Progress, json.loads((file.metadata() or {})[_KEY]))
            for key in file.keys():  # noqa: SIM118 (no mapping: it has no iterator)
                group, name = key.split("/", 1)
                groups[group][name] = file.get_tensor(key).clone()
    except (OSError, safetensors.SafetensorError, KeyError, ValueError, SettingError) as error:
        raise WeightsError(
            f"{path}: expected a checkpoint of a training, got "
            f"{type(error).__name__}: {error}. "
            "Train into a new folder, or put back a copy of the file."
        ) from error
    return Checkpoint(progress, **groups)
