"""Training of any network on any data in one call: `gnomon.fit(network, train)`."""

import copy
from contextlib import nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import torch
from torch import nn

from gnomon.data import Dataset, Readable, Split, Store
from gnomon.data.examples import Examples
from gnomon.data.preparation import split_of
from gnomon.data.reading import derived_domain, read_examples
from gnomon.errors import DivergedError, SubjectError
from gnomon.networks import Signature, load_weights, logits_of
from gnomon.networks.classifiers import check_classes
from gnomon.sets import Domain
from gnomon.training.devices import Device
from gnomon.training.experiment import Experiment
from gnomon.training.history import EpochRow
from gnomon.training.loop import train_planned
from gnomon.training.method import TrainingMethod
from gnomon.training.observer import Observer
from gnomon.training.preparation import PlannedRun
from gnomon.training.run_folder import RunFacts, RunFolder
from gnomon.training.settings import Training

_LOOKED_AT = 2
"""Number of examples that the network is tried on before it is trained."""


@dataclass(frozen=True)
class Fitted:
    """A network after its training.

    Attributes:
        network: the network that was passed, now with the trained weights.
        facts: how the training ended.
        history: one row per epoch.
        folder: where the run lies; None where none was asked for.
    """

    network: nn.Module
    facts: RunFacts
    history: tuple[EpochRow, ...]
    folder: RunFolder | None


def fit(  # noqa: PLR0913 - a training is asked for in one call
    network: nn.Module,
    train: Readable,
    *,
    validation: Readable | None = None,
    method: TrainingMethod | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    settings: Training | None = None,
    domain: Domain | Literal["derived"] = "derived",
    seed: int = 0,
    path: Path | str | None = None,
    observer: Observer | None = None,
    device: Device = "auto",
) -> Fitted:
    """Trains a network of one's own in place, and returns it with its history.

    Where the training diverges or is interrupted, it has the weights of the last good epoch.

    Args:
        network: from inputs, a batch of examples, to logits (batch, classes).
        train: a `Dataset`, or what else `gnomon.data.read_split` reads: (inputs, labels), or a
            `DataLoader`, read once in the order of its data. Each epoch shuffles them anew.
        validation: likewise; by default that of the `Dataset`, or none.
        method: what is minimised, by default the cross-entropy.
        epochs: passes over the data, in place of those of `settings`.
        batch_size: examples per step, likewise.
        learning_rate: the base rate, likewise.
        settings: everything else; see `Training`, also for the defaults.
        domain: the interval of every coordinate of an input; see `Dataset.of`.
        seed: everything random in the training depends on it.
        path: a folder, in which a stopped run goes on; by default nothing remains.
        observer: told how it goes.
        device: where it runs.

    Raises:
        GnomonError: network, data, settings or folder do not fit, or the training diverges.

    >>> data = (torch.eye(2), torch.arange(2))
    >>> fit(nn.Linear(2, 2), data, epochs=3).facts.epochs_done
    3
    """
    _check_module(network)
    data = _dataset(network, train, validation, domain)
    training = _set(settings, method, epochs, batch_size, learning_rate)
    experiment = Experiment(
        seed=seed, data=_Ready(data), network=_Ours(network), training=training
    )
    return _fitted(network, experiment, data, path, observer, device)


@dataclass(frozen=True)
class _Ready:
    """A source of data that are there already."""

    data: Dataset

    def __call__(self, seed: int, store: Store) -> Dataset:
        del seed, store
        return self.data


@dataclass(frozen=True)
class _Ours:
    """An architecture whose networks are copies of one network, weights included."""

    network: nn.Module

    def __call__(self, signature: Signature, generator: torch.Generator) -> nn.Module:
        del signature, generator
        return copy.deepcopy(self.network).cpu().train()


def _set(settings: Training | None, *given: object) -> Training:
    """The settings, in which those that are given by themselves take the others' place."""
    names = ("method", "epochs", "batch_size", "learning_rate")
    own: dict[str, Any] = {
        name: value for name, value in zip(names, given, strict=True) if value is not None
    }
    return replace(settings or Training(), **own)


def _check_module(network: object) -> None:
    if not isinstance(network, nn.Module):
        raise SubjectError(
            f"fit: expected a torch.nn.Module, got {type(network).__name__}. Wrap a function "
            "in a module."
        )


def _dataset(
    network: nn.Module,
    train: Readable,
    validation: Readable | None,
    domain: Domain | Literal["derived"],
) -> Dataset:
    """The data as a `Dataset`, once the network is seen to fit them."""
    if isinstance(train, Dataset):
        data = train
        classes = _logits(network, data.train)
    else:
        examples = read_examples(train, "train")
        domain = derived_domain(examples) if domain == "derived" else domain
        split = _split(examples, domain)
        classes = _logits(network, split)
        channels = split.inputs.shape[1] if split.inputs.dim() > 1 else 1
        data = Dataset(
            name="data",
            title="data",
            train=split,
            validation=Split(split.inputs[:0], split.labels[:0]),
            test=Split(split.inputs[:0], split.labels[:0]),
            class_names=tuple(map(str, range(classes))),
            domain=domain,
            mean=(0.0,) * channels,
            std=(1.0,) * channels,
            customary=(),
        )
    if validation is not None:
        held = _split(read_examples(validation, "validation"), data.domain)
        data = replace(data, validation=held)
    for split in (data.train, data.validation):
        check_classes(split.labels, classes)
    return data


def _split(examples: Examples, domain: Domain) -> Split:
    labels = int(examples.labels.max(initial=0)) + 1 if examples.labels.size else 1
    return split_of(examples, labels, domain)


def _logits(network: nn.Module, split: Split) -> int:
    """The number of logits that the network returns for these examples."""
    try:
        return logits_of(network, split.inputs[:_LOOKED_AT]).shape[1]
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise SubjectError(
            f"fit: expected a network that takes inputs of shape "
            f"{tuple(split.inputs.shape[1:])}, got {type(error).__name__}: {error}. Check the "
            "network on one batch of the data."
        ) from error


def _config(network: nn.Module, data: Dataset, experiment: Experiment) -> dict[str, Any]:
    """The settings of a run, as a run folder keeps them."""
    kind, training = type(network), experiment.training
    settings = {each.name: getattr(training, each.name) for each in fields(training)}
    return {
        "seed": experiment.seed,
        "data": {"name": data.name, "fingerprint": data.fingerprint},
        "network": {"architecture": f"{kind.__module__}:{kind.__qualname__}"},
        "training": {
            name: value if isinstance(value, int | float | str) else repr(value)
            for name, value in settings.items()
            if value is not None
        },
    }


def _fitted(
    network: nn.Module,
    experiment: Experiment,
    data: Dataset,
    path: Path | str | None,
    observer: Observer | None,
    device: Device,
) -> Fitted:
    """The network after its training into a folder, or into one that is removed again."""
    config = _config(network, data, experiment)
    with TemporaryDirectory() if path is None else nullcontext(path) as place:
        folder = RunFolder(Path(place))
        try:
            planned = PlannedRun(0, experiment, data, folder, config)
            run = train_planned(planned, observer, device)
        except DivergedError as error:
            where = "the network" if path is None else str(folder.path)
            raise DivergedError(str(error).replace(str(folder.path), where)) from error
        finally:
            if folder.model.exists():
                load_weights(network, folder.model)
    return Fitted(network, run.facts, run.history, None if path is None else folder)
