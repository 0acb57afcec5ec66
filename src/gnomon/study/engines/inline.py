"""One task after another, in this process."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gnomon.study.tasks import Task, TrialOutcome, carry_out


@dataclass(frozen=True)
class Inline:
    """Runs the tasks here, in their order."""

    def workers(self) -> int:
        """One."""
        return 1

    def run(self, tasks: Iterable[Task]) -> Iterator[TrialOutcome]:
        """What became of each trial."""
        for task in tasks:
            yield from carry_out(task)
