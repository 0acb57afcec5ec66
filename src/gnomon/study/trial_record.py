"""The record that a trial leaves beside its network, which becomes rows of the results."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from typing import Literal, cast

from gnomon.audit import Audit, Finding
from gnomon.errors import SettingError, nearest

Status = Literal["finished", "failed"]


@dataclass(frozen=True)
class ResultRow:
    """A number that one trial gave.

    Attributes:
        finding: title of the finding, or of a number in one of its details.
        probe: name of the probe.
        value: the number; None where the trial has none.
        low: lower end of the finding's own 95 % interval over the test examples, if it has one.
        high: upper end.
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
        id: id of the trial.
        seed: seed of the trial.
        status: whether it finished or failed.
        reason: the same in a sentence.
        examination: fingerprint of the examination that the study asked for.
        code: version of the code that trained and examined it: see `code_version`.
        training: seconds of training; a share of them, where many trained together.
        examining: seconds of examination.
        rows: the numbers that the examination gave.
        files: sizes of the files beside trial.json, in bytes, by their paths in the folder.
    """

    id: str
    seed: int
    status: Status
    reason: str
    examination: str
    code: str
    training: float
    examining: float
    rows: tuple[ResultRow, ...] = ()
    files: Mapping[str, int] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Seconds of training and examination together."""
        return self.training + self.examining

    @property
    def size(self) -> int:
        """The size of its files, in bytes."""
        return sum(self.files.values())


def rows_of(audit: Audit, details: Sequence[str] = ()) -> tuple[ResultRow, ...]:
    """The findings of an audit as rows, with the numbers within their details that are named.

    Args:
        audit: of one network.
        details: such as "frobenius_norm/layers/*/frobenius_norm": the title of a finding, and
            the way to a number within its details; a star stands for every key of a table, or
            every place of a list.

    Raises:
        SettingError: a finding has no such detail, or it is no number.
    """
    rows: list[ResultRow] = []
    for finding in audit.findings:
        low, high = finding.error or (None, None)
        row = ResultRow(finding.title, finding.probe, finding.value, low, high, finding.unit)
        rows.append(row)
    for detail in details:
        title, *way = detail.split("/")
        findings = [finding for finding in audit.findings if finding.title == title]
        if not findings:
            titles = [finding.title for finding in audit.findings]
            raise SettingError(
                f"details: {detail}: there is no finding {title!r}.{nearest(title, titles)}"
            )
        for finding in findings:
            rows += [] if finding.absent else _within(finding, way)
    return tuple(rows)


def _within(finding: Finding, way: Sequence[str]) -> Iterator[ResultRow]:
    """Yields a row for each number at the end of the way."""
    for passed, value in _followed(finding.details, way, finding.title):
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int | float)
        ):
            raise SettingError(
                f"details: {passed}: expected a number there, got {type(value).__name__}. "
                "Name another detail, or go further with /*."
            )
        yield ResultRow(
            passed, finding.probe, None if value is None else float(value), None, None, ""
        )


def _followed(place: object, way: Sequence[str], passed: str) -> Iterator[tuple[str, object]]:
    """Every value at the end of the way through tables and lists, after the way taken to it."""
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
