"""Charts: panels of marks with axes, side by side; data that anything can draw."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gnomon.report.charts.look import Look, Number
from gnomon.report.charts.marks import Area, Contours, Curve, Image, Mark, Text, numbers

WIDTH = 4.8
"""Width of a chart that fills a phone, in inches: 10 pt text is then about 10 px there."""


@dataclass(frozen=True)
class Axis:
    """One axis of a panel.

    Attributes:
        label: what is measured, with its unit.
        low: where it begins; None leaves that to the marks.
        high: where it ends; None leaves that to the marks.
        log: equal ratios are equally long.
        linear_below: makes a logarithmic axis linear below this value, so that it can show 0.
        ticks: places with their words; or the largest number of ticks; None leaves them free.
        integer: puts ticks at integers only.
        grid: draws a thin line at each tick.
        reversed: the largest value comes first.
        angle: by which the words of ticks are turned, in degrees.
        hidden: shows neither ticks nor a line.
        size: of the ticks' words, in points.
    """

    label: str = ""
    low: Number | None = None
    high: Number | None = None
    log: bool = False
    linear_below: Number | None = None
    ticks: Sequence[tuple[Number, str]] | int | None = None
    integer: bool = False
    grid: bool = False
    reversed: bool = False
    angle: int = 0
    hidden: bool = False
    size: Number | None = None


ACCURACY = Axis("accuracy in %", low=-2, high=102, grid=True)
"""Axis of accuracies."""


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes.

    Attributes:
        marks: in the order in which they are drawn; the last lies on top.
        x: the axis across.
        y: the axis upwards.
        title: above the panel; smaller where there are no axes.
        accent: the colour of a title that is to be noticed.
        side: words at the left of the panel, in place of the axis' label.
        bare: draws no axes.
        framed: draws a thin frame instead of axes.
        equal: makes a unit equally long across and upwards.
        legend: names its marks inside the panel instead of below the chart.
        empty: a sentence in place of a panel whose axis can show none of its marks.
    """

    marks: Sequence[Mark]
    x: Axis = Axis()
    y: Axis = Axis()
    title: str = ""
    accent: str = ""
    side: str = ""
    bare: bool = False
    framed: bool = False
    equal: bool = False
    legend: bool = False
    empty: str = ""

    @property
    def shows(self) -> bool:
        """True if a value can be drawn; a logarithmic axis shows what is above zero."""
        curves = [mark for mark in self.marks if isinstance(mark, Curve)]
        if not (self.y.log and curves):
            return bool(self.marks)
        least = -math.inf if self.y.linear_below else 0.0
        return any((numbers(curve.y) > least).any() for curve in curves)


@dataclass(frozen=True)
class ColourBar:
    """The colours of all panels with numbers: below them, once.

    Attributes:
        label: what is measured, with its unit.
        ticks: places with their words.
    """

    label: str
    ticks: Sequence[tuple[Number, str]] = ()


@dataclass(frozen=True, eq=False)
class Chart:
    """Rows of panels, and below them one legend of all marks with labels.

    Attributes:
        rows: panels from left to right; None leaves a place empty. Rows may differ in length.
        height: in inches.
        width: in inches.
        share_x: gives all panels one axis across, named below the last row.
        share_y: gives the panels of "rows" or "all" panels one axis upwards, named at the left.
        heights: of the rows, relative to one another.
        legend: further entries of the legend, such as what dashes mean.
        legend_columns: at most so many entries stand side by side.
        bar: the colour bar.
        x_label: below all panels.
        y_label: at the left of all panels.
    """

    rows: Sequence[Sequence[Panel | None]]
    height: Number
    width: Number = WIDTH
    share_x: bool = False
    share_y: str = ""
    heights: Sequence[Number] | None = None
    legend: Sequence[tuple[str, Look]] = ()
    legend_columns: int = 2
    bar: ColourBar | None = None
    x_label: str = ""
    y_label: str = ""

    @property
    def panels(self) -> list[Panel]:
        """The panels, row by row."""
        return [panel for row in self.rows for panel in row if panel is not None]

    @property
    def labels(self) -> list[str]:
        """The entries of the legend below the chart; none where one would stand alone."""
        marks = [mark for panel in self.panels if not panel.legend for mark in panel.marks]
        labels = [label for mark in marks if (label := label_of(mark))]
        entries = list(dict.fromkeys([*labels, *(label for label, _ in self.legend)]))
        return entries if len(entries) > 1 else []


def label_of(mark: Mark) -> str:
    """The mark's entry in the legend; empty for none."""
    return "" if isinstance(mark, Image | Area | Contours | Text) else mark.label


def in_rows(panels: Iterable[Panel], columns: int) -> list[list[Panel | None]]:
    """The panels in rows of that many columns; places of the last row may stay empty.

    >>> [len(row) for row in in_rows([Panel([])] * 5, 3)]
    [3, 3]
    """
    cells: list[Panel | None] = list(panels)
    cells += [None] * (-len(cells) % columns)
    return [cells[start : start + columns] for start in range(0, len(cells), columns)]


def one(panel: Panel, height: Number, width: Number = WIDTH, legend_columns: int = 2) -> Chart:
    """A chart of one panel."""
    return Chart([[panel]], height, width, legend_columns=legend_columns)


def rows_named(axis: Axis, names: Sequence[str]) -> Axis:
    """The axis with a name at each of 0, 1, 2, …, the first at the top."""
    return replace(
        axis,
        ticks=list(enumerate(names)),
        low=-0.6,
        high=len(names) - 0.4,
        reversed=True,
    )
