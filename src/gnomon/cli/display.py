"""Shows progress on standard error, and findings on standard output."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from gnomon.audit import Audit
from gnomon.training import EpochProgress, EpochRow, Plan, RunFacts
from gnomon.training.recorder import EVENTS_ARE_WRITTEN

_CONSOLE = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


_SPEAKS = os.environ.get("RANK", "0") == "0"
"""True in the first of several processes under torchrun, the only one that prints."""


def say(text: str) -> None:
    """Prints one line on standard error."""
    if _SPEAKS:
        _CONSOLE.print(text)


def show_findings(audit: Audit) -> None:
    """Prints the findings on standard output, one line each: name, value, 95 % interval."""
    for finding in audit.findings:
        interval = ""
        if finding.error is not None:
            interval = f"  [{finding.error[0]:.4f}, {finding.error[1]:.4f}]"
        figure = "none" if finding.value is None else f"{finding.value:.4f}"
        absent = f"  ({finding.absent})" if finding.absent else ""
        print(f"{finding.title} = {figure}{interval}{absent}")


def progress_bars() -> Progress:
    """Progress bars, without tasks yet: counts, each task's text under `figures`, and times."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[figures]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=_CONSOLE,
        disable=not _SPEAKS,
    )


class TrainingDisplay:
    """Shows two progress bars (epochs, batches of the epoch): loss, accuracy and time left.

    Args:
        each_epoch: whether to print a line after every epoch, too.
    """

    def __init__(self, *, each_epoch: bool = True) -> None:
        self._each_epoch = each_epoch
        self._progress = progress_bars()
        self._epochs = self._progress.add_task("epochs", figures="", start=False)
        self._batches = self._progress.add_task("batches", figures="", start=False)

    def __enter__(self) -> "TrainingDisplay":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def started(self, _: int, plan: Plan) -> None:
        """Sets the bars to the planned epochs, and to those an earlier process has done."""
        resumed = f", resumed after epoch {plan.epochs_done}" if plan.epochs_done else ""
        say(f"{plan.parameters:,} parameters on {plan.device}{resumed}")
        if not EVENTS_ARE_WRITTEN:
            say("no events/: TensorBoard is not installed (pip install gnomon[tensorboard])")
        self._progress.update(self._epochs, total=plan.epochs, completed=plan.epochs_done)
        self._progress.update(self._batches, total=plan.batches)
        for task in (self._epochs, self._batches):
            self._progress.start_task(task)

    def batch(self, progress: EpochProgress) -> None:
        """Moves the bar of the current epoch."""
        figures = f"loss {progress.loss:.4f}  accuracy {progress.accuracy:.2%}"
        self._progress.update(self._batches, completed=progress.batch, figures=figures)

    def epoch(self, _: int, row: EpochRow) -> None:
        """Prints the epoch's figures and moves the bar of epochs."""
        if self._each_epoch:
            say(_line(row))
        self._progress.update(self._epochs, completed=row.epoch)
        self._progress.reset(self._batches)

    def ended(self, _: int, facts: RunFacts) -> None:  # noqa: ARG002 - the end looks the same always
        """Removes the bars."""
        for task in (self._epochs, self._batches):
            self._progress.update(task, visible=False)


def _line(row: EpochRow) -> str:
    validation = ""
    if row.validation_accuracy is not None:
        loss, accuracy = row.validation_loss, row.validation_accuracy
        validation = f"  validation loss {loss:.4f} accuracy {accuracy:.2%}"
    if row.robust_accuracy is not None:
        validation = f"{validation}  robust accuracy {row.robust_accuracy:.2%}"
    return (
        f"epoch {row.epoch:3d}  loss {row.train_loss:.4f} accuracy {row.train_accuracy:.2%}"
        f"{validation}  {row.seconds:.1f} s"
    )


@contextmanager
def announcing() -> Generator[Callable[[str], None], None, None]:
    """Yields a function that shows the probe at work, beside a spinner and the time passed."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=_CONSOLE) as progress:
        task = progress.add_task("reading", total=None)
        yield lambda topic: progress.update(task, description=f"probe: {topic}")
