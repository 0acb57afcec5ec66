"""Puts verdicts of studies into the gallery: python docs/study_verdicts.py FOLDER.

FOLDER holds a folder for each shipped study, as `gnomon study NAME --small -o FOLDER/NAME`
leaves it. In studies.md the lines between `% verdicts NAME` and `% end` are replaced, and one
figure of each study is copied to _static/studies/.
"""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gnomon.report.numbers import number, p_value
from gnomon.study import Results, Verdict, judge, read_study
from gnomon.study.report.labels import effect
from gnomon.study.shipped import shipped_studies

PAGE = Path(__file__).parent / "studies.md"
FIGURES = Path(__file__).parent / "_static" / "studies"
SHOWN = {
    "fast-at": "claim-1-*.png",
    "spiral-norms": "claim-1-*.png",
    "spiral-eigenvalues": "claim-2-*.png",
    "spiral-mapping": "claim-1-*.png",
    "spiral-noise": "claim-6-*.png",
    "spiral-adversarial": "claim-5-*.png",
    "spiral-size": "claim-5-*.png",
    "spiral-codimension": "claim-1-*.png",
    "image-activations": "claim-3-*.png",
}


def main(folder: Path) -> None:
    """Replaces all tables and figures whose studies are there."""
    page = PAGE.read_text(encoding="utf-8")
    for name, file in shipped_studies().items():
        results = folder / name / "results.parquet"
        if not results.is_file():
            print(f"{name}: nothing in {results}, left as it is")
            continue
        study = read_study(file, small=True)
        axes = tuple(key for axis in study.axes for key in axis.varied)
        verdicts = judge(Results(pd.read_parquet(results), axes), study.hypotheses)
        before, _, rest = page.partition(f"% verdicts {name}\n")
        after = rest.partition("% end")[2]
        page = f"{before}% verdicts {name}\n\n{table(verdicts)}\n\n% end{after}"
        if name in SHOWN:  # the others have a page of their own
            (figure,) = (folder / name / "figures").glob(SHOWN[name])
            FIGURES.mkdir(exist_ok=True)
            shutil.copy(figure, FIGURES / f"{name}.png")
    PAGE.write_text(page, encoding="utf-8")


def table(verdicts: Sequence[Verdict]) -> str:
    """A Markdown table, a row for each verdict."""
    rows = [
        "| claim | for | verdict | effect (95 % interval) | corrected p |",
        "|---|---|---|---|---|",
    ]
    before = None
    for verdict in verdicts:
        claim = "" if verdict.hypothesis is before else verdict.hypothesis.title
        before = verdict.hypothesis
        found = verdict.reason
        if verdict.effects:
            found = effect(verdict.effects[0]).replace("Spearman's ρ", "").replace("  ", " ")
            if "ρ" in verdict.effects[0].name:
                found = f"ρ {found}; change {number(verdict.effects[1].value)}"
        p = p_value(verdict.decisive.corrected) if verdict.decisive else "–"
        answer = f"**{verdict.answer}**" if verdict.answer != "undecided" else verdict.answer
        cells = [
            claim,
            verdict.condition,
            f"{answer}, {verdict.seeds} seed{'s' * (verdict.seeds != 1)}",
            found,
            p,
        ]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} FOLDER")
    main(Path(sys.argv[1]))
