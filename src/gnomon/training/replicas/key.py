"""Keys of experiments: those with equal keys may be trained together."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import cast

from torch import nn

from gnomon.records import fingerprint, settings_of
from gnomon.training.experiment import Experiment
from gnomon.training.replicas.update import ROWWISE

_MAY_DIFFER = ("learning_rate", "weight_decay")
"""Settings of training that are a number for each network."""


def replica_key(experiment: Experiment) -> str | None:
    """A text that is equal for experiments that may be trained as one group; None for none.

    Experiments of a group differ in the seed, in learning rate and weight decay, and in those
    settings of the data that are real numbers. Whether the data then have one shape is known
    only once they are made; `train_replicas` looks.

    An experiment is alone when its precision is not float32, since the gradient scale and the
    casts of mixed precision belong to one network; when its images have `channels_last`, since
    the weights of a group lie in one tensor; and when its optimiser is none of Gnomon's, which
    are known to be linear in the learning rate.
    """
    training = experiment.training
    known = type(training.optimizer) in ROWWISE
    if training.precision != "float32" or training.channels_last or not known:
        return None
    settings = _settings(training)
    data = {
        name: value
        for name, value in _settings(experiment.data).items()
        if not (value is None or isinstance(value, float))
    }
    described = {
        "data": [_name(experiment.data), _plain(data)],
        "network": _plain(experiment.network),
        "training": _plain({k: v for k, v in settings.items() if k not in _MAY_DIFFER}),
    }
    return fingerprint(described)


def _settings(record: object) -> dict[str, object]:
    return {name: getattr(record, name) for name in settings_of(type(record))}


def _plain(value: object) -> object:
    """Records and modules as their names and settings, and so on inside."""
    if dataclasses.is_dataclass(value) or isinstance(value, nn.Module):
        return [_name(value), _plain(_settings(value))]
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, object]", value)
        return {str(name): _plain(each) for name, each in mapping.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in cast("Sequence[object]", value)]
    return value if isinstance(value, bool | int | float | str | None) else repr(value)


def _name(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
