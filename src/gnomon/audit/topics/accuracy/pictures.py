"""Which classes are right, and which are taken for which."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.report.picture import (
    COLOURS,
    INK,
    MARKERS,
    WIDTH,
    Picture,
    house_style,
    new_figure,
)
from gnomon.report.prose import file_stem, interval, listed, percent, shortened

FEW = 12
"""Up to so many classes the matrix carries its counts and the classes' names."""


def accuracy_of_classes(audits: Sequence[Audit]) -> Picture:
    """One row per class, from the lowest accuracy of the first subject to the highest."""
    tables = [_clean(audit).details["per_class"] for audit in audits]
    order = sorted(
        (index for index, row in enumerate(tables[0]) if row["accuracy"] is not None),
        key=lambda index: (tables[0][index]["accuracy"], index),
    )
    with house_style():
        figure = new_figure(0.9 + len(order) * (0.16 + 0.1 * len(audits)))
        axes = figure.subplots()
        for position, (audit, table) in enumerate(zip(audits, tables, strict=True)):
            _draw_rows(axes, [table[index] for index in order], position, audit.name)
        names = [shortened(tables[0][index]["name"]) for index in order]
        axes.set_yticks(range(len(order)), names, fontsize=9 if len(order) <= FEW else 7.5)
        axes.set_ylim(len(order) - 0.4, -0.6)
        axes.set_xlabel("accuracy in %, with 95 % interval")
        left = max(axes.get_xlim()[0], -2.0)
        axes.set_xlim(left, 100 + 0.02 * (100 - left))
        axes.grid(axis="x")
        axes.tick_params(axis="y", length=0)
        if len(audits) > 1:
            figure.legend(loc="outside lower center", ncols=2)
    return Picture(
        key="accuracy-of-classes",
        topic="Classes",
        title="Accuracy of each class",
        figure=figure,
        caption=" ".join(
            _lowest(audit, table) for audit, table in zip(audits, tables, strict=True)
        ),
        alt="One point with an interval for each class, from the lowest accuracy to the "
        "highest; the values stand in the table of classes.",
        definition="clean-accuracy",
    )


def confusion(audit: Audit) -> Picture:
    """The confusion matrix: right answers on the diagonal, errors beside it."""
    finding = _clean(audit)
    counts = finding.details["confusion"]
    names = [row["name"] for row in finding.details["per_class"]]
    few = len(counts) <= FEW
    kind = "class" if few else "class (number)"
    width = WIDTH if few else 1.5 * WIDTH
    with house_style():
        figure = new_figure(min(width * 0.94, 1.6 + 0.45 * len(counts)), width)
        axes = figure.subplots()
        _draw_cells(axes, counts)
        if few:
            _write_counts(axes, counts)
        labels = (
            [shortened(name, 12) for name in names]
            if few
            else [str(index) for index in range(len(names))]
        )
        size = 9 if few else 6.5
        axes.set_xticks(range(len(names)), labels, rotation=90, fontsize=size)
        axes.set_yticks(range(len(names)), labels, fontsize=size)
        axes.set_xlabel(f"{kind} given by the network")
        axes.set_ylabel(f"true {kind}")
    return Picture(
        key=f"confusion-{file_stem(audit.name)}",
        topic="Classes",
        title=f"Confusions of {audit.name}",
        figure=figure,
        caption=_most_confused(counts, names),
        alt=f"Matrix of {len(counts)} true by {len(counts)} given classes. "
        + _most_confused(counts, names),
        definition="confusion-matrix",
        wide=not few,
    )


def _draw_rows(axes: Axes, rows: list[dict[str, Any]], position: int, name: str) -> None:
    shift = 0.22 * position
    values = [100 * row["accuracy"] for row in rows]
    below = [value - 100 * row["error"][0] for value, row in zip(values, rows, strict=True)]
    above = [100 * row["error"][1] - value for value, row in zip(values, rows, strict=True)]
    axes.errorbar(
        values,
        [place + shift for place in range(len(rows))],
        xerr=[below, above],
        fmt=MARKERS[position % 8],
        color=COLOURS[position % 8],
        markersize=5,
        elinewidth=1.2,
        label=name,
    )


def _draw_cells(axes: Axes, counts: list[list[int]]) -> None:
    """Cells as dark as the square root of their share of the true class."""
    cells: list[Rectangle] = []
    colours: list[tuple[float, float, float, float]] = []
    for true, row in enumerate(counts):
        for given, count in enumerate(row):
            if count:
                share = (count / sum(row)) ** 0.5
                cells.append(Rectangle((given - 0.5, true - 0.5), 1, 1))
                colours.append(to_rgba(COLOURS[true != given], alpha=0.12 + 0.75 * share))
    axes.add_collection(PatchCollection(cells, facecolors=colours, edgecolors="none"))
    axes.set_xlim(-0.5, len(counts) - 0.5)
    axes.set_ylim(len(counts) - 0.5, -0.5)
    axes.tick_params(length=0)


def _write_counts(axes: Axes, counts: list[list[int]]) -> None:
    for true, row in enumerate(counts):
        for given, count in enumerate(row):
            if count:
                axes.text(
                    given, true, str(count), ha="center", va="center", fontsize=8.5, color=INK
                )


def _clean(audit: Audit) -> Finding:
    return next(each for each in audit.findings if each.name == "clean_accuracy")


def _lowest(audit: Audit, table: list[dict[str, Any]]) -> str:
    """The class that is weak beyond doubt: the one whose interval ends lowest."""
    rows = [row for row in table if row["accuracy"] is not None]
    worst = min(rows, key=lambda row: row["error"][1])
    if all(row["accuracy"] == 1 for row in rows):
        return f"{audit.name} is right on every example of every class."
    return (
        f"{audit.name} is weakest on “{worst['name']}”: {percent(worst['accuracy'])} "
        f"({interval(worst['error'])}) of its {worst['examples']} examples right."
    )


def _most_confused(counts: list[list[int]], names: list[str]) -> str:
    """The three most frequent errors, in words."""
    errors = [
        (count, true, given)
        for true, row in enumerate(counts)
        for given, count in enumerate(row)
        if count and true != given
    ]
    if not errors:
        return "No example is taken for another class."
    top = sorted(errors, key=lambda error: (-error[0], *error[1:]))[:3]
    said = [
        f"“{names[true]}” for “{names[given]}” ({count} of {sum(counts[true])})"
        for count, true, given in top
    ]
    return f"Most often taken: {listed(said)}."
