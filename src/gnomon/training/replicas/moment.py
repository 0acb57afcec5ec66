"""The state of a group between two epochs, and its file."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import safetensors
import torch
from jaxtyping import Float
from safetensors.torch import save_file
from torch import Tensor

from gnomon.errors import WeightsError
from gnomon.files import replacing
from gnomon.training.history import Row
from gnomon.training.progress import Progress
from gnomon.training.replicas.update import rows_of
from gnomon.training.settings import Training

_KEY = "gnomon.replicas"
_COLUMNS = [each.name for each in fields(Row)]


@dataclass(frozen=True, eq=False)
class Moment:
    """The state of a group between two epochs; it is all that the next epoch depends on.

    Attributes:
        progress: of each network, all as many epochs far.
        network: the networks; in all three mappings the first axis is that of the networks,
        optimizer: … except that a tensor without axes here is shared by all,
        best: … and that this is empty before the first epoch, and where the best is the last.
    """

    progress: tuple[Progress, ...]
    network: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    best: Mapping[str, Tensor]

    def copy(self) -> "Moment":
        """The same in tensors of its own."""
        everyone = torch.arange(len(self.progress))
        parts = (self.network, self.optimizer, self.best)
        return Moment(self.progress, *(rows_of(each, everyone) for each in parts))


def save_moment(path: Path, moment: Moment) -> None:
    """Writes the state of a group, whole or not at all."""
    parts = {"network": moment.network, "optimizer": moment.optimizer, "best": moment.best}
    tensors = {
        f"{part}/{name}": tensor.detach().contiguous()
        for part, members in parts.items()
        for name, tensor in members.items()
    }
    tensors["history"] = torch.stack([_table(each.history) for each in moment.progress])
    text = json.dumps([each.run for each in moment.progress])
    with replacing(path) as temporary:
        save_file(tensors, temporary, metadata={_KEY: text})


def read_moment(path: Path, training: Training) -> Moment:
    """The state in a file of `save_moment`, on the CPU.

    Raises:
        WeightsError: the file is missing, cut short, or no such file.
    """
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "optimizer": {}, "best": {}}
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            runs: list[str] = json.loads((file.metadata() or {})[_KEY])
            tables = file.get_tensor("history")
            for key in set(file.keys()) - {"history"}:
                part, name = key.split("/", 1)
                parts[part][name] = file.get_tensor(key).clone()
    except (OSError, safetensors.SafetensorError, KeyError, ValueError) as error:
        raise WeightsError(
            f"{path}: expected the checkpoint of a group, got {type(error).__name__}: {error}. "
            "Remove the file: the trainings that have not ended then begin anew."
        ) from error
    progress = [
        _progress(run, table, training) for run, table in zip(runs, tables, strict=True)
    ]
    return Moment(tuple(progress), **parts)


def _table(history: Sequence[Row]) -> Float[Tensor, " epochs columns"]:
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
        progress = progress.counted(Row(**counts, **measured), training)
    return progress
