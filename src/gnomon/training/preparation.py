"""What comes before a training and what is left after it, whatever loop runs in between."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

import gnomon
from gnomon.data.dataset import Dataset, Split
from gnomon.errors import FolderError, SettingError
from gnomon.networks import Signature, load_weights
from gnomon.networks.interval_initialisation import initialise_for_intervals
from gnomon.records import fingerprint
from gnomon.seeds import generator
from gnomon.training.devices import default_randomness
from gnomon.training.epoch import steps_per_epoch
from gnomon.training.experiment import Experiment
from gnomon.training.history import Row, read_history
from gnomon.training.observer import Plan
from gnomon.training.progress import Progress
from gnomon.training.run_folder import RunFacts, RunFolder

_IMAGES = 4
"""How many axes a batch of images has."""


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
    history: tuple[Row, ...]
    network: nn.Module
    epochs_trained: int


def signature_of(data: Dataset) -> Signature:
    """What a classifier of these data takes and returns."""
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


def first_facts(experiment: Experiment, data: Dataset) -> RunFacts:
    """What run.json says at the beginning."""
    return RunFacts(
        status="running",
        reason="Training.",
        gnomon=gnomon.__version__,
        torch=str(torch.__version__),
        seed=experiment.seed,
        data=data.name,
        data_fingerprint=data.fingerprint,
        signature=signature_of(data),
        class_names=data.class_names,
    )


def first_progress(config: Mapping[str, Any], data: Dataset) -> Progress:
    """That of a run before its first epoch."""
    return Progress(fingerprint({"config": dict(config), "data": data.fingerprint}))


def plan_of(
    experiment: Experiment,
    data: Dataset,
    folder: RunFolder | None,
    network: nn.Module,
    epochs_done: int,
    device: torch.device,
    processes: int = 1,
) -> Plan:
    """What is about to be trained."""
    examples = len(data.train)
    return Plan(
        folder=None if folder is None else folder.path,
        parameters=sum(each.numel() for each in network.parameters()),
        examples=examples,
        epochs=experiment.training.epochs,
        batches=steps_per_epoch(examples, experiment.training),
        epochs_done=epochs_done,
        device=str(device),
        processes=processes,
    )


def placed(split: Split, device: torch.device, *, channels_last: bool = False) -> Split:
    """The split on a device; images with the channels of a pixel side by side, if asked for."""
    inputs = split.inputs.to(device)
    if channels_last and inputs.dim() == _IMAGES:
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    return Split(inputs, split.labels.to(device))


def finished_run(experiment: Experiment, data: Dataset, folder: RunFolder, trained: int) -> Run:
    """What a folder with a finished run holds.

    Args:
        experiment: what was trained.
        data: on what.
        folder: the folder.
        trained: how many epochs this call has trained.
    """
    facts = folder.read_facts()
    assert facts is not None
    network = build(experiment, data)
    load_weights(network, folder.model)
    return Run(folder, facts, read_history(folder.history), network.eval(), trained)


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


def check_same_data(facts: RunFacts | None, data: Dataset, folder: RunFolder) -> None:
    """Refuses data other than those the run in a folder began with.

    Raises:
        FolderError: their fingerprints differ.
    """
    if facts is not None and facts.data_fingerprint != data.fingerprint:
        raise FolderError(
            f"{folder.path}: holds a run on data with fingerprint {facts.data_fingerprint}, "
            f"got data with {data.fingerprint}. Choose another folder, or put those data back."
        )
