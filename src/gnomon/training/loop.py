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
from gnomon.training.recorder import Recorder
from gnomon.training.run_folder import RunFolder
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
                prepared = _Preparation(experiment, data, folder, config, accelerator)
                trained = prepared.train(watching)
                accelerator.wait_for_everyone()
            return finished_run(experiment, data, folder, trained)


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
        self.facts, self.first = first_facts(experiment, data), first_progress(config, data)

    def train(self, observer: Observer) -> int:
        """Trains to the end; the number of epochs it took."""
        state = self._state()
        step = Step(
            state.network,
            state.optimizer,
            self.training.method,
            self.accelerator,
            self.training.gradient_clip,
            self.training.weight_clip,
        )
        epoch = Epoch(
            step,
            self.training,
            self.data.train,
            self.data.domain,
            self.experiment.seed,
            observer.batch,
        )
        recorder = Recorder(
            self.folder,
            self.facts,
            self.config["network"],
            active=self.accelerator.is_main_process,
        )
        trainer = Trainer(self.training, epoch, state, self.data, recorder, observer)
        trainer.resume(self.folder)
        observer.started(
            plan_of(
                self.experiment,
                self.data,
                self.folder,
                state.network,
                state.progress.epoch,
                self.accelerator.device,
                self.accelerator.num_processes,
            )
        )
        before = state.progress.epoch
        trainer.run(self.folder)
        return state.progress.epoch - before

    def _placed(self, split: Split) -> Split:
        device = self.accelerator.device
        return placed(split, device, channels_last=self.training.channels_last)

    def _state(self) -> State:
        network: nn.Module = build(self.experiment, self.data).to(self.accelerator.device)
        if self.training.channels_last:
            network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (missing in torch's types)
        if self.training.precision != "float32":
            # Makes the network run in that precision and return float32. Prepared as if for
            # evaluation: without torch's wrapper for several processes, see `Step`.
            network = self.accelerator.prepare_model(network, evaluation_mode=True)
        optimizer = self.training.optimizer(
            network.parameters(), self.training.learning_rate, self.training.weight_decay
        )
        return State(network, optimizer, self.accelerator.scaler, self.first)
