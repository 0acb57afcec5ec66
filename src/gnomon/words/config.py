"""The configuration: the same keys in a TOML file, on the command line, and in Python.

A configuration is a plain mapping until `experiment` reads it; the mapping that `describe`
gives back has every default written out, and is what a run folder keeps.
"""

import copy
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

from gnomon.data import SOURCES, Source
from gnomon.errors import SettingError, UnknownNameError, nearest
from gnomon.records import read_toml
from gnomon.sets import Domain, InputSet, ParameterSet
from gnomon.training import Device, Experiment
from gnomon.words.names import NAMES


def read_config(path: Path, settings: Iterable[str] = ()) -> dict[str, Any]:
    """The mapping in a TOML file, with `settings` such as "training.epochs=3" put in.

    Raises:
        DataError: the file is missing or not TOML.
        SettingError: a setting is not of the form key=value, or goes through a key that is no
            table.
    """
    return override(read_toml(path), settings)


def override(config: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """A copy of `config` with each "table.key=value" put in.

    Values are written as in TOML; a bare word is text, so that `data.name=mnist` needs no
    quotes.

    Raises:
        SettingError: no "=" in a setting, or a part of its key is no table.
    """
    changed = copy.deepcopy(dict(config))
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip():
            raise SettingError(
                f"--set: expected KEY=VALUE such as training.epochs=3, got {setting!r}. "
                "Correct it."
            )
        assign(changed, key.strip(), _value(value.strip()), f"--set {setting}")
    return changed


def assign(config: dict[str, Any], key: str, value: object, where: str = "config") -> None:
    """Puts `value` at the key "table.key" of `config`, making tables that are not there.

    What is written as a text becomes a table: "cosine", or "linf:8/255" with its radius.

    Raises:
        SettingError: a part of the key is no table, or a text whose numbers do not fit its
            name; `where` says to the user what was set.
    """
    *tables, last = key.split(".")
    place, kind = config, Experiment
    for table in tables:
        kind, there = NAMES.kind_at(kind, place, table), place.get(table)
        if isinstance(there, str):
            place[table] = NAMES.table(kind, there, where)
        place = place.setdefault(table, {})
        if not isinstance(place, dict):
            raise SettingError(
                f"{where}: expected a table at '{table}', got a value. Use its own key."
            )
    place[last] = value


def experiment(config: Mapping[str, Any]) -> Experiment:
    """The experiment a configuration describes.

    `data.name` may be a known name, or the path of an .npz file, a Parquet file or a folder.

    Raises:
        SettingError: unknown key (with the nearest right one), wrong type, or value out of
            range.
        UnknownNameError: a name that the catalogue does not have.
    """
    return NAMES.read(Experiment, _with_path(config))


def data_source(table: object) -> Source:
    """The source of data that the table [data] describes: a mapping, or just a name or path.

    Raises:
        SettingError: unknown key, wrong type, or value out of range.
        UnknownNameError: a name that the catalogue does not have, and that is no path to data.
    """
    return NAMES.read(Source, _with_path({"data": table})["data"], "data")


def as_device(text: str) -> Device:
    """The device that the text names.

    Raises:
        UnknownNameError: it is none of auto, cpu and cuda.
    """
    known: dict[str, Device] = {name: name for name in get_args(Device)}
    if text not in known:
        raise UnknownNameError(f"--device {text}: no such device.{nearest(text, known)}")
    return known[text]


def input_set(text: str, domain: Domain) -> InputSet:
    """The perturbation set that "norm:radius" names, such as "linf:2/255", "l2:0.5" or "l1:3".

    Raises:
        UnknownNameError: a norm that the catalogue does not have.
        SettingError: the radius is no number ≥ 0 and no fraction, or there is more than it.
    """
    found = NAMES.read(InputSet, text, f"--inputs {text}")
    return replace(cast("Any", found), domain=domain)


def parameter_set(text: str) -> ParameterSet:
    """The set of parameters that "law:size" names, such as "relative:0.01".

    A law is one of a box, on all weights and biases; "tanh:0.01:10:3.16" has the slope and the
    divisor of its law, too. The layer-wise Euclidean ball is "ball:0.01".

    Raises:
        UnknownNameError: a law that the catalogue does not have.
        SettingError: too many or too few numbers, or one that is out of range.
    """
    return NAMES.read(ParameterSet, text, f"--parameters {text}")


def _with_path(config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which a path as `data.name` is absolute, and named after the source for it."""
    changed = copy.deepcopy(dict(config))
    data = changed.get("data")
    if isinstance(data, str):
        data = changed["data"] = {"name": data}
    name = data.get("name") if isinstance(data, dict) else None
    if isinstance(data, dict) and isinstance(name, str) and name not in SOURCES:
        path = Path(name)
        suffix = "/" if path.is_dir() else path.suffix
        for reader, source in SOURCES.items():
            if getattr(source, "suffix", None) == suffix:
                data |= {"name": reader, "path": str(path.resolve())}
    return changed


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
