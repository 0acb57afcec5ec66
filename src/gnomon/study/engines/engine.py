"""The protocol of engines, which run the tasks of a study."""

from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

from gnomon.study.tasks import Task, TrialOutcome


@runtime_checkable
class Engine(Protocol):
    """Carries out tasks. On the CPU every engine gives the same results to the last bit."""

    def workers(self) -> int:
        """The number of tasks that run at once."""
        ...

    def run(self, tasks: Iterable[Task]) -> Iterator[TrialOutcome]:
        """Yields the outcome of each trial as soon as it is in the store.

        Closing the iterator stops the tasks that run.

        Raises:
            ClusterError: workers cannot be had, or have another version of Gnomon.
            FolderError: the store cannot be written.
        """
        ...
