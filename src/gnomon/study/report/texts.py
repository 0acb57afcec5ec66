"""Tables as LaTeX (booktabs) and as Markdown."""

import re

from gnomon.study.report.tables import Cell, Table

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
_SAID = "Mean over seeds ± half of Student's 95 % interval; of one seed its own interval."


def latex(table: Table) -> str:
    r"""The table as a `tabular` for the package booktabs; comments name the trials of a line.

    Put it into a document by `\input{FILE}`.
    """
    labels = len(table.labels)
    head = [*table.labels, *table.columns]
    lines = [
        f"% {table.title}. {_SAID}",
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
    return f"**{_plain(table.title)}.** {_SAID}{over}\n\n{body}\n"


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
