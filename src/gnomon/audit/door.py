"""One call from a network and data to an audit: `gnomon.audit(network, data)`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from torch import nn

from gnomon.audit.audit import Audit, examine
from gnomon.audit.probe import Probe
from gnomon.audit.requirement import Verdict
from gnomon.audit.selection import (
    PROBES_BY_NAME,
    USUAL_PROBES,
    make_probe,
    varies_parameters,
)
from gnomon.audit.subject import Subject, sample_subject
from gnomon.data import Dataset, Readable, read_dataset, read_split
from gnomon.errors import GnomonError, SettingError, SubjectError, UnknownNameError, nearest
from gnomon.networks import logits_of
from gnomon.sets import Domain, InputSet, ParameterSet


def _silent(topic: str) -> None:
    """Shows no progress."""


@dataclass(frozen=True)
class Audited(Audit):
    """An audit together with the network and the examples it is about.

    Attributes:
        examined: the network and the examples, from which a report draws its pictures.
    """

    examined: Subject

    def write(self, folder: Path | str, verdicts: Sequence[Verdict] = ()) -> Path:
        """Writes the report and returns the path of its page.

        The folder gets report.html, audit.json, and figures/.

        Args:
            folder: made if it does not exist.
            verdicts: what the audit says of requirements, shown at the top of the page.
        """
        from gnomon.audit.report import write_report  # noqa: PLC0415 - loads Matplotlib

        return write_report(Path(folder), [(self.examined, self)], verdicts)


def audit(  # noqa: PLR0913 - an audit is asked for in one call
    network: nn.Module,
    data: Readable,
    *,
    within: Sequence[InputSet] | None = None,
    parameters: Sequence[ParameterSet] = (),
    probes: Sequence[str | Probe] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    samples: int | None = None,
    seed: int = 0,
    name: str = "network",
    announce: Callable[[str], None] = _silent,
) -> Audited:
    """Examines a network: what it gets right, and what it withstands.

    Args:
        network: from inputs, a batch of examples, to logits (batch, classes); left as it was.
        data: a `Dataset`, whose test examples are examined, or anything else that
            `gnomon.data.read_dataset` reads, of which all examples are: (inputs, labels), or a
            `DataLoader`.
        within: sets of inputs; one without a domain gets that of the data. By default those
            that are customary for the data.
        parameters: sets of parameters, each a set of alternative networks.
        probes: names such as "accuracy", or probes with settings of their own. By default all
            but the slow ones (autoattack, resistance).
        settings: settings of the probes that are named, such as {"noise": {"draws": 10}}.
        samples: the number of test examples, drawn at random; all by default.
        seed: everything random in the audit depends on it.
        name: what the report calls the network.
        announce: called with the topic of each probe before it begins.

    Raises:
        GnomonError: the network, the data, a set or a probe is not what it should be; the
            message says which.

    >>> data = (torch.rand(20, 2), torch.arange(20) % 2)
    >>> result = gn.audit(torch.nn.Linear(2, 2), data, probes=["accuracy"])
    >>> [finding.title for finding in result.findings]
    ['clean_accuracy']
    """
    dataset = read_dataset(data, _classes(network, data))
    sets = dataset.customary if within is None else _placed(within, dataset.domain)
    asked = _asked(probes, sets, parameters, settings or {})
    subject = sample_subject(network, dataset, name=name, samples=samples, seed=seed)
    result = examine(subject, asked, seed, announce)
    return Audited(**vars(result), examined=subject)


class AuditModule(ModuleType):
    """The package `gnomon.audit`, which can be called: `gnomon.audit(network, data)`."""

    __call__ = staticmethod(audit)


def _classes(network: object, data: Readable) -> int | None:
    """The number of logits; None where a `Dataset` says it, or where there are none to see.

    Raises:
        SubjectError: the network is no module of torch.
    """
    if not isinstance(network, nn.Module):
        raise SubjectError(
            f"audit: expected a torch.nn.Module, got {type(network).__name__}. Wrap a function "
            "in a module."
        )
    if isinstance(data, Dataset):
        return None
    few = read_split(data).inputs[:2]
    try:
        return logits_of(network, few).shape[1]
    except (GnomonError, RuntimeError, ValueError, TypeError, IndexError):
        return None  # The subject says what is wrong.


def _placed(within: Sequence[InputSet], domain: Domain) -> tuple[InputSet, ...]:
    """The sets; those without a domain get that of the data."""
    return tuple(
        replace(cast("Any", each), domain=domain)
        if is_dataclass(each) and getattr(each, "domain", domain) is None
        else each
        for each in within
    )


def _asked(
    probes: Sequence[str | Probe] | None,
    within: Sequence[InputSet],
    parameters: Sequence[ParameterSet],
    settings: Mapping[str, Mapping[str, Any]],
) -> list[Probe]:
    """The probes; those that are named are made with the sets and their settings."""
    wanted = USUAL_PROBES if probes is None else probes
    names = [each for each in wanted if isinstance(each, str)]
    for name in (*names, *settings):
        if name not in PROBES_BY_NAME or name not in names:
            known = PROBES_BY_NAME if name in names else names
            raise UnknownNameError(f"audit: no probe {name!r} is asked.{nearest(name, known)}")
    for probe in cast("Sequence[object]", wanted):
        if not isinstance(probe, str | Probe) or isinstance(probe, type):
            raise SettingError(
                f"audit: expected names of probes or probes, got {probe!r}. Write a name such "
                'as "accuracy", or make a probe: gnomon.audit.CleanAccuracy().'
            )
    made = [
        make_probe(PROBES_BY_NAME[each], within, parameters, settings.get(each, {}))
        if isinstance(each, str)
        else each
        for each in wanted
    ]
    if parameters and not varies_parameters(map(type, made)):
        raise SettingError(
            "audit: expected a probe that varies parameters, since sets of parameters are "
            f"given, got {', '.join(probe.topic for probe in made)}. Add parameters or "
            "certificates, or leave the sets out."
        )
    return made
