"""An engine that carries out one task after another, in this process."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gnomon.study.tasks import Task, TrialOutcome, carry_out


@dataclass(frozen=True)
class Inline:
    """Runs the tasks here, in their order."""

    def workers(self) -> int:
        """The number 1."""
        return 1

    def run(self, tasks: Iterable[Task]) -> Iterator[TrialOutcome]:
        """Yields the outcome of each trial."""
        for task in tasks:
            yield from carry_out(task)
