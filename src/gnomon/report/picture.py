"""A figure with the sentence that says what to see in it, and how it is drawn and saved."""

import io
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Protocol, runtime_checkable

from matplotlib.figure import Figure

from gnomon.files import replacing, write_text
from gnomon.report.charts import INK, Chart
from gnomon.report.charts.draw_matplotlib import draw_matplotlib, house_style

_ADAPTS = (
    "<style>svg{color:#1d2129}@media (prefers-color-scheme:dark){svg{color:#e8eaed}}</style>"
)


@runtime_checkable
class Doubted(Protocol):
    """A reason to distrust what a picture shows, as the audit gives it."""

    @property
    def kind(self) -> StrEnum:
        """The kind of reason, in a few words."""
        ...

    @property
    def message(self) -> str:
        """A sentence that says what was seen, and what that means for the figure."""
        ...


@dataclass(frozen=True, eq=False)
class Picture:
    """One figure of a report.

    Attributes:
        key: the stem of its file names, and its anchor.
        topic: the section it belongs to.
        title: what it shows, in a few words.
        chart: what is drawn.
        caption: one sentence that says what to see, with its numbers.
        alt: what a reader who cannot see it has to know.
        definition: the term of the glossary that defines what is shown.
        doubts: reasons to distrust it.
        wide: whether it needs the whole width of the page.
    """

    key: str
    topic: str
    title: str
    chart: Chart
    caption: str
    alt: str
    definition: str
    doubts: tuple[Doubted, ...] = ()
    wide: bool = False

    @cached_property
    def figure(self) -> Figure:
        """The chart as Matplotlib draws it."""
        return draw_matplotlib(self.chart)

    @cached_property
    def svg(self) -> str:
        """The figure as SVG for a page: its ink is the page's, its text is text.

        The same figure gives the same text, and its ids are unique among figures of other keys.
        The figure keeps the layout that was found for it: to find it again for another file
        takes as long as drawing it.
        """
        buffer = io.StringIO()
        with house_style():
            self.figure.savefig(
                buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
            )
        self.figure.set_layout_engine("none")
        return _for_a_page(buffer.getvalue(), self.key, self.alt)

    def save(self, folder: Path) -> None:
        """Writes KEY.svg, which adapts to light and dark, and KEY.png on white."""
        start, rest = self.svg.split(">", 1)
        write_text(folder / f"{self.key}.svg", f"{start}>{_ADAPTS}{rest}\n")
        with house_style(), replacing(folder / f"{self.key}.png") as temporary:
            self.figure.savefig(
                temporary, format="png", dpi=200, facecolor="white", metadata={"Software": None}
            )


def _for_a_page(svg: str, key: str, alt: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{key}-", svg)
    svg = svg.replace(INK, "currentColor")
    svg = re.sub(r"'DejaVu Sans'[^;\"]*?sans-serif", "system-ui, sans-serif", svg)
    box = re.search(r'viewBox="[^"]*"', svg)
    assert box is not None
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'{box[0]} role="img" aria-label="{_escape(alt)}"'
    )
    return re.sub(r"<svg[^>]*", lambda _: head, svg, count=1).strip()


def _escape(text: str) -> str:
    return (
        text.replace("&", "&amp;")
        .replace('"', "&quot;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
    )
