"""The trials of a study as its store keeps them.

study.toml                  what was asked, the last time
trials/ID/                  a run folder, with audit.json and trial.json; whole or absent
failed/ID.json              a trial that failed, and why
quarantine/ID-1/            what lay in trials/ but was damaged
work/ID/                    trials that are being made (of a remote store: in this user's cache)
results.parquet             one row for each trial and finding
report.html, tables/, figures/
"""

import itertools
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from gnomon.files import write_text
from gnomon.study.file_stores import RECORD, FileStore, file_store, writing
from gnomon.study.trial_record import TrialRecord

_JSON = TypeAdapter(TrialRecord)
_LEFT_OUT = ("checkpoints", "events")
"""Folders of a run that a finished trial needs no more."""


@dataclass(frozen=True)
class TrialStore:
    """The trials of one study.

    Attributes:
        address: a path, or a URL such as "s3://bucket/study" or "memory://study".
        files: the files at that address.
    """

    address: str
    files: FileStore = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "files", file_store(self.address))

    def everywhere(self) -> "TrialStore":
        """The store under an address that is right in any working directory."""
        return TrialStore(self.files.everywhere().address)

    def records(self, among: Iterable[str] | None = None) -> Iterator[TrialRecord]:
        """Finished trials, read one at a time; damaged ones go to quarantine.

        Args:
            among: ids, in the order that is wanted; None means all, in the order of their ids.
        """
        sizes: dict[str, dict[str, int]] = {}
        for path, size in self.files.sizes("trials").items():
            trial, _, file = path.partition("/")
            sizes.setdefault(trial, {})[file] = size
        for trial in sorted(sizes) if among is None else among:
            record = self._whole(trial, sizes[trial]) if trial in sizes else None
            if record is not None:
                yield record

    def failures(self) -> dict[str, TrialRecord]:
        """Every failed trial by its id."""
        failures: dict[str, TrialRecord] = {}
        for name in self.files.sizes("failed"):
            try:
                record = _JSON.validate_json(self.files.read(f"failed/{name}"))
            except ValidationError:
                continue
            failures[record.id] = record
        return failures

    def publish(self, folder: Path, record: TrialRecord) -> None:
        """Makes the run in `folder` a finished trial: whole, or not at all; `folder` is gone.

        Raises:
            FolderError: the store cannot be written; `folder` is still there.
        """
        with writing(self.address):
            for name in _LEFT_OUT:
                shutil.rmtree(folder / name, ignore_errors=True)
            (folder / RECORD).unlink(missing_ok=True)
            files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}
            write_text(folder / RECORD, _text(replace(record, files=sizes)))
            self.files.publish(folder, f"trials/{record.id}")
            self.files.remove(f"failed/{record.id}.json")

    def fail(self, record: TrialRecord) -> None:
        """Keeps why a trial failed."""
        with writing(self.address):
            self.files.write(f"failed/{record.id}.json", _text(record))

    def fetch(self, trial: str, folder: Path) -> None:
        """Copies the files of a finished trial into `folder`."""
        with writing(self.address):
            for name in self.files.sizes(f"trials/{trial}"):
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                self.files.get(f"trials/{trial}/{name}", target)

    def write(self, name: str, text: str) -> None:
        """Writes a file of the study itself, such as study.toml."""
        with writing(self.address):
            self.files.write(name, text)

    def put(self, path: Path, name: str) -> None:
        """Copies a file of this machine into the study."""
        with writing(self.address):
            self.files.put(path, name)

    def _whole(self, trial: str, sizes: Mapping[str, int]) -> TrialRecord | None:
        """The record of a trial; None where it is damaged, or was not yet published."""
        if RECORD not in sizes and not self.files.publishes_at_once:
            return None
        try:
            record = _JSON.validate_json(self.files.read(f"trials/{trial}/{RECORD}"))
        except (OSError, ValidationError):
            record = None
        if record is not None and record.id == trial and record.files.items() <= sizes.items():
            return record
        with writing(self.address):
            free = next(
                place
                for number in itertools.count(1)
                if not self.files.sizes(place := f"quarantine/{trial}-{number}")
            )
            self.files.move(f"trials/{trial}", free)
        return None


def _text(record: TrialRecord) -> str:
    return _JSON.dump_json(record, indent=1).decode() + "\n"
