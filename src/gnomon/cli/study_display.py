"""Shows a study on the terminal: its plan, its progress, its verdicts."""

from collections.abc import Sequence
from types import TracebackType

from gnomon.cli.display import progress_bars, say
from gnomon.study import Prospect, Task, TrialOutcome
from gnomon.study.conclusions import Conclusions
from gnomon.study.forecast import Forecast

_SHOWN_FAILURES = 3


class StudyDisplay:
    """Shows a bar of trials: numbers done, failed and running, and the time left."""

    def __init__(self) -> None:
        self._progress = progress_bars()
        self._bar = self._progress.add_task("trials", figures="", start=False)
        self._handed = self._ended = self._failed = 0

    def __enter__(self) -> "StudyDisplay":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def planned(self, prospect: Prospect) -> None:
        """Prints the trials that are to be done, and those done before."""
        todo = sum(map(len, prospect.groups))
        show_counts(prospect)
        self._progress.update(self._bar, total=todo)
        self._progress.start_task(self._bar)

    def started(self, task: Task) -> None:
        """Counts the trials of a task that a worker has started."""
        self._handed += len(task.trials)
        self._show()

    def ended(self, outcome: TrialOutcome) -> None:
        """Counts a trial; prints the reason if it failed."""
        self._ended += 1
        if outcome.status == "failed":
            self._failed += 1
            say(f"trial {outcome.trial} failed: {outcome.reason}")
        self._progress.update(self._bar, completed=self._ended)
        self._show()

    def _show(self) -> None:
        running = self._handed - self._ended
        figures = f"{running} with workers" + (
            f", {self._failed} failed" if self._failed else ""
        )
        self._progress.update(self._bar, figures=figures)


def show_counts(prospect: Prospect) -> None:
    """Prints the numbers of trials in all, done, failed and remaining, in one line."""
    todo, groups = sum(map(len, prospect.groups)), len(prospect.groups)
    again = len({trial.id for group in prospect.groups for trial in group} & prospect.trained)
    parts = [
        f"{len(prospect.trials)} trials",
        f"{len(prospect.done)} done before" if prospect.done else "",
        f"{len(prospect.failed)} failed before" if prospect.failed else "",
        f"{todo} to do in {groups} group{'s' if groups != 1 else ''}",
        f"{again} of them only to examine" if again else "",
    ]
    say(", ".join(part for part in parts if part))


def show_prospect(prospect: Prospect, forecast: Forecast) -> None:
    """Prints the plan of a study on standard output."""
    show_counts(prospect)
    for line in forecast.lines():
        print(line)


def show_verdicts(conclusions: Conclusions, remains: Prospect) -> None:
    """Prints verdicts on standard output; failures and the report's path on standard error."""
    for verdict in conclusions.verdicts:
        print(verdict)
    failures: Sequence[str] = sorted(set(remains.failed.values()))
    if failures:
        say(f"{len(remains.failed)} of {len(remains.trials)} trials failed, for example:")
        for reason in failures[:_SHOWN_FAILURES]:
            say(f"  {reason}")
        say("They stand in failed/; --retry-failed tries them again.")
    if len(remains.versions) > 1:
        versions = ", ".join(sorted(remains.versions))
        say(f"The trials come from different versions of Gnomon: {versions}.")
    say(f"report: {conclusions.page}")
