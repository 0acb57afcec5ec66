"""Training as one call: prepares, resumes where it can, and returns the finished run."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import nn

from gnomon.data.dataset import Dataset, Split
from gnomon.training.devices import Device, accelerated
from gnomon.training.epoch import Epoch
from gnomon.training.experiment import Experiment
from gnomon.training.observer import Observer, Silent
from gnomon.training.preparation import (
    Run,
    build,
    check_data,
    check_same_data,
    finished_run,
    first_facts,
    first_progress,
    placed,
    plan_of,
)
from gnomon.training.progress import Progress
from gnomon.training.recorder import Recorder
from gnomon.training.run_folder import RunFacts, RunFolder
from gnomon.training.state import State
from gnomon.training.step import Step
from gnomon.training.trainer import Trainer


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
    check_data(experiment, data)
    folder = RunFolder(path)
    with accelerated(device, experiment.training.precision) as accelerator:
        main = accelerator.is_main_process
        with folder.claimed(config) if main else nullcontext():
            accelerator.wait_for_everyone()
            facts = folder.read_facts()
            check_same_data(facts, data, folder)
            trained = 0
            if facts is None or facts.status != "finished":
                watching = observer if observer and main else Silent()
                prepared = Preparation(experiment, data, folder, config, accelerator)
                prepared.train(watching)
                trained = prepared.epochs_trained
                accelerator.wait_for_everyone()
            return finished_run(experiment, data, folder, trained)


class Preparation:
    """What a `Trainer` works with, put together; without a folder nothing is written.

    Attributes:
        state: the network, its optimiser, and how far they have come.
        epochs_trained: number of epochs that `train` took.
    """

    def __init__(
        self,
        experiment: Experiment,
        data: Dataset,
        folder: RunFolder | None,
        config: Mapping[str, Any],
        accelerator: Accelerator,
    ) -> None:
        self._experiment, self._training = experiment, experiment.training
        self._folder, self._accelerator = folder, accelerator
        self._data = replace(
            data, train=self._placed(data.train), validation=self._placed(data.validation)
        )
        self._recorder = Recorder(
            folder,
            first_facts(experiment, data),
            config["network"],
            active=accelerator.is_main_process and folder is not None,
        )
        self.state = self._state(first_progress(config, data))
        self.epochs_trained = 0

    def train(self, observer: Observer) -> RunFacts:
        """Trains to the end; returns how it ended."""
        state, training = self.state, self._training
        step = Step(
            state.network,
            state.optimizer,
            training.method,
            self._accelerator,
            training.gradient_clip,
            training.weight_clip,
        )
        epoch = Epoch(
            step,
            training,
            self._data.train,
            self._data.domain,
            self._experiment.seed,
            observer.batch,
        )
        trainer = Trainer(training, epoch, state, self._data, self._recorder, observer)
        trainer.resume()
        observer.started(
            plan_of(
                self._experiment,
                self._data,
                self._folder,
                state.network,
                state.progress.epoch,
                self._accelerator.device,
                self._accelerator.num_processes,
            )
        )
        before = state.progress.epoch
        facts = trainer.run()
        self.epochs_trained = state.progress.epoch - before
        return facts

    def _placed(self, split: Split) -> Split:
        device = self._accelerator.device
        return placed(split, device, channels_last=self._training.channels_last)

    def _state(self, first: Progress) -> State:
        training = self._training
        network: nn.Module = build(self._experiment, self._data).to(self._accelerator.device)
        if training.channels_last:
            network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (missing in torch's types)
        if training.precision != "float32":
            # Makes the network run in that precision and return float32. Prepared as if for
            # evaluation: without torch's wrapper for several processes, see `Step`.
            network = self._accelerator.prepare_model(network, evaluation_mode=True)
        optimizer = training.optimizer(
            network.parameters(), training.learning_rate, training.weight_decay
        )
        return State(network, optimizer, self._accelerator.scaler, first)
