"""What a trial leaves behind, apart from its network: a record that becomes rows of a table."""

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, cast

import gnomon
from gnomon.audit import Audit, Finding
from gnomon.errors import SettingError, nearest

Status = Literal["finished", "failed"]


@dataclass(frozen=True)
class Row:
    """One figure of one trial.

    Attributes:
        finding: the title of the finding, or of a number in one of its details.
        probe: the topic.
        value: the figure; None where the trial has none.
        low: lower end of the finding's own 95 % interval over the test examples, if it has one.
        high: the upper end.
        unit: of all three.
    """

    finding: str
    probe: str
    value: float | None
    low: float | None
    high: float | None
    unit: str


@dataclass(frozen=True)
class TrialRecord:
    """The content of a trial's trial.json.

    Attributes:
        id: the trial's.
        seed: the trial's.
        status: what became of it.
        reason: the same in a sentence.
        examination: fingerprint of what was asked of the network.
        code: of the version that trained and examined it: see `code_version`.
        training: seconds it took; a share of them, where many trained together.
        examining: seconds.
        rows: what was found.
        files: the size of each file beside trial.json, in bytes, by its path in the folder.
    """

    id: str
    seed: int
    status: Status
    reason: str
    examination: str
    code: str
    training: float
    examining: float
    rows: tuple[Row, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """What it took in all."""
        return self.training + self.examining

    @property
    def size(self) -> int:
        """The bytes of its files."""
        return sum(self.files.values())


@functools.cache
def code_version() -> str:
    """The version of Gnomon, and a fingerprint of its source: "0.1.0+3f2a9c01"."""
    root = Path(gnomon.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        digest.update(str(file.relative_to(root)).encode())
        digest.update(file.read_bytes())
    return f"{version('gnomon')}+{digest.hexdigest()[:8]}"


def rows_of(audit: Audit, details: Sequence[str] = ()) -> tuple[Row, ...]:
    """The findings of an audit as rows, with the numbers within their details that are named.

    Args:
        audit: of one network.
        details: such as "frobenius_norm/layers/*/frobenius_norm": the title of a finding, and
            the way to a number within its details; a star stands for every key of a table, or
            every place of a list.

    Raises:
        SettingError: a finding has no such detail, or it is no number.
    """
    rows: list[Row] = []
    for finding in audit.findings:
        low, high = finding.error or (None, None)
        rows.append(Row(finding.title, finding.probe, finding.value, low, high, finding.unit))
    for detail in details:
        title, *way = detail.split("/")
        found = [each for each in audit.findings if each.title == title]
        if not found:
            titles = [each.title for each in audit.findings]
            raise SettingError(
                f"details: {detail}: there is no finding {title!r}.{nearest(title, titles)}"
            )
        rows += [row for each in found if not each.absent for row in _within(each, way)]
    return tuple(rows)


def _within(finding: Finding, way: Sequence[str]) -> Iterator[Row]:
    """One row for each number at the end of the way."""
    for passed, value in _followed(finding.details, way, finding.title):
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float)
        ):
            raise SettingError(
                f"details: {passed}: expected a number there, got {type(value).__name__}. "
                "Name another detail, or go further with /*."
            )
        yield Row(
            passed, finding.probe, None if value is None else float(value), None, None, ""
        )


def _followed(place: object, way: Sequence[str], passed: str) -> Iterator[tuple[str, object]]:
    """What lies at the end of the way through tables and lists, and the way taken."""
    if not way:
        yield passed, place
        return
    key, *rest = way
    if is_dataclass(place):
        place = vars(place)
    if isinstance(place, list | tuple):
        items = {str(index): item for index, item in enumerate(cast("list[object]", place))}
    else:
        items = cast("Mapping[str, object]", place) if isinstance(place, Mapping) else {}
    if key != "*" and key not in items:
        raise SettingError(f"details: {passed} has no part {key!r}.{nearest(key, items)}")
    for name in items if key == "*" else (key,):
        yield from _followed(items[name], rest, f"{passed}/{name}")
