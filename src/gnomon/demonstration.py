"""Demonstrates Gnomon: two networks learn the double spiral, and are examined together."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from gnomon.audit import Audit, Subject, examine
from gnomon.audit.report import write_report
from gnomon.data import Dataset, Store
from gnomon.training import Observer, train
from gnomon.words.config import experiment
from gnomon.words.request import Request, prepare

ACTIVATIONS = ("relu", "tanh")


def demonstrate(
    folder: Path,
    watch: Callable[[str], AbstractContextManager[Observer]],
    announce: Callable[[str], None],
) -> Path:
    """Trains a 5 × 50 network with each activation, examines both, and returns their report.

    Runs that the folder already holds are not trained again.

    Args:
        folder: receives one run folder per activation, report.html, and figures/.
        watch: makes the observer of the training of the network with that activation.
        announce: called with the name of every other step as it begins.

    Raises:
        FolderError: the folder holds something else.
    """
    examined: list[tuple[Subject, Audit]] = []
    for activation in ACTIVATIONS:
        run = folder / activation
        planned = experiment(_config(activation))
        data = planned.data(planned.seed, Store.default(download=False))
        with watch(activation) as observer:
            train(planned, data, run, observer, "cpu")
        subject, probes = prepare(Request(target=str(run), within=_limits(data), device="cpu"))
        examined.append((subject, examine(subject, probes, announce=announce)))
    announce("report")
    return write_report(folder, examined)


def _limits(data: Dataset) -> tuple[str, ...]:
    """The largest sets of inputs within which a perfect network has no adversarial examples."""
    return tuple(
        f"{norm}:{data.facts[f'misclassification_proof_radius_{norm}']}"
        for norm in ("linf", "l2")
    )


def _config(activation: str) -> dict[str, Any]:
    return {
        "seed": 0,
        "data": {"name": "spiral", "entanglement": 8.0, "points": 1000},
        "network": {
            "architecture": "mlp",
            "hidden": [50, 50, 50, 50, 50],
            "activation": activation,
        },
        "training": {
            "epochs": 60,
            "batch_size": 64,
            "optimizer": "adam",
            "learning_rate": 2e-3,
            "schedule": "cosine",
            "snapshots": [0, 5, 20, 60],
        },
    }
