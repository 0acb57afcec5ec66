"""A page of results: figures, tables and the trials behind them, with the files beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

import gnomon
from gnomon.files import replacing, write_text
from gnomon.report.charts.draw_matplotlib import house_style
from gnomon.report.definition import Definition
from gnomon.report.page import render_page
from gnomon.report.picture import Picture
from gnomon.report.tables import Table, latex, markdown

INTERVAL = Definition(
    "interval",
    "Interval",
    "Student's 95 % interval for the mean over seeds: x̄ ± t · s / √n, with s the standard "
    "deviation over n seeds and t the 97.5 % quantile with n − 1 degrees of freedom. A "
    "seed decides weights, data and order, so that the interval speaks of other seeds. In "
    "a table, 12.3 ± 0.4 are the mean and half of the interval. A single network has the "
    "interval that its audit gave it, which speaks of other test examples.",
    ("student1908",),
)
"""The entry of the glossary to which every table refers."""
_FEW_TABLES = 6
"""Maximum number of tables that all stand open on the page."""


@dataclass(frozen=True)
class Heading:
    """The text at the top of a page.

    Attributes:
        title: of the page.
        question: that it answers.
        notes: paragraphs below it, such as what failed.
        kicker: the kind of report.
    """

    title: str
    question: str = ""
    notes: tuple[str, ...] = ()
    kicker: str = "Study"


@dataclass(frozen=True)
class SettingTrials:
    """One setting of the axes and its trials.

    Attributes:
        values: of the axes, in words.
        trials: seed and id of each.
    """

    values: tuple[str, ...]
    trials: tuple[tuple[int, str], ...]


@dataclass(frozen=True, eq=False)
class ResultsPage:
    """The content of a page of results.

    Attributes:
        heading: title, question and notes.
        about: the number of trials, settings and seeds, in a line.
        tables: each number leads to the trials of its setting.
        axes: keys of the axes.
        settings: with their trials, in the order of the cells' numbers.
        versions: the version of Gnomon that made the trials, or several.
        overview: figures above the tables.
        glossary: the terms that the page uses.
        foremost: findings whose tables stand open where there are many.
    """

    heading: Heading
    about: str
    tables: Sequence[Table]
    axes: Sequence[str]
    settings: Sequence[SettingTrials]
    versions: str
    overview: Sequence[Picture]
    glossary: Sequence[Definition]
    foremost: frozenset[str] = frozenset()

    @property
    def open_tables(self) -> list[Table]:
        """The tables of the foremost findings, or all tables if they are few."""
        if len(self.tables) <= _FEW_TABLES:
            return list(self.tables)
        return [table for table in self.tables if self.foremost & set(table.findings)]

    @property
    def folded_tables(self) -> list[Table]:
        """The other tables."""
        return [table for table in self.tables if table not in self.open_tables]

    def term(self, picture: Picture) -> str:
        """The term of the glossary that defines what the picture shows."""
        return next(term.term for term in self.glossary if term.key == picture.definition)


def write_results_page(
    folder: Path,
    page: ResultsPage,
    package: str = "gnomon.report",
    name: str = "results_page",
    pictures: Sequence[Picture] = (),
    filters: Mapping[str, Callable[..., str]] = {},
    **values: Any,  # noqa: ANN401 - what the template shows
) -> Path:
    """Writes a page of results and the files beside it; returns the path of the page.

    In the folder: `report.html`, which loads nothing; `tables/`, as LaTeX (booktabs) and
    Markdown; `figures/`, as PDF, SVG and PNG. The page comes last, so that where it is, the
    rest is whole.

    Args:
        folder: is made where it is not there.
        page: what it shows.
        package: holds the template.
        name: of the template, which may extend "results_page.html.j2".
        pictures: further ones, which that template shows.
        filters: of that template.
        values: further ones, by the names that that template uses.
    """
    pictures = [*page.overview, *pictures]
    for table in page.tables:
        write_text(folder / "tables" / f"{table.key}.tex", latex(table))
        write_text(folder / "tables" / f"{table.key}.md", markdown(table))
    for picture in pictures:
        picture.save(folder / "figures")
        _save_pdf(picture, folder / "figures")
    values |= {"version": gnomon.__version__, "page": page, "figures": bool(pictures)}
    write_text(folder / "report.html", render_page(package, name, filters, **values))
    return folder / "report.html"


def _save_pdf(picture: Picture, folder: Path) -> None:
    """Writes KEY.pdf with its fonts, without a date."""
    with (
        house_style(),
        mpl.rc_context({"pdf.fonttype": 42}),
        replacing(folder / f"{picture.key}.pdf") as temporary,
    ):
        picture.figure.savefig(
            temporary,
            format="pdf",
            metadata={"CreationDate": None, "Creator": None, "Producer": None},
        )
