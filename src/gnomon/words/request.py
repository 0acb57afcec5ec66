"""From what a front end was asked to examine to a subject and probes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from gnomon.audit import Probe, Subject, sample_subject
from gnomon.data import Dataset, Store
from gnomon.errors import SettingError, UnknownNameError, nearest
from gnomon.records import settings_of
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterSet
from gnomon.words.config import as_device, data_source, input_set, override, parameter_set
from gnomon.words.names import NAMES, PROBES, SLOW_PROBES
from gnomon.words.targets import Target, open_target

_GIVEN = ("within", "parameters")
"""What probes are given besides their settings: the sets of inputs and of parameters."""


@dataclass(frozen=True)
class Request:
    """What is to be examined, and how, in the words of the command line.

    Attributes:
        target: a run folder, a .safetensors file, or package.module:factory.
        weights: for a factory, the file to load.
        data: the name or path of a data set; None means the run's own.
        settings: "data.key=value", put into the data's settings.
        inputs: such as "linf:2/255"; empty means the sets customary for the data.
        parameters: such as "relative:0.01"; sets of alternative networks.
        probes: names of probes; None means all but the slow ones.
        samples: how many test examples; None means all.
        seed: everything random in the audit depends on it.
        device: auto, cpu or cuda.
        probe_settings: settings of probes by their names, such as {"noise": {"draws": 10}};
            the sets are given above.
    """

    target: str
    weights: Path | None = None
    data: str | None = None
    settings: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    probes: tuple[str, ...] | None = None
    samples: int | None = None
    seed: int = 0
    device: str = "auto"
    probe_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def prepare(request: Request) -> tuple[Subject, list[Probe]]:
    """The subject and the probes that a request names.

    Raises:
        GnomonError: the target, the data, a set or a probe is not what it should be; the
            message says which.
    """
    probes = _probe_kinds(request.probes)
    tuned = read_probe_settings(request.probes, request.probe_settings)
    if request.parameters and not any("parameters" in settings_of(kind) for kind in probes):
        raise SettingError(
            "--parameters: expected a probe that varies parameters, got --probes "
            f"{','.join(request.probes or ())}. Add parameters or certificates, or leave "
            "--parameters out."
        )
    target = open_target(request.target, request.weights)
    data = _data(request, target)
    within = tuple(input_set(text, data.domain) for text in request.inputs) or data.customary
    around = tuple(parameter_set(text) for text in request.parameters)
    network = target.network.to(_device(request.device))
    subject = sample_subject(
        network,
        data,
        name=target.name,
        samples=request.samples,
        seed=request.seed,
        about=target.about,
        snapshots=target.snapshots,
    )
    return subject, [_probe(kind, within, around, tuned.get(kind, {})) for kind in probes]


def read_probe_settings(
    names: tuple[str, ...] | None, settings: Mapping[str, Mapping[str, Any]]
) -> dict[type, dict[str, Any]]:
    """The settings of probes as values, by the class of the probe.

    Args:
        names: of the probes that are asked; None means all but the slow ones.
        settings: plain values, as a TOML file has them, by the name of the probe and the key.

    Raises:
        UnknownNameError: a name that the catalogue does not have.
        SettingError: a probe that is not asked, an unknown key, or a wrong value.
    """
    asked = _probe_kinds(names)
    found: dict[type, dict[str, Any]] = {}
    for name, table in settings.items():
        if PROBES.get(name) not in asked:
            known = [each for each, kind in PROBES.items() if kind in asked]
            raise SettingError(
                f"settings.{name}: expected a probe that is asked, got {name}."
                f"{nearest(name, known) or ' Add it to probes.'}"
            )
        for key in _GIVEN:
            if key in table:
                raise SettingError(
                    f"settings.{name}.{key}: expected the sets beside the settings, got them "
                    'within. Write inputs = ["linf:0.1"] or parameters there.'
                )
        where = f"settings.{name}"
        found[PROBES[name]] = NAMES.read_settings(PROBES[name], table, where)
    return found


def _data(request: Request, target: Target) -> Dataset:
    """The data named, else the run's; with the run's seed, so that the split is the same."""
    table: Any = target.config.get("data") if request.data is None else {"name": request.data}
    if table is None:
        raise SettingError(
            f"--data: expected the name of a data set, got none, and {request.target} has none "
            "of its own. Add --data NAME."
        )
    config = override({"data": table}, request.settings)
    if len(config) > 1:
        other = next(key for key in config if key != "data")
        raise SettingError(
            f"--set: expected keys of the table data, such as data.points, got {other}. "
            "An audit changes nothing else."
        )
    return data_source(config["data"])(target.config.get("seed", 0), Store.default())


def _probe_kinds(names: tuple[str, ...] | None) -> list[type]:
    for name in names or ():
        if name not in PROBES:
            raise UnknownNameError(
                f"--probes: there is no probe {name!r}.{nearest(name, PROBES)}"
            )
    usual = tuple(name for name in PROBES if name not in SLOW_PROBES)
    return [PROBES[name] for name in names or usual]


def _probe(
    kind: type,
    within: tuple[InputSet, ...],
    around: tuple[ParameterSet, ...],
    tuned: Mapping[str, Any],
) -> Probe:
    """The probe with the sets it can use and the settings given; all else by default."""
    sets = dict(zip(_GIVEN, (within, around), strict=True))
    return kind(**{name: sets[name] for name in settings_of(kind) if name in sets}, **tuned)


def _device(text: str) -> torch.device:
    name = as_device(text)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise SettingError("--device cuda: expected a CUDA device, got none. Use --device cpu.")
    return torch.device(name)
