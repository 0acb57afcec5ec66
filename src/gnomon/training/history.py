"""The history of a training, epoch by epoch: a Parquet table and TensorBoard events."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from gnomon.errors import DataError
from gnomon.files import replacing


@dataclass(frozen=True)
class EpochRow:
    """One epoch.

    Attributes:
        epoch: 1, 2, …
        step: optimiser steps taken since the beginning.
        learning_rate: of the epoch's last step.
        train_loss: mean of what was minimised over the epoch's examples, as they came.
        train_accuracy: share of them that the network, as it was then, got right.
        validation_loss: mean cross-entropy after the epoch; None without validation data.
        validation_accuracy: after the epoch; None without validation data.
        gradient_norm: over all parameters, before clipping; mean over the epoch's steps.
        seconds: how long the epoch took, evaluation included.
        robust_accuracy: under a short attack, after the epoch; None where it is not watched.
    """

    epoch: int
    step: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    gradient_norm: float
    seconds: float
    robust_accuracy: float | None = None


_SCHEMA = pa.schema(
    [("epoch", pa.int64()), ("step", pa.int64())]
    + [(name, pa.float64()) for name in list(EpochRow.__dataclass_fields__)[2:]]
)

_TAGS = {
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
    "train_loss": "loss/train",
    "validation_loss": "loss/validation",
    "train_accuracy": "accuracy/train",
    "validation_accuracy": "accuracy/validation",
    "robust_accuracy": "accuracy/robust",
}


def write_history(path: Path, rows: Sequence[EpochRow]) -> None:
    """Writes the table as Parquet, whole or not at all."""
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=_SCHEMA)
    with replacing(path) as temporary:
        parquet.write_table(table, temporary)


def read_history(path: Path) -> tuple[EpochRow, ...]:
    """The rows of a table that `write_history` wrote.

    Raises:
        DataError: the file is missing, or no such table.
    """
    try:
        # Without threads and datasets: a tenth of the time for so small a file.
        table = parquet.ParquetFile(path).read(use_threads=False)
        if "robust_accuracy" not in table.column_names:  # as written by early versions
            empty = pa.nulls(len(table), pa.float64())
            table = table.append_column("robust_accuracy", empty)
        table = table.cast(_SCHEMA)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: expected a training history in Parquet, got: {error}. Check the path."
        ) from error
    return tuple(EpochRow(**row) for row in table.to_pylist())


class Events:
    """TensorBoard's view of the history.

    A resumed run writes all its rows anew, in place of what an earlier process wrote, and so
    marked that a TensorBoard which has read that drops it: no step appears twice and none is
    missing, wherever that process was killed.
    """

    def __init__(self, folder: Path, rows: Sequence[EpochRow]) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter  # noqa: PLC0415 - takes a second

        for earlier in folder.glob("events.out.tfevents.*"):
            earlier.unlink()
        self._writer = SummaryWriter(str(folder), purge_step=0 if rows else None)
        self._shown = 0
        self.show(rows)

    def show(self, rows: Sequence[EpochRow]) -> None:
        """Adds those of all epochs done that are not there yet, and puts them on the disk."""
        for row in rows[self._shown :]:
            self._write(row)
        self._shown = len(rows)
        self._writer.flush()

    def close(self) -> None:
        """Ends the file."""
        self._writer.close()

    def _write(self, row: EpochRow) -> None:
        for field, tag in _TAGS.items():
            value = getattr(row, field)
            if value is not None:
                self._writer.add_scalar(tag, value, row.step)
