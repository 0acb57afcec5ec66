"""The folder of one training run: what lies where, and whose it is.

config.toml                      what was asked for
run.json                         what became of it: `RunFacts`
model.safetensors, model.toml    the trained network
history.parquet                  one row per epoch
events/                          the same for TensorBoard
checkpoints/latest.safetensors   where a killed run goes on
checkpoints/group.safetensors    where a killed group goes on, in the first of its folders
snapshots/epoch-0007.safetensors weights after chosen epochs
"""

import fcntl
import json
import os
import tomllib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import safetensors
import tomli_w

from gnomon.errors import FolderError, SettingError
from gnomon.files import write_text
from gnomon.networks import Signature
from gnomon.records import Names, read_toml, write_toml

Status = Literal["running", "finished", "diverged", "interrupted"]
"""The status of a run; one that was killed still says "running"."""


@dataclass(frozen=True)
class RunFacts:
    """The outcome of a run: the content of run.json.

    Attributes:
        status: what became of it.
        reason: the same in one sentence.
        gnomon: version of this package.
        torch: version of torch.
        seed: what everything random is derived from.
        data: the name of the data set.
        data_fingerprint: of its content.
        signature: what the network takes and returns.
        class_names: one per logit.
        epochs_done: complete epochs.
        best_epoch: the epoch whose weights are kept, if that may be another than the last.
    """

    status: Status
    reason: str
    gnomon: str
    torch: str
    seed: int
    data: str
    data_fingerprint: str
    signature: Signature
    class_names: tuple[str, ...]
    epochs_done: int = 0
    best_epoch: int | None = None


@dataclass(frozen=True)
class RunFolder:
    """The layout of the folder `path`."""

    path: Path

    @property
    def config(self) -> Path:
        """The file with the configuration."""
        return self.path / "config.toml"

    @property
    def facts(self) -> Path:
        """The file with the outcome."""
        return self.path / "run.json"

    @property
    def model(self) -> Path:
        """The trained network's weights."""
        return self.path / "model.safetensors"

    @property
    def history(self) -> Path:
        """One row per epoch."""
        return self.path / "history.parquet"

    @property
    def events(self) -> Path:
        """TensorBoard's files."""
        return self.path / "events"

    @property
    def checkpoint(self) -> Path:
        """Where a killed run goes on."""
        return self.path / "checkpoints" / "latest.safetensors"

    @property
    def group_checkpoint(self) -> Path:
        """Where a killed group goes on, if this is the first of its folders."""
        return self.path / "checkpoints" / "group.safetensors"

    def snapshot(self, epoch: int) -> Path:
        """The weights after `epoch` epochs."""
        return self.path / "snapshots" / f"epoch-{epoch:04d}.safetensors"

    def snapshots(self) -> dict[int, Path]:
        """The weights that were kept, by epoch."""
        files = sorted((self.path / "snapshots").glob("epoch-*.safetensors"))
        return {int(file.stem.removeprefix("epoch-")): file for file in files}

    def read_facts(self) -> RunFacts | None:
        """The outcome of the run; None before it has begun.

        Raises:
            FolderError: run.json is not readable.
        """
        if not self.facts.exists():
            return None
        try:
            plain = json.loads(self.facts.read_text(encoding="utf-8"))
            return Names({}).read(RunFacts, plain)
        except (OSError, ValueError, SettingError) as error:
            raise FolderError(
                f"{self.facts}: expected the facts of a run, got: {error}. "
                "Train into a new folder."
            ) from error

    def write_facts(self, facts: RunFacts) -> None:
        """Replaces run.json."""
        write_text(self.facts, json.dumps(Names({}).write(facts), indent=2) + "\n")

    @contextmanager
    def claimed(self, config: Mapping[str, Any]) -> Generator[None, None, None]:
        """Holds the folder for this process alone; makes it where there is none.

        The operating system drops the lock with the process, however that ends.

        Raises:
            FolderError: another process holds it, or it holds another run or other files.
        """
        with self.writing():
            self.path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDONLY)
        try:
            self._lock(descriptor)
            self._check_owner(config)
            for leftover in self.path.rglob(
                ".*.part"
            ):  # of a process that was killed as it wrote
                leftover.unlink()
            if not self.config.exists():
                with self.writing():
                    write_toml(self.config, config)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def writing(self) -> Generator[None, None, None]:
        """Turns failures to write within the block into one clear error.

        Raises:
            FolderError: the disk is full, or the folder cannot be written.
        """
        try:
            yield
        except (OSError, safetensors.SafetensorError) as error:
            raise FolderError(
                f"{self.path}: expected to write there, got: {error}. Free space or allow "
                "writing, then start the same run again: it goes on after its last epoch."
            ) from error

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderError(
                f"{self.path}: another process is training into this folder now. "
                "Wait for it, or choose another folder."
            ) from error

    def _check_owner(self, config: Mapping[str, Any]) -> None:
        if not self.config.exists():
            others = sorted(item.name for item in self.path.iterdir() if item.suffix != ".part")
            if others:
                raise FolderError(
                    f"{self.path}: expected an empty folder or an earlier run of the same "
                    f"configuration, got other files ({', '.join(others[:3])}). Choose another "
                    "folder."
                )
            return
        there, here = read_toml(self.config), tomllib.loads(tomli_w.dumps(config))
        differing = _differences(there, here)
        if differing:
            raise FolderError(
                f"{self.path}: holds a run of another configuration: "
                f"{'; '.join(differing[:3])}. "
                "Choose another folder, or put these settings back to resume that run."
            )


def _differences(there: object, here: object, where: str = "") -> list[str]:
    """The keys in which two plain values differ, each with both values."""
    if isinstance(there, Mapping) and isinstance(here, Mapping):
        keys = sorted(there.keys() | here.keys())
        return [
            line
            for key in keys
            for line in _differences(
                there.get(key), here.get(key), f"{where}.{key}" if where else key
            )
        ]
    if there == here:
        return []
    return [f"{where} is {_shown(there)} there and {_shown(here)} here"]


def _shown(value: object) -> str:
    return "absent" if value is None else json.dumps(value, default=str)
