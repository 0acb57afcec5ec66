"""Tasks on a Ray cluster: processes of this machine, or an existing cluster by its address."""

import contextlib
import importlib
import os
import socket
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from gnomon.errors import ClusterError, SettingError
from gnomon.study.tasks import Task, TrialOutcome, carry_out, give_up

_WAITING = 2
"""Number of tasks submitted for each that can run: enough that no worker waits."""

_RETRIES = 5
"""Number of times that a task is begun again if its worker dies."""

_SECONDS_TO_REACH = 10.0
"""Seconds in which an address must answer."""
_SECONDS = 0.5
"""Seconds that a wait for results lasts before the keyboard is heard again."""


@dataclass(frozen=True)
class RayEngine:
    """Runs each task in a worker process of Ray.

    A task whose worker or node dies is given to another, and goes on from what lies in the
    store's folder for unfinished trials. The store must be reached under the same address from
    every node.

    Attributes:
        address: of an existing cluster, such as "auto", "10.0.0.5:6379" or "ray://host:10001";
            None starts one on this machine for the time of the study.
        processes: on this machine; None means one for each core. Not with an address.
        gpus: share of a graphics card that each task gets, such as 0.25.
    """

    address: str | None = None
    processes: int | None = None
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if self.processes is not None and self.processes < 1:
            raise SettingError(
                f"workers: expected 1 or more, got {self.processes}. Correct it."
            )
        if self.address is not None and self.processes is not None:
            raise SettingError(
                f"workers: expected none beside the cluster {self.address}, which has its own; "
                f"got {self.processes}. Leave one of the two out."
            )
        if not 0 <= self.gpus <= 64:
            raise SettingError(
                f"gpus: expected a number from 0, such as 0.25, got {self.gpus}. Correct it."
            )

    def workers(self) -> int:
        """The number of tasks that run at once."""
        with self._connected() as ray:
            return self._slots(ray)

    def run(self, tasks: Iterable[Task]) -> Iterator[TrialOutcome]:
        """Yields the outcome of each trial, in the order in which tasks end."""
        with self._connected() as ray:
            waiting = iter(tasks)
            running: dict[Any, Task] = {}
            most = _WAITING * self._slots(ray)
            try:
                while True:
                    for task in islice(waiting, most - len(running)):
                        running[self._submitted(ray, task)] = task
                    if not running:
                        return
                    ended, _ = ray.wait(list(running), num_returns=1, timeout=_SECONDS)
                    for reference in ended:
                        yield from outcomes_of(ray, reference, running.pop(reference))
            finally:
                for reference in running:
                    ray.cancel(reference, force=True)

    def _submitted(self, ray: Any, task: Task) -> Any:  # noqa: ANN401 - Ray is optional
        function = ray.remote(
            num_cpus=task.threads,
            num_gpus=self.gpus,
            max_retries=_RETRIES,
            retry_exceptions=False,
        )(_all_outcomes)
        return function.remote(task)

    def _slots(self, ray: Any) -> int:  # noqa: ANN401 - Ray is optional
        has = ray.cluster_resources()
        slots = int(has.get("CPU", 0))
        if self.gpus:
            slots = min(slots, int(has.get("GPU", 0) / self.gpus))
        if slots < 1:
            raise ClusterError(
                f"cluster: expected room for one task of 1 core and {self.gpus:g} graphics "
                f"cards, got {has.get('CPU', 0):g} and {has.get('GPU', 0):g}. Add nodes."
            )
        return slots

    @contextmanager
    def _connected(self) -> Generator[Any, None, None]:
        """Gives Ray, connected; a connection that was there before is left as it is."""
        ray = _ray()
        if ray.is_initialized():
            yield ray
            return
        settings: dict[str, Any] = {
            "log_to_driver": False,
            "configure_logging": False,
            "include_dashboard": False,
        }
        if self.address is None:
            settings["num_cpus"] = self.processes or os.cpu_count()
        else:
            settings = {"address": self.address, "log_to_driver": False}
        _reach(self.address)
        variables = {
            key: value for key, value in os.environ.items() if key.startswith("GNOMON_")
        }
        try:
            ray.init(runtime_env={"env_vars": variables}, **settings)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            raise ClusterError(
                f"{self.address or 'Ray'}: expected a cluster that answers, got: "
                f"{str(error).splitlines()[0]}. Check the address and that `ray status` works "
                "there, or leave --cluster out."
            ) from error
        try:
            yield ray
        finally:
            ray.shutdown()


def _reach(address: str | None) -> None:
    """Looks whether something listens at HOST:PORT: Ray itself asks for many minutes.

    Raises:
        ClusterError: nothing does.
    """
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), _SECONDS_TO_REACH).close()
    except OSError as error:
        raise ClusterError(
            f"{address}: expected a cluster that answers, got: {error.strerror or error}. "
            "Check the address and that `ray status` works there, or leave --cluster out."
        ) from error


def _all_outcomes(task: Task) -> tuple[TrialOutcome, ...]:
    """The outcomes of a task, as a worker returns them."""
    return tuple(carry_out(task))


def outcomes_of(
    ray: Any,  # noqa: ANN401 - Ray is optional
    reference: Any,  # noqa: ANN401
    task: Task,
) -> tuple[TrialOutcome, ...]:
    """A task's outcomes; where its workers died, its trials fail.

    Raises:
        GnomonError: what the task raised.
    """
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error
    except ray.exceptions.RayError as error:
        reason = f"Its worker died {_RETRIES + 1} times: {str(error).splitlines()[0]}"
        return give_up(task, reason)


def _ray() -> Any:  # noqa: ANN401 - Ray is optional
    with contextlib.suppress(ImportError):
        return importlib.import_module("ray")
    raise ClusterError(
        "cluster: expected the package ray, got none. Install gnomon[cluster], or run with one "
        "worker."
    )
