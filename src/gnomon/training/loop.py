"""Training as one call: prepares, resumes where it can, and returns the finished run."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from gnomon.data.dataset import Dataset, Split
from gnomon.errors import FolderError, SettingError
from gnomon.networks import Signature, load_weights
from gnomon.records import fingerprint
from gnomon.seeds import generator
from gnomon.training.checkpoint import Progress
from gnomon.training.devices import Device, accelerated, default_randomness
from gnomon.training.epoch import Epoch, count_batches
from gnomon.training.experiment import Experiment
from gnomon.training.history import Row, read_history
from gnomon.training.observer import Observer, Plan, Silent
from gnomon.training.recorder import Recorder
from gnomon.training.run_folder import RunFacts, RunFolder
from gnomon.training.state import State
from gnomon.training.step import Step
from gnomon.training.trainer import Trainer


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
    network: nn.Sequential
    epochs_trained: int


def train(
    experiment: Experiment,
    data: Dataset,
    path: Path,
    config: Mapping[str, Any],
    observer: Observer | None = None,
    device: Device = "auto",
) -> Run:
    """Trains a network into the folder `path`, or goes on where an earlier process stopped.

    On the CPU a run that was killed and resumed ends in the same bits as one that was not.
    Where `torchrun` started several processes, each takes a share of every batch.

    Args:
        experiment: what is trained, on what, and how.
        data: what `experiment.data` made.
        path: a new or empty folder, or one with an earlier run of the same configuration. If
            that run is finished nothing changes, and `epochs_trained` is 0.
        config: the plain mapping `experiment` was read from; it has a table "network".
        observer: told how it goes, in the main process.
        device: where it runs.

    Raises:
        FolderError: the folder holds something else, is in use, or cannot be written.
        WeightsError: its checkpoint cannot be read.
        DivergedError: loss or gradient was not finite; the last good weights are in the folder.
        SettingError: the settings do not fit the data or the machine.
    """
    _check(experiment, data)
    folder = RunFolder(path)
    with accelerated(device, experiment.training.precision) as accelerator:
        main = accelerator.is_main_process
        with folder.claimed(config) if main else nullcontext():
            accelerator.wait_for_everyone()
            facts = folder.read_facts()
            _check_same_data(facts, data, folder)
            trained = 0
            if facts is None or facts.status != "finished":
                watching = observer if observer and main else Silent()
                prepared = _Preparation(experiment, data, folder, config, accelerator)
                trained = prepared.train(watching)
                accelerator.wait_for_everyone()
            return _finished_run(experiment, data, folder, trained)


def signature_of(data: Dataset) -> Signature:
    """What a classifier of these data takes and returns."""
    return Signature(data.shape, data.classes, data.mean, data.std)


def build(experiment: Experiment, data: Dataset) -> nn.Sequential:
    """The network before training; its weights depend on the seed alone."""
    with default_randomness(torch.device("cpu"), experiment.seed, "torch initialisation"):
        return experiment.network(
            signature_of(data), generator(experiment.seed, "initialisation")
        )


class _Preparation:
    """Puts together what a `Trainer` works with."""

    def __init__(
        self,
        experiment: Experiment,
        data: Dataset,
        folder: RunFolder,
        config: Mapping[str, Any],
        accelerator: Accelerator,
    ) -> None:
        self.experiment, self.training, self.folder = experiment, experiment.training, folder
        self.config, self.accelerator = config, accelerator
        self.data = replace(
            data, train=self._placed(data.train), validation=self._placed(data.validation)
        )
        self.facts = _first_facts(experiment, data)

    def train(self, observer: Observer) -> int:
        """Trains to the end; the number of epochs it took."""
        state = self._state()
        step = Step(
            state.network,
            state.optimizer,
            self.training.method,
            self.accelerator,
            self.training.gradient_clip,
        )
        epoch = Epoch(
            step, self.training, self.data.train, self.experiment.seed, observer.batch
        )
        recorder = Recorder(
            self.folder,
            self.facts,
            self.config["network"],
            active=self.accelerator.is_main_process,
        )
        trainer = Trainer(self.training, epoch, state, self.data, recorder, observer)
        trainer.resume(self.folder)
        observer.started(self._plan(state))
        before = state.progress.epoch
        trainer.run(self.folder)
        return state.progress.epoch - before

    def _state(self) -> State:
        network: nn.Module = build(self.experiment, self.data).to(self.accelerator.device)
        if self.training.precision != "float32":
            # Makes the network run in that precision and return float32. Prepared as if for
            # evaluation: without torch's wrapper for several processes, see `Step`.
            network = self.accelerator.prepare_model(network, evaluation_mode=True)
        optimizer = self.training.optimizer(
            network.parameters(), self.training.learning_rate, self.training.weight_decay
        )
        run = fingerprint({"config": dict(self.config), "data": self.facts.data_fingerprint})
        return State(network, optimizer, self.accelerator.scaler, Progress(run))

    def _plan(self, state: State) -> Plan:
        examples = len(self.data.train)
        return Plan(
            folder=self.folder.path,
            parameters=sum(each.numel() for each in state.network.parameters()),
            examples=examples,
            epochs=self.training.epochs,
            batches=count_batches(examples, self.training.batch_size),
            epochs_done=state.progress.epoch,
            device=str(self.accelerator.device),
            processes=self.accelerator.num_processes,
        )

    def _placed(self, split: Split) -> Split:
        device = self.accelerator.device
        return Split(split.inputs.to(device), split.labels.to(device))


def _first_facts(experiment: Experiment, data: Dataset) -> RunFacts:
    return RunFacts(
        status="running",
        reason="Training.",
        gnomon=version("gnomon"),
        torch=str(torch.__version__),
        seed=experiment.seed,
        data=data.name,
        data_fingerprint=data.fingerprint,
        signature=signature_of(data),
        class_names=data.class_names,
    )


def _finished_run(
    experiment: Experiment, data: Dataset, folder: RunFolder, trained: int
) -> Run:
    facts = folder.read_facts()
    assert facts is not None
    network = build(experiment, data)
    load_weights(network, folder.model)
    return Run(folder, facts, read_history(folder.history), network.eval(), trained)


def _check(experiment: Experiment, data: Dataset) -> None:
    if len(data.train) == 0:
        raise SettingError(
            f"{data.name}: expected training examples, got none. Ask for more of them."
        )
    if experiment.training.early_stopping is not None and len(data.validation) == 0:
        raise SettingError(
            f"early_stopping: expected validation data to watch, but {data.name} has none. "
            "Hold some out, or remove early_stopping."
        )


def _check_same_data(facts: RunFacts | None, data: Dataset, folder: RunFolder) -> None:
    if facts is not None and facts.data_fingerprint != data.fingerprint:
        raise FolderError(
            f"{folder.path}: holds a run on data with fingerprint {facts.data_fingerprint}, "
            f"got data with {data.fingerprint}. Choose another folder, or put those data back."
        )
