"""Selects the probes of an audit, with their sets and settings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gnomon.audit.probe import Probe
from gnomon.audit.topics import TOPICS
from gnomon.notation import settings_of
from gnomon.sets import InputSet, ParameterSet

PROBES_BY_NAME: Mapping[str, type] = {topic.name: topic.probe for topic in TOPICS}
"""Every probe by its name in a configuration, in the order in which an audit asks them."""

USUAL_PROBES = tuple(topic.name for topic in TOPICS if not topic.slow)
"""The names of the probes that an audit asks when none are named."""

SETS = ("within", "parameters")
"""The fields of a probe that take the sets of an audit."""


def make_probe(
    kind: type,
    within: Sequence[InputSet],
    parameters: Sequence[ParameterSet],
    settings: Mapping[str, Any],
) -> Probe:
    """Makes a probe with those of the sets that it can use, and with its settings.

    >>> from gnomon.audit import NoiseAccuracy
    >>> from gnomon.sets import Linf
    >>> make_probe(NoiseAccuracy, [Linf(0.1)], [], {"draws": 3}).draws
    3
    """
    sets: dict[str, Any] = {"within": tuple(within), "parameters": tuple(parameters)}
    usable = {key: sets[key] for key in SETS if key in settings_of(kind)}
    return kind(**{**usable, **settings})


def varies_parameters(kinds: Iterable[type]) -> bool:
    """Tells whether any of these probes uses sets of parameters."""
    return any("parameters" in settings_of(kind) for kind in kinds)
