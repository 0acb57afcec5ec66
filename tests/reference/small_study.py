"""A study that takes a second, and what its tests look at."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from gnomon.study.axes import ListedAxis
from gnomon.study.study import Examination, Study
from gnomon.study.trial_store import TrialStore

CONFIG: Mapping[str, Any] = {
    "data": {"name": "spiral", "points": 60},
    "network": {"architecture": "mlp", "hidden": [8, 8]},
    "training": {"epochs": 3, "batch_size": 20},
}

STUDY = Study(
    title="Two activations",
    question="Which is better?",
    config=CONFIG,
    seeds=(0, 1, 2),
    axes=(ListedAxis("network.activation", ("relu", "tanh")),),
    examine=Examination(
        probes=("accuracy", "weights"), details=("frobenius_norm/layers/*/frobenius_norm",)
    ),
)

DIVERGING = replace(
    STUDY,
    axes=(ListedAxis("training.learning_rate", (1e-3, 1e30)),),
    config={**CONFIG, "training": {**CONFIG["training"], "optimizer": "sgd"}},
)
"""Half of its trials fail."""

LONG: Study = replace(
    STUDY,
    config={
        **CONFIG,
        "training": {**CONFIG["training"], "epochs": 40, "precision": "bfloat16"},
    },
    seeds=(0, 1, 2, 3),
)
"""Eight trials, each alone, of a second or two."""


def weights(store: TrialStore) -> dict[str, str]:
    """The hash of each finished trial's network."""
    return {
        file.parent.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in Path(store.address).glob("trials/*/model.safetensors")
    }


def results(store: TrialStore) -> pa.Table:
    """The table of results."""
    return parquet.read_table(Path(store.address) / "results.parquet")


def stamps(store: TrialStore) -> dict[str, int]:
    """When each trial was published, in nanoseconds."""
    return {
        file.parent.name: file.stat().st_mtime_ns
        for file in Path(store.address).glob("trials/*/trial.json")
    }
