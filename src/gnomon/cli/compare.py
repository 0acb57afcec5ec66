"""Defines `gnomon compare`: from a few audits to one page with their figures side by side."""

from pathlib import Path
from typing import Annotated

import typer

from gnomon.cli.exits import ending_clearly

_Runs = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN...", help="Audited run folders, folders of reports, or audit.json files."
    ),
]
_Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where the report is written.")
]


@ending_clearly
def compare(runs: _Runs, output: _Output = Path("comparison")) -> None:
    """Compare a few audited networks: figures first, then tables.

    Writes report.html, figures/ and tables/ (LaTeX and Markdown). Many runs over seeds and
    settings are better asked as a study.
    """
    from dataclasses import replace

    from gnomon.audit import read_json
    from gnomon.audit.report.comparison import compare_audits
    from gnomon.cli.display import say

    audits = [read_json(_audit_of(run)) for run in runs]
    names = [audit.name for audit in audits]
    if len(set(names)) < len(names):  # networks of one name are told apart by their paths
        audits = [
            replace(audit, subject={**audit.subject, "name": str(run)})
            for run, audit in zip(runs, audits, strict=True)
        ]
    say(f"report: {compare_audits(output, audits)}")


def _audit_of(run: Path) -> Path:
    """The audit.json of a run folder, of a report's folder, or at a path.

    Raises:
        FolderError: it does not exist.
    """
    from gnomon.errors import FolderError

    if run.is_file():
        return run
    for path in (run / "audit" / "audit.json", run / "audit.json"):
        if path.is_file():
            return path
    raise FolderError(
        f"{run}: expected a folder with an audit, got none. Make one: gnomon audit {run}"
    )
