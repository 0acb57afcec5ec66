"""Tables of numbers, as LaTeX (booktabs) and as Markdown."""

import re
from dataclasses import dataclass

_LATEX = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "∞": r"$\infty$",
    "ρ": r"$\rho$",
    "ε": r"$\varepsilon$",
    "λ": r"$\lambda$",
    "≤": r"$\le$",
    "×": r"$\times$",
    "²": r"$^2$",
    "…": r"\dots{}",
}


@dataclass(frozen=True)
class Cell:
    """One number of a table.

    Attributes:
        text: the number with its error; "none" where there is no value.
        detail: a remark on where it comes from, for the mouse over it.
        setting: number of its setting in the list of trials.
        trials: ids of the trials that it comes from.
    """

    text: str
    detail: str
    setting: int
    trials: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One row: its labels, and a cell for each column; None where there is no trial."""

    labels: tuple[str, ...]
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Table:
    """A table of numbers, as every format shows it.

    Attributes:
        key: the stem of its file names.
        title: a caption without a full stop.
        note: a sentence on what the numbers are.
        labels: headings of the labels of the lines.
        over: the axis whose values the columns are; empty where they are named.
        columns: headings of the cells.
        lines: the rows.
        findings: titles of the findings that it shows.
    """

    key: str
    title: str
    note: str
    labels: tuple[str, ...]
    over: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    findings: tuple[str, ...]


def latex(table: Table) -> str:
    r"""The table as a `tabular` for the package booktabs; comments name the trials of a line.

    Put it into a document by `\input{FILE}`.
    """
    labels = len(table.labels)
    head = [*table.labels, *table.columns]
    lines = [
        f"% {table.title}. {table.note}",
        rf"\begin{{tabular}}{{{'l' * labels}{'r' * len(table.columns)}}}",
        r"\toprule",
    ]
    if table.over:
        wide, over = len(table.columns), _escape(table.over)
        lines += [
            rf"{'& ' * labels}\multicolumn{{{wide}}}{{c}}{{{over}}} \\",
            rf"\cmidrule(l){{{labels + 1}-{len(head)}}}",
        ]
    lines += [_row(head), r"\midrule"]
    for line in table.lines:
        trials = " ".join(t for cell in line.cells if cell for t in cell.trials)
        lines += [f"% trials: {trials}", _row([*line.labels, *map(_text, line.cells)])]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def markdown(table: Table) -> str:
    """The table in Markdown, under its title."""
    head = [*table.labels, *table.columns]
    rule = ["---"] * len(table.labels) + ["---:"] * len(table.columns)
    over = f" The columns are values of {table.over}." if table.over else ""
    rows = [head, rule, *([*line.labels, *map(_text, line.cells)] for line in table.lines)]
    body = "\n".join("| " + " | ".join(map(_plain, row)) + " |" for row in rows)
    return f"**{_plain(table.title)}.** {table.note}{over}\n\n{body}\n"


def _row(cells: list[str]) -> str:
    return " & ".join(map(_escape, cells)) + r" \\"


def _text(cell: Cell | None) -> str:
    return cell.text if cell else "–"


def _escape(text: str) -> str:
    shown = "".join(_LATEX.get(sign, sign) for sign in text)
    return re.sub(r"\)e(\$-\$)?(\d+)$", _power, shown)


def _power(found: re.Match[str]) -> str:
    """The exponent behind a bracket: (1.2 ± 0.1)e8."""
    sign = "-" if found[1] else ""
    return rf")$\times 10^{{{sign}{found[2]}}}$"


def _plain(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")
