"""The plan of a run before its training, and its result afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import nn

import gnomon
from gnomon.data.dataset import Dataset
from gnomon.errors import FolderError, SettingError
from gnomon.networks import Signature, load_weights
from gnomon.networks.interval_initialisation import initialise_for_intervals
from gnomon.records import fingerprint
from gnomon.seeds import generator
from gnomon.training.devices import default_randomness
from gnomon.training.epoch import steps_per_epoch
from gnomon.training.experiment import Experiment
from gnomon.training.history import EpochRow, read_history
from gnomon.training.members import Members
from gnomon.training.observer import Plan
from gnomon.training.progress import Progress
from gnomon.training.run_folder import RunFacts, RunFolder, Status


@dataclass(frozen=True, eq=False)
class PlannedRun:
    """One of the trainings that are asked for together.

    Attributes:
        place: its position among them.
        experiment: what is trained, on what, and how.
        data: what `experiment.data` made.
        folder: where it is written.
        config: the mapping that describes the experiment.
    """

    place: int
    experiment: Experiment
    data: Dataset
    folder: RunFolder
    config: Mapping[str, Any]

    @cached_property
    def facts(self) -> RunFacts:
        """The content of run.json at the beginning."""
        return RunFacts(
            status="running",
            reason="Training.",
            gnomon=gnomon.__version__,
            torch=str(torch.__version__),
            seed=self.experiment.seed,
            data=self.data.name,
            data_fingerprint=self.data.fingerprint,
            signature=signature_of(self.data),
            class_names=self.data.class_names,
        )

    @cached_property
    def first(self) -> Progress:
        """The progress before the first epoch."""
        config = {"config": dict(self.config), "data": self.data.fingerprint}
        return Progress(fingerprint(config))

    def status(self) -> Status | None:
        """The status of the run; None before it has begun.

        Raises:
            FolderError: it began with other data.
        """
        facts, data = self.folder.read_facts(), self.data
        if facts is not None and facts.data_fingerprint != data.fingerprint:
            raise FolderError(
                f"{self.folder.path}: holds a run on data with fingerprint "
                f"{facts.data_fingerprint}, got data with {data.fingerprint}. Choose another "
                "folder, or put those data back."
            )
        return None if facts is None else facts.status

    def result(self, epochs_before: int | None) -> "Run":
        """The finished run that the folder holds.

        Args:
            epochs_before: epochs done before this call; None if it has trained nothing.
        """
        facts = self.folder.read_facts()
        assert facts is not None
        network = build(self.experiment, self.data)
        load_weights(network, self.folder.model)
        history = read_history(self.folder.history)
        trained = 0 if epochs_before is None else facts.epochs_done - epochs_before
        return Run(self.folder, facts, history, network.eval(), trained)


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: where it lies.
        facts: what became of it.
        history: one row per epoch.
        network: the trained network, on the CPU, in evaluation mode.
        epochs_trained: by this call; 0 where the folder held the finished run already.
    """

    folder: RunFolder
    facts: RunFacts
    history: tuple[EpochRow, ...]
    network: nn.Module
    epochs_trained: int


def signature_of(data: Dataset) -> Signature:
    """The shapes and numbers that a classifier of these data takes and returns."""
    return Signature(data.shape, data.classes, data.mean, data.std)


def build(experiment: Experiment, data: Dataset) -> nn.Module:
    """The network before training; its weights depend on the seed alone."""
    with default_randomness(torch.device("cpu"), experiment.seed, "torch initialisation"):
        network = experiment.network(
            signature_of(data), generator(experiment.seed, "initialisation")
        )
    if experiment.training.initialisation == "interval":
        initialise_for_intervals(network, generator(experiment.seed, "interval initialisation"))
    return network


def plan_of(run: PlannedRun, network: nn.Module, epochs_done: int, members: Members) -> Plan:
    """The training that is about to begin."""
    examples = len(run.data.train)
    return Plan(
        folder=run.folder.path,
        parameters=sum(each.numel() for each in network.parameters()),
        examples=examples,
        epochs=run.experiment.training.epochs,
        batches=steps_per_epoch(examples, run.experiment.training),
        epochs_done=epochs_done,
        device=str(members.device),
        processes=members.share[1],
    )


def check_data(experiment: Experiment, data: Dataset) -> None:
    """Refuses data that an experiment cannot be trained on.

    Raises:
        SettingError: there are no examples, or early stopping has nothing to watch.
    """
    if len(data.train) == 0:
        raise SettingError(
            f"{data.name}: expected training examples, got none. Ask for more of them."
        )
    if experiment.training.early_stopping is not None and len(data.validation) == 0:
        raise SettingError(
            f"early_stopping: expected validation data to watch, but {data.name} has none. "
            "Hold some out, or remove early_stopping."
        )
