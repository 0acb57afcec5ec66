"""The trials of a study, and the groups in which they train."""

import copy
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gnomon.errors import SettingError
from gnomon.records import fingerprint
from gnomon.study.axes import Settings, count_crossed, crossed
from gnomon.study.study import Study
from gnomon.training import Experiment
from gnomon.training.description import describe
from gnomon.training.replicas import replica_key
from gnomon.words.config import assign, experiment
from gnomon.words.names import NAMES

_GROUPS = 8
"""Least number of groups of one kind, if each still has enough members."""
_ENOUGH = 16
"""Number of members from which a group is large enough."""


@dataclass(frozen=True)
class Trial:
    """A network to train.

    Attributes:
        id: fingerprint of what is trained. Settings at their defaults do not count, so that it
            stays the same whether they are written or not.
        seed: of weights, data and order.
        settings: the values of the axes, by key.
        planned: the experiment.
        replicas: trials with equal texts may train as one computation; None: alone.
    """

    id: str
    seed: int
    settings: Settings
    planned: Experiment = field(repr=False, compare=False)
    replicas: str | None = field(default=None, repr=False, compare=False)

    @property
    def config(self) -> Mapping[str, Any]:
        """The whole configuration, every default written out."""
        return describe(self.planned)


def count_trials(study: Study) -> int:
    """The number of trials of a study, without making them."""
    return count_crossed(study.axes) * len(study.seeds)


def trials_of(study: Study) -> tuple[Trial, ...]:
    """The trials of a study: each combination of the axes with each seed.

    Raises:
        SettingError: an axis names no setting (the nearest is suggested), has a value that the
            setting refuses, or two combinations come to the same configuration.
    """
    trials: list[Trial] = []
    for settings in crossed(study.axes):
        trials += _seeded(study, settings)
    by_id: dict[str, Trial] = {}
    for trial in trials:
        other = by_id.setdefault(trial.id, trial)
        if other is not trial:
            raise SettingError(
                "axes: expected different configurations, got the same for "
                f"{_in_words(other.settings)} and for {_in_words(trial.settings)}. "
                "Remove one of them."
            )
    return tuple(trials)


def grouped(
    trials: Iterable[Trial], largest: Mapping[str, int]
) -> tuple[tuple[Trial, ...], ...]:
    """The trials in groups that train as one computation each.

    They do not depend on the number of workers, so that results do not. A kind of trial has
    eight groups or more where these still have 16 members: with fewer, a second worker would
    have nothing to do; with more, each network would take longer.

    Args:
        trials: those that are still to be done.
        largest: how many networks one computation should have at most, by `Trial.replicas`.
    """
    alike: dict[str, list[Trial]] = {}
    for trial in trials:
        alike.setdefault(trial.replicas or trial.id, []).append(trial)
    groups: list[tuple[Trial, ...]] = []
    for key, members in alike.items():
        size = min(largest.get(key, 1), max(_ENOUGH, math.ceil(len(members) / _GROUPS)))
        pieces = math.ceil(len(members) / size)
        groups += _pieces(members, pieces)
    return tuple(groups)


def _pieces(members: Sequence[Trial], count: int) -> list[tuple[Trial, ...]]:
    """`count` runs of neighbours, as equal in length as can be."""
    ends = [index * len(members) // count for index in range(count + 1)]
    return [tuple(members[a:b]) for a, b in itertools.pairwise(ends)]


def _seeded(study: Study, settings: Settings) -> list[Trial]:
    """The trials of one combination; its configuration is read once for all seeds."""
    config = copy.deepcopy(dict(study.config))
    for key, value in settings.items():
        assign(config, key, copy.deepcopy(value), f"axes: {key}")
    try:
        planned = experiment({**config, "seed": study.seeds[0]})
    except SettingError as error:
        place = f"{_in_words(settings)}: " if settings else ""
        raise type(error)(f"{place}{error}") from error
    changes, key = NAMES.write_changes(planned), replica_key(planned)
    return [
        Trial(
            id=fingerprint({**changes, "seed": seed}),
            seed=seed,
            settings=settings,
            planned=replace(planned, seed=seed),
            replicas=key,
        )
        for seed in study.seeds
    ]


def _in_words(settings: Settings) -> str:
    """The settings in words: "data.entanglement 2.0, network.activation relu"."""
    return ", ".join(f"{key} {value}" for key, value in settings.items())
