"""All that is needed to go on with trainings, in one safetensors file.

Tensors stand under `network/…`, `optimizer/…` and, where an earlier epoch may be restored,
`best/…`. The rest is in the file's metadata: of one training its progress as JSON, of a group
the names of the runs, whose histories are one table. Learning rate and randomness are functions
of the step and the seed, so they need not be kept.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

import safetensors
import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor

from gnomon.errors import SettingError, WeightsError
from gnomon.files import replacing
from gnomon.records import Names
from gnomon.training.history import EpochRow
from gnomon.training.progress import Progress
from gnomon.training.settings import Training

_KEY = "gnomon.training"
_GROUP_KEY = "gnomon.replicas"
_HISTORY = "history"
_COLUMNS = [each.name for each in fields(EpochRow)]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state of R trainings between two epochs; all that the next epoch depends on.

    Attributes:
        progress: how far each training has come; all have done equally many epochs.
        network: parameters and buffers by name. Of a group, each with a first axis of length R.
        optimizer: the optimiser's state by `index/name`. Of a group, likewise, except that
            0-dimensional tensors (step counts) are shared by all trainings.
        best: parameters and buffers of the best epoch, in the form of `network`; empty before
            the first best epoch, and where the best epoch is always the last one.
    """

    progress: tuple[Progress, ...]
    network: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    best: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """The number of epochs done."""
        return self.progress[0].epoch

    def copy(self) -> "Checkpoint":
        """The same in tensors of its own; those of the best epoch never change."""
        network, optimizer = (
            {name: tensor.clone() for name, tensor in members.items()}
            for members in (self.network, self.optimizer)
        )
        return Checkpoint(self.progress, network, optimizer, self.best)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes the state of one training, whole or not at all."""
    text = json.dumps(Names({}).write(checkpoint.progress[0]))
    _save(path, checkpoint, {_KEY: text}, {})


def read_checkpoint(path: Path) -> Checkpoint:
    """The state of the training in `path`; its tensors are copies on the CPU.

    Raises:
        WeightsError: the file is missing, cut short, or no checkpoint of Gnomon.
    """
    try:
        content = _read(path, _KEY)
        progress = Names({}).read(Progress, content.plain)
    except _UNREADABLE as error:
        raise WeightsError(
            f"{path}: expected a checkpoint of a training, got "
            f"{type(error).__name__}: {error}. "
            "Train into a new folder, or put back a copy of the file."
        ) from error
    return Checkpoint((progress,), **content.groups)


def save_group(path: Path, checkpoint: Checkpoint) -> None:
    """Writes the state of a group, whole or not at all."""
    runs = json.dumps([each.run for each in checkpoint.progress])
    table = torch.stack([_table(each.history) for each in checkpoint.progress])
    _save(path, checkpoint, {_GROUP_KEY: runs}, {_HISTORY: table})


def read_group(path: Path, training: Training) -> Checkpoint:
    """The state of the group in `path`; its tensors are copies on the CPU.

    Args:
        path: a file of `save_group`.
        training: the settings that all members share; they say which epoch was best.

    Raises:
        WeightsError: the file is missing, cut short, or no such file.
    """
    try:
        content = _read(path, _GROUP_KEY)
        tables = content.others[_HISTORY]
    except _UNREADABLE as error:
        raise WeightsError(
            f"{path}: expected the checkpoint of a group, got {type(error).__name__}: {error}. "
            "Remove the file: the trainings that have not ended then begin anew."
        ) from error
    runs: list[str] = content.plain
    pairs = zip(runs, tables, strict=True)
    return Checkpoint(
        tuple(_progress(run, table, training) for run, table in pairs), **content.groups
    )


class _Content(NamedTuple):
    """The content of a file: the plain value in its metadata, tensors in groups, and others."""

    plain: Any
    groups: dict[str, dict[str, Tensor]]
    others: dict[str, Tensor]


_UNREADABLE = (OSError, safetensors.SafetensorError, KeyError, ValueError, SettingError)


def _save(
    path: Path,
    checkpoint: Checkpoint,
    metadata: dict[str, str],
    others: Mapping[str, Tensor],
) -> None:
    """Writes tensors and metadata in one file."""
    groups = ("network", "optimizer", "best")
    tensors = {
        f"{group}/{name}": tensor.detach().contiguous()
        for group in groups
        for name, tensor in getattr(checkpoint, group).items()
    }
    with replacing(path) as temporary:
        save_file({**tensors, **others}, temporary, metadata=metadata)


def _read(path: Path, key: str) -> _Content:
    """The content of a file whose metadata have the key."""
    groups: dict[str, dict[str, Tensor]] = {"network": {}, "optimizer": {}, "best": {}}
    others: dict[str, Tensor] = {}
    with safetensors.safe_open(path, framework="pt") as file:
        plain = json.loads((file.metadata() or {})[key])
        for name in file.keys():  # noqa: SIM118 (no mapping: it has no iterator)
            group, slash, inner = name.partition("/")
            place = groups[group] if slash else others
            place[inner or name] = file.get_tensor(name).clone()
    return _Content(plain, groups, others)


def _table(history: Sequence[EpochRow]) -> Float[Tensor, " epochs columns"]:
    """A history as numbers; NaN stands for None."""
    values = [[getattr(row, column) for column in _COLUMNS] for row in history]
    plain = [[math.nan if value is None else value for value in row] for row in values]
    return torch.tensor(plain, dtype=torch.float64).reshape(len(history), len(_COLUMNS))


def _progress(run: str, table: Tensor, training: Training) -> Progress:
    """The progress with this history: which epoch was best follows from it."""
    progress = Progress(run)
    for values in table.tolist():
        measured: dict[str, Any] = {
            name: None if math.isnan(value) else value
            for name, value in zip(_COLUMNS, values, strict=False)  # early versions had fewer
        }
        counts = {name: int(measured.pop(name)) for name in ("epoch", "step")}
        progress = progress.counted(EpochRow(**counts, **measured), training)
    return progress
