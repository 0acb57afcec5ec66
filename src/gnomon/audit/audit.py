"""The audit: all findings about one subject, and what is needed to repeat them."""

import dataclasses
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, cast

import torch
from typing_extensions import TypeVar

import gnomon
from gnomon.audit.doubts import Doubt, doubts_about
from gnomon.audit.finding import Finding
from gnomon.audit.probe import Probe
from gnomon.audit.subject import Subject
from gnomon.networks.predictions import device_of
from gnomon.seeds import generator
from gnomon.sets import L1, L2, Linf

F_co = TypeVar("F_co", covariant=True, default=Finding)
"""The classes of findings that a reader of `audit.json` tells apart."""


def _ignore(topic: str) -> None:
    """Does nothing with the topic."""


@dataclass(frozen=True)
class Audit(Generic[F_co]):
    """The contents of `audit.json`; the keys of the file are these attributes.

    The same network, data, settings and seed give the same audit, on the same machine to the
    last byte: nothing in it is a time.

    Attributes:
        version: of Gnomon.
        subject: `name`, and facts such as architecture, activation, number of parameters.
        data: `name`, `title`, `fingerprint`, `examples` (how many were examined), `available`
            (test examples there are), `classes`, and the `facts` that the data set states.
        settings: the probes, each with its settings.
        environment: `python`, `torch`, `device`.
        seed: of all that is random.
        findings: in the order of the probes.
        doubts: those that concern every finding.
    """

    version: str
    subject: Mapping[str, Any]
    data: Mapping[str, Any]
    settings: Sequence[Any]
    environment: Mapping[str, str]
    seed: int
    findings: tuple[F_co, ...]
    doubts: tuple[Doubt, ...]

    @property
    def name(self) -> str:
        """The subject's name."""
        return str(self.subject["name"])


def examine(
    subject: Subject,
    probes: Sequence[Probe],
    seed: int = 0,
    announce: Callable[[str], None] = _ignore,
) -> Audit:
    """Examines the subject with each probe.

    Args:
        subject: what is examined.
        probes: what is measured, in this order.
        seed: each probe draws from its own stream of it, so that leaving one out changes no
            other.
        announce: called with a probe's topic before it starts, for a progress display.
    """
    doubts = doubts_about(subject)
    findings: list[Finding] = []
    for probe in probes:
        announce(probe.topic)
        findings += probe(subject, generator(seed, "audit", probe.topic))
    return Audit(
        version=gnomon.__version__,
        subject={"name": subject.name, **subject.about},
        data=_data(subject),
        settings=[describe(probe) for probe in probes],
        environment={
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "device": str(device_of(subject.network)),
        },
        seed=seed,
        findings=tuple(findings),
        doubts=doubts,
    )


def describe(value: object) -> object:
    """A method as plain JSON values: `name` and its settings; a set as "linf:0.1"."""
    if isinstance(value, Linf | L2 | L1):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        settings = {
            item.name: describe(getattr(value, item.name)) for item in dataclasses.fields(value)
        }
        return {"name": type(value).__name__, **settings}
    if isinstance(value, list | tuple):
        return [describe(item) for item in cast("Sequence[object]", value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return getattr(value, "__name__", repr(value))


def _data(subject: Subject) -> dict[str, Any]:
    data = subject.data
    return {
        "name": data.name,
        "title": data.title,
        "fingerprint": data.fingerprint,
        "examples": len(subject.labels),
        "available": len(data.test),
        "classes": data.classes,
        "facts": dict(data.facts),
    }
