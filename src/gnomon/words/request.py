"""Turns a front end's request into a subject and a list of probes."""

from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from pathlib import Path
from typing import Any

import torch

from gnomon.audit import Probe, Subject, sample_subject
from gnomon.audit.selection import (
    PROBES_BY_NAME,
    SETS,
    USUAL_PROBES,
    make_probe,
    varies_parameters,
)
from gnomon.data import Dataset, Store
from gnomon.errors import SettingError, UnknownNameError, nearest
from gnomon.notation import is_own, own_name
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterSet
from gnomon.words.config import as_device, data_source, input_set, override, parameter_set
from gnomon.words.names import NAMES
from gnomon.words.own import find
from gnomon.words.targets import Target, open_target


@dataclass(frozen=True, kw_only=True)
class Request:
    """An examination in the words of the command line.

    Attributes:
        target: a run folder, a .safetensors file, or package.module:factory.
        weights: the file to load into a factory's network.
        data: the name or path of a data set; None means the run's own.
        settings: texts "data.key=value", put into the data's settings.
        within: sets of inputs, such as "linf:2/255"; without any, those customary for the data.
        parameters: sets of alternative networks, such as "relative:0.01".
        probes: names of probes, package.module:name for one's own; None means all but the slow
            ones.
        samples: the number of test examples; None means all.
        seed: everything random in the audit depends on it.
        device: auto, cpu or cuda.
        probe_settings: settings of probes by their names, such as {"noise": {"draws": 10}}.
    """

    target: str
    weights: Path | None = None
    data: str | None = None
    settings: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    probes: tuple[str, ...] | None = None
    samples: int | None = None
    seed: int = 0
    device: str = "auto"
    probe_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def prepare(request: Request) -> tuple[Subject, list[Probe]]:
    """Opens the network and the data of a request, and makes its probes.

    Raises:
        GnomonError: the target, the data, a set or a probe is not what it should be; the
            message says which.
    """
    probes = probe_kinds(request.probes)
    tuned = read_probe_settings(request.probes, request.probe_settings)
    if request.parameters and not varies_parameters(probes):
        raise SettingError(
            "--parameters: expected a probe that varies parameters, got --probes "
            f"{','.join(request.probes or ())}. Add parameters or certificates, or leave "
            "--parameters out."
        )
    target = open_target(request.target, request.weights)
    data = _data(request, target)
    within = tuple(input_set(text, data.domain) for text in request.within) or data.customary
    parameters = tuple(parameter_set(text) for text in request.parameters)
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
    return subject, [_probe(kind, within, parameters, tuned.get(kind, {})) for kind in probes]


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
    asked = dict(zip(names or USUAL_PROBES, probe_kinds(names), strict=True))
    settings_by_kind: dict[type, dict[str, Any]] = {}
    for name, table in settings.items():
        if name not in asked:
            raise SettingError(
                f"settings.{name}: expected a probe that is asked, got {name}."
                f"{nearest(name, asked) or ' Add it to probes.'}"
            )
        for key in SETS:
            if key in table:
                raise SettingError(
                    f"settings.{name}.{key}: expected the sets beside the settings, got them "
                    'within. Write inputs = ["linf:0.1"] or parameters there.'
                )
        where = f"settings.{name}"
        settings_by_kind[asked[name]] = NAMES.read_settings(asked[name], table, where)
    return settings_by_kind


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


def probe_kinds(names: tuple[str, ...] | None) -> list[type]:
    """The classes of probes by their names; None means all but the slow ones.

    Raises:
        UnknownNameError: a name that no probe has.
        SettingError: a user's own name that cannot be imported, or is no probe's class.
    """
    kinds: list[type] = []
    for name in names or USUAL_PROBES:
        if name not in PROBES_BY_NAME and not is_own(name):
            raise UnknownNameError(
                f"--probes: there is no probe {name!r}.{nearest(name, PROBES_BY_NAME)}"
            )
        kind: Any = PROBES_BY_NAME.get(name) or find(name, "--probes")
        if not (isinstance(kind, type) and is_dataclass(kind) and isinstance(kind, Probe)):
            raise SettingError(
                f"--probes: expected the class of a probe, which is a frozen dataclass with "
                f"topic, names and a call, got {name}: {kind!r}. Name another."
            )
        kinds.append(kind)
    return kinds


def _probe(
    kind: type,
    within: tuple[InputSet, ...],
    parameters: tuple[ParameterSet, ...],
    tuned: Mapping[str, Any],
) -> Probe:
    """The probe with the sets it can use and its settings, once it is seen to be one."""
    probe = make_probe(kind, within, parameters, tuned)
    NAMES.check(Probe, probe, f"--probes {own_name(kind)}")
    return probe


def _device(text: str) -> torch.device:
    name = as_device(text)
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise SettingError("--device cuda: expected a CUDA device, got none. Use --device cpu.")
    return torch.device(name)
