"""Defines `gnomon study`: from a question over a grid and many seeds to verdicts."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from gnomon.cli.exits import ending_clearly
from gnomon.cli.options import Device

MANY = 10_000
"""Largest number of trials that are started without the user's agreement."""

_Study = Annotated[
    str,
    typer.Argument(
        metavar="STUDY", help="A study's TOML file, or the name of a shipped study."
    ),
]
_Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Where trials and results go: a folder or a URL; studies/NAME by default.",
    ),
]
_Small = Annotated[
    bool, typer.Option("--small", help="The small form of the study: minutes on two cores.")
]
_Workers = Annotated[
    int | None,
    typer.Option(metavar="N", help="Processes of this machine, through Ray; 1 uses none."),
]
_Cluster = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="An existing Ray cluster, such as auto or HOST:6379."),
]
_Gpus = Annotated[
    float, typer.Option(metavar="SHARE", help="Of a graphics card for each task, such as 0.25.")
]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, in what time and space.")
]
_Yes = Annotated[bool, typer.Option("--yes", help=f"Go on, even with over {MANY:,} trials.")]
_Retry = Annotated[bool, typer.Option("--retry-failed", help="Try failed trials again, too.")]


@ending_clearly
def study(
    study: _Study,
    output: _Output = None,
    small: _Small = False,  # noqa: FBT002 - a flag
    workers: _Workers = None,
    cluster: _Cluster = None,
    gpus: _Gpus = 0.0,
    dry_run: _DryRun = False,  # noqa: FBT002 - a flag
    yes: _Yes = False,  # noqa: FBT002 - a flag
    retry_failed: _Retry = False,  # noqa: FBT002 - a flag
    device: Device = "cpu",
) -> None:
    """Ask a question over a grid and many seeds.

    The same command again goes on where it was stopped; seeds and values that were added since
    are done, and nothing is done twice. Writes results.parquet, report.html, tables/, figures/.
    """
    from gnomon.cli.study_display import StudyDisplay, show_prospect, show_verdicts
    from gnomon.study import TrialStore, count_trials, read_study, run_study, survey
    from gnomon.study.conclusions import conclude
    from gnomon.study.forecast import foresee
    from gnomon.study.shipped import locate

    file = locate(study)
    asked = read_study(file, small=small)
    _ask(count_trials(asked), yes=yes or dry_run)
    engine = _engine(cluster, workers, gpus)
    store = TrialStore(
        output or str(Path("studies") / (f"{file.stem}-small" if small else file.stem))
    )
    if dry_run:
        prospect = survey(asked, store, retry=retry_failed, device=device)
        show_prospect(prospect, foresee(prospect, asked.examine, engine.workers(), device))
        return
    with StudyDisplay() as display:
        remains = run_study(asked, store, engine, display, retry=retry_failed, device=device)
    show_verdicts(conclude(asked, store, remains), remains)


def _ask(trials: int, *, yes: bool) -> None:
    """Refuses a study of more than `MANY` trials without the user's agreement."""
    from gnomon.errors import SettingError

    if trials <= MANY or yes:
        return
    if sys.stdin.isatty() and typer.confirm(f"This study has {trials:,} trials. Go on?"):
        return
    raise SettingError(
        f"study: expected at most {MANY:,} trials, got {trials:,}. Take values off its axes, "
        "or add --yes."
    )


def _engine(cluster: str | None, workers: int | None, gpus: float) -> Any:  # noqa: ANN401 - see Engine
    from gnomon.study.engines import Inline, RayEngine

    if cluster is None and workers in {None, 1}:
        return Inline()
    return RayEngine(cluster, workers, gpus)
