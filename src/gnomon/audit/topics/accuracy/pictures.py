"""Pictures of the accuracy of each class, and of which classes are taken for which."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import Examined, Named, findings_of
from gnomon.report.charts import (
    COLOURS,
    WIDTH,
    Axis,
    Image,
    Mark,
    Panel,
    Text,
    intervals,
    look,
    one,
    percents,
    rows_named,
)
from gnomon.report.picture import Picture
from gnomon.report.prose import file_stem, interval, listed, percent, shortened

FEW = 12
"""Largest number of classes whose counts and names stand in the matrix of confusions."""

_Rows = Sequence[Mapping[str, Any]]


def class_pictures(examined: Examined) -> list[Picture]:
    """The accuracy of each class for all subjects, and the confusions of each subject."""
    named = findings_of(examined, "clean_accuracy")
    if not named:
        return []
    return [accuracy_of_classes(named), *(confusion(*pair) for pair in named)]


def accuracy_of_classes(named: Named) -> Picture:
    """One row per class, from the lowest accuracy of the first subject to the highest."""
    tables: dict[str, _Rows] = {name: each.details["per_class"] for name, each in named}
    first = next(iter(tables.values()))
    order = sorted(
        (index for index, row in enumerate(first) if row["accuracy"] is not None),
        key=lambda index: (first[index]["accuracy"], index),
    )
    marks: list[Mark] = []
    for place, (name, table) in enumerate(tables.items()):
        marks += _marks([table[index] for index in order], place, name)
    lowest = min(row["error"][0] for table in tables.values() for row in table if row["error"])
    left = max(-2.0, 100 * lowest - 2)
    across = Axis(
        "accuracy in %, with 95 % interval", left, 100 + 0.02 * (100 - left), grid=True
    )
    upwards = rows_named(
        Axis(size=9 if len(order) <= FEW else 7.5),
        [shortened(first[index]["name"]) for index in order],
    )
    return Picture(
        key="accuracy-of-classes",
        topic="Classes",
        title="Accuracy of each class",
        chart=one(Panel(marks, across, upwards), 0.9 + len(order) * (0.16 + 0.1 * len(tables))),
        caption=" ".join(_weakest(name, table) for name, table in tables.items()),
        alt="One point with an interval for each class, from the lowest accuracy to the "
        "highest; the values stand in the table of classes.",
        definition="clean-accuracy",
    )


def confusion(name: str, finding: Finding) -> Picture:
    """The confusion matrix: right answers on the diagonal, errors beside it."""
    counts = np.array(finding.details["confusion"])
    names = [row["name"] for row in finding.details["per_class"]]
    few = len(counts) <= FEW
    width = WIDTH if few else 1.5 * WIDTH
    labels = [shortened(label, 12) if few else str(row) for row, label in enumerate(names)]
    kind, size = ("class", 9) if few else ("class (number)", 6.5)
    ticks = list(enumerate(labels))
    panel = Panel(
        [Image(_colours(counts)), *(_written(counts) if few else ())],
        Axis(f"{kind} given by the network", ticks=ticks, angle=90, size=size),
        Axis(f"true {kind}", ticks=ticks, size=size),
    )
    return Picture(
        key=f"confusion-{file_stem(name)}",
        topic="Classes",
        title=f"Confusions of {name}",
        chart=one(panel, min(width * 0.94, 1.6 + 0.45 * len(counts)), width),
        caption=_most_confused(counts, names),
        alt=f"Matrix of {len(counts)} true by {len(counts)} given classes. "
        + _most_confused(counts, names),
        definition="confusion-matrix",
        wide=not few,
    )


def _marks(rows: _Rows, place: int, name: str) -> list[Mark]:
    """One point with its interval for each row; subjects lie a little below one another."""
    heights = [row + 0.22 * place for row in range(len(rows))]
    ends = [(100 * row["error"][0], 100 * row["error"][1]) for row in rows]
    return intervals(
        percents([row["accuracy"] for row in rows]), ends, heights, look(place), name
    )


def _colours(counts: np.ndarray) -> np.ndarray:
    """Red, green, blue and opacity of each cell.

    Opacity grows with the square root of the cell's share of its true class; empty cells are
    transparent.
    """
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    right, wrong = (
        [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)] for colour in COLOURS[:2]
    )
    cells = np.empty((*counts.shape, 4))
    cells[..., :3] = np.where(np.eye(len(counts), dtype=bool)[..., None], right, wrong)
    cells[..., 3] = np.where(counts > 0, 0.12 + 0.75 * shares**0.5, 0)
    return cells


def _written(counts: np.ndarray) -> list[Text]:
    return [
        Text(int(column), int(row), str(counts[row, column]), size=8.5)
        for row, column in zip(*counts.nonzero(), strict=True)
    ]


def _weakest(name: str, table: _Rows) -> str:
    """A sentence on the class whose interval ends lowest: it is weak beyond doubt."""
    rows = [row for row in table if row["accuracy"] is not None]
    worst = min(rows, key=lambda row: row["error"][1])
    if all(row["accuracy"] == 1 for row in rows):
        return f"{name} is right on every example of every class."
    return (
        f"{name} is weakest on “{worst['name']}”: {percent(worst['accuracy'])} "
        f"({interval(worst['error'])}) of its {worst['examples']} examples right."
    )


def _most_confused(counts: np.ndarray, names: Sequence[str]) -> str:
    """The three most frequent errors, in words."""
    errors = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    top = [int(cell) for cell in np.argsort(-errors, axis=None, kind="stable")[:3]]
    pairs = [divmod(cell, len(counts)) for cell in top if errors.flat[cell]]
    if not pairs:
        return "No example is taken for another class."
    confusions = [
        f"“{names[true]}” for “{names[answer]}” ({counts[true, answer]} of {sum(counts[true])})"
        for true, answer in pairs
    ]
    return f"Most often taken: {listed(confusions)}."
