"""What a process does that is to die in the middle of a study on a cluster."""

import os
import signal
import sys

from gnomon.study.engines import RayEngine
from gnomon.study.run import Prospect, run_study
from gnomon.study.tasks import Task, TrialOutcome
from gnomon.study.trial_store import TrialStore
from reference.small_study import LONG


class Dies:
    """An observer that ends this process, as a power cut would, when two trials have ended."""

    def __init__(self) -> None:
        self.count = 0

    def planned(self, prospect: Prospect) -> None:
        """Does nothing."""

    def started(self, task: Task) -> None:
        """Does nothing."""

    def ended(self, outcome: TrialOutcome) -> None:  # noqa: ARG002 (an observer's form)
        """Kills at the second."""
        self.count += 1
        if self.count == 2:
            os.kill(os.getpid(), signal.SIGKILL)


def main(store: str, cluster: str) -> None:
    """Carries out the long study until it dies."""
    run_study(LONG, TrialStore(store), RayEngine(cluster), Dies())


if __name__ == "__main__":
    main(*sys.argv[1:])
