"""Converts records (frozen dataclasses, modules with settings) to and from plain mappings.

A record's fields are its settings, and its settings are what a configuration file says. Where a
field may hold one of several kinds of thing (an optimiser, a schedule, an activation), the file
names it:

    schedule = "cosine"                              # all its own settings at their defaults
    schedule = { name = "cosine", restarts = 2 }     # or some of them given
    within = "linf:8/255"                            # those that are numbers, in their order

    method = "my_package.training:Mine"              # a class of the user's own

The front end passes to `Names` the tables of names, and an importer of a user's own things.
"""

import dataclasses
import functools
import hashlib
import inspect
import json
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast, get_args, get_origin

import tomli_w
from pydantic import ConfigDict, TypeAdapter, ValidationError

from gnomon.errors import DataError, SettingError, UnknownNameError, nearest
from gnomon.files import write_text
from gnomon.notation import (
    Choice,
    Imported,
    Importer,
    defaults,
    is_own,
    notation_of,
    own_name,
    required,
    settings_of,
    without_none,
)

T = TypeVar("T")
_Keep = Callable[[object, str, object], bool]
"""Decides whether a record's setting of this name and value is written."""


class Names:
    """Translates between records and mappings.

    Args:
        choices: the members behind each abstract type.
        importer: imports things named "package.module:name"; without it such names are unknown.
    """

    def __init__(self, choices: Mapping[Any, Choice], importer: Importer | None = None) -> None:
        self._choices, self._importer = choices, importer

    def read(self, kind: type[T], value: object, where: str = "") -> T:
        """The record of type `kind` that the plain `value` describes.

        Args:
            kind: a record class, an abstract type with a `Choice`, or an ordinary annotation.
            value: the value that a TOML or JSON reader returned.
            where: the place in the file, for messages: `training.schedule`.

        Raises:
            SettingError: unknown key (the nearest known one is suggested), wrong type, bad
                value.
            UnknownNameError: a name that no member of the choice has.
        """
        return cast("T", self._read(kind, value, where))

    def read_settings(
        self, kind: type, value: Mapping[str, object], where: str = ""
    ) -> dict[str, Any]:
        """The settings of a record of type `kind` that the plain `value` has, by name.

        Raises:
            SettingError: unknown key (the nearest known one is suggested), wrong type.
            UnknownNameError: a name that no member of the choice has.
        """
        kinds = settings_of(kind)
        _check_keys(value, kinds, where)
        return {
            key: self._read(kinds[key], item, _join(where, key)) for key, item in value.items()
        }

    def table(self, kind: Any, text: str, where: str = "") -> dict[str, object]:
        """The table that a text stands for: "linf:1/8" is { name = "linf", radius = 0.125 }.

        A text that does not begin with a known name is a name as a whole.

        Raises:
            SettingError: too few or too many numbers for the settings of that name.
        """
        return self._table(self._choices.get(without_none(kind), Choice({})), text, where)

    def kind_at(self, kind: Any, plain: Mapping[str, object], key: str) -> Any:
        """The type of the setting `key` in the table `plain` of a `kind`; None if unknown."""
        kind = without_none(kind)
        if kind in self._choices:
            choice = self._choices[kind]
            name = str(plain.get(choice.tag))
            kind = choice.members.get(choice.shorthands.get(name, (name,))[0])
        elif not self._is_record(kind):
            kind = None
        return settings_of(kind).get(key) if kind is not None else None

    def write(self, record: object) -> Any:
        """A plain value from which `read` restores an equal record.

        Settings that are None are omitted.

        Raises:
            SettingError: a thing of the user's own cannot be named in a file.
        """
        return self._write(record, _has_value)

    def write_changes(self, record: object) -> Any:
        """A plain value as `write` returns it, without the settings at their defaults.

        It stays the same when the record's class gains a setting with a default.
        """
        return self._write(record, _is_changed)

    def _write(self, record: object, keep: _Keep, kind: Any = None) -> Any:
        """The plain value of a record that stands where one of type `kind` is expected."""
        choice, name = self._name_of(record, kind)
        if name:
            settings = self._write_settings(record, keep)
            return {choice.tag: name, **settings} if settings or choice.tag != "name" else name
        if dataclasses.is_dataclass(record):
            return self._write_settings(record, keep)
        inner = (
            get_args(kind)[-1] if get_origin(kind) is Mapping else (*get_args(kind), None)[0]
        )
        if isinstance(record, Mapping):
            items = cast("Mapping[str, object]", record).items()
            return {key: self._write(item, keep, inner) for key, item in items}
        if isinstance(record, list | tuple):
            items = cast("Sequence[object]", record)
            return [self._write(item, keep, inner) for item in items]
        if inspect.isroutine(record):
            record = own_name(record)
        return str(record) if isinstance(record, Path) else record

    def _name_of(self, record: object, kind: Any) -> tuple[Choice, str]:
        """The choice that a record belongs to, and its name in it; empty if to none.

        Raises:
            SettingError: the record is a user's own and cannot be imported by a name, and names
                are to be read again by an importer.
        """
        for choice in self._choices.values():
            for name, member in choice.members.items():
                if type(record) is member:
                    return choice, name
        choice = self._choices.get(without_none(kind))
        if choice is None:
            return Choice({}), ""
        name = record.name if isinstance(record, Imported) else own_name(record)
        if self._importer is not None and not is_own(name):
            raise SettingError(
                f"{name}: expected {choice.what} that a file can name, got one that is defined "
                "within a function. Define it at the top of a module."
            )
        return choice, name

    def _read(self, kind: Any, value: object, where: str) -> object:
        kind = without_none(kind)
        if kind in self._choices:
            return self._read_choice(kind, value, where)
        if self._is_record(kind):
            return self._read_settings(kind, _mapping(value, where), where)
        if get_origin(kind) is tuple and self._is_record(get_args(kind)[0]):
            return self._read_sequence(get_args(kind)[0], value, where)
        if get_origin(kind) is Mapping and self._is_record(get_args(kind)[1]):
            return {
                key: self._read(get_args(kind)[1], item, _join(where, key))
                for key, item in _mapping(value, where).items()
            }
        return _plain(kind, value, where)

    def _is_record(self, kind: Any) -> bool:
        """Tells whether values of this type have settings of their own."""
        return kind in self._choices or (
            dataclasses.is_dataclass(kind) and isinstance(kind, type)
        )

    def _read_sequence(self, kind: Any, value: object, where: str) -> tuple[object, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise SettingError(
                f"{where}: expected a list of tables, got {value!r}. Write each as [[{where}]]."
            )
        items = cast("Sequence[object]", value)
        return tuple(
            self._read(kind, item, f"{where}[{index}]") for index, item in enumerate(items)
        )

    def _read_choice(self, kind: Any, value: object, where: str) -> object:
        choice = self._choices[kind]
        named = self._named(choice)
        if isinstance(value, str):
            settings = self._table(choice, value, where)
        else:
            settings = dict(_mapping(value, where))
        name = settings.pop(choice.tag, None)
        if isinstance(name, str) and name in choice.shorthands:
            name, preset = choice.shorthands[name]
            settings = {**preset, **settings}
        if not isinstance(name, str):
            known, got = ", ".join(sorted(named)), "nothing" if name is None else name
            raise SettingError(
                f"[{where}]: expected the key '{choice.tag}' with one of {known}; got {got}."
            )
        if name not in named and self._importer and is_own(name):
            return self._read_own(kind, name, settings, where)
        if name not in named:
            first, _, _ = name.partition(":")
            known_names = {**named, **choice.shorthands}
            raise UnknownNameError(
                f"{where}: nothing is named {name!r}.{nearest(first, known_names)}"
            )
        if isinstance(value, str) and not settings:
            notation_of(name, named[name]).read((), where)
        if name not in choice.members:
            return self._read_implied(choice, name, settings, where)
        return self._read_settings(choice.members[name], settings, where)

    def _read_own(self, kind: Any, name: str, settings: dict[str, Any], where: str) -> object:
        """The thing that a user's own name stands for, made with its settings."""
        assert self._importer is not None
        thing, what = self._importer.find(name, kind, where), self._choices[kind].what
        if isinstance(thing, type):
            thing = self._read_settings(thing, settings, where)
        elif isinstance(thing, Imported):
            thing = dataclasses.replace(thing, settings=settings)
        elif settings:
            raise SettingError(
                f"{_join(where, next(iter(settings)))}: expected no settings, since {name} is "
                f"{what} already and no class, got {settings}. Name its class, or drop them."
            )
        self.check(kind, thing, where)
        return thing

    def check(self, kind: Any, made: object, where: str) -> None:
        """Refuses a thing of the user's own that is not of a kind.

        Raises:
            SettingError: it is of another kind.
        """
        if self._importer:
            self._importer.check(made, kind, self._choices[kind].what, where)

    def _table(self, choice: Choice, text: str, where: str) -> dict[str, object]:
        name, *numbers = text.split(":")
        member = self._named(choice).get(name)
        if member is None or not numbers:
            return {choice.tag: text}
        return {choice.tag: name, **notation_of(name, member).read(numbers, where)}

    def _named(self, choice: Choice) -> Mapping[str, type]:
        """The class of each name, including names that stand for the implied member."""
        if choice.implied is None:
            return choice.members
        _, inner = self._first_setting(choice.members[choice.implied])
        return {**inner.members, **choice.members}

    def _first_setting(self, kind: type) -> tuple[str, Choice]:
        key, first = next(iter(settings_of(kind).items()))
        return key, self._choices[first]

    def _read_implied(
        self, choice: Choice, name: str, value: Mapping[str, object], where: str
    ) -> object:
        """Reads the implied member whose first setting has that name, with both's settings."""
        outer = choice.members[cast("str", choice.implied)]
        key, inner = self._first_setting(outer)
        own = settings_of(inner.members[name])
        _check_keys(value, {*own, *settings_of(outer)} - {key}, where)
        first = {each: value[each] for each in value if each in own}
        rest = {each: value[each] for each in value if each not in own}
        made = self._read_settings(inner.members[name], first, where)
        return _made(outer, {key: made, **self.read_settings(outer, rest, where)}, where)

    def _read_settings(self, kind: type, value: Mapping[str, object], where: str) -> object:
        return _made(kind, self.read_settings(kind, value, where), where)

    def _write_settings(self, record: object, keep: _Keep) -> dict[str, Any]:
        if isinstance(record, Imported):
            return dict(record.settings)
        kinds = {} if inspect.isroutine(record) else settings_of(type(record))
        try:
            values = {key: getattr(record, key) for key in kinds}
        except AttributeError as error:
            raise SettingError(
                f"{type(record).__name__}: expected each setting to be kept as an attribute of "
                f"its name, got: {error}. Assign it in the constructor."
            ) from error
        return {
            key: self._write(value, keep, kinds[key])
            for key, value in values.items()
            if keep(record, key, value)
        }


def _check_keys(value: Mapping[str, object], known: Collection[str], where: str) -> None:
    for key in value:
        if key not in known:
            raise SettingError(
                f"{_join(where, key)}: there is no such key.{nearest(key, known)}"
            )


def _made(kind: type, settings: Mapping[str, Any], where: str) -> object:
    missing = [key for key in required(kind) if key not in settings]
    if missing:
        raise SettingError(
            f"{_join(where, missing[0])}: expected a value, got none. Add the key."
        )
    try:
        return kind(**settings)
    except SettingError as error:
        raise SettingError(f"[{where}] {error}" if where else str(error)) from error


def _has_value(record: object, key: str, value: object) -> bool:  # noqa: ARG001 - `_is_changed` needs them
    return value is not None


def _is_changed(record: object, key: str, value: object) -> bool:
    default = defaults(type(record)).get(key, inspect.Parameter.empty)
    return value is not None and (type(value) is not type(default) or value != default)


def fingerprint(plain: object) -> str:
    """SHA-256 (first 16 hex digits) of a plain value, independent of the order of its keys.

    >>> fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    True
    """
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        DataError: the file is missing, unreadable, or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: expected a readable TOML file, got: {error}. Check the path."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise DataError(
            f"{path}: expected TOML, got a syntax error: {error}. Correct that line."
        ) from error


def write_toml(path: Path, plain: Mapping[str, Any]) -> None:
    """Writes a mapping as TOML, whole or not at all."""
    write_text(path, tomli_w.dumps(plain))


def _plain(kind: Any, value: object, where: str) -> object:
    """Converts `value` to `kind`, strictly: no text for a number, no bool for an integer."""
    try:
        return _reader(kind)(json.dumps(value, default=str))
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].replace("Input should be", "expected").replace("valid ", "")
        reason = reason.replace("a integer", "an integer")
        place = _join(where, *(str(part) for part in first["loc"]))
        raise SettingError(f"{place}: {reason}, got {value!r}. Correct the value.") from error


@functools.cache
def _reader(kind: Any) -> Callable[[str], object]:
    """A function from JSON text to a value of this type; slow to make, so made once."""
    return TypeAdapter(kind, config=ConfigDict(strict=True)).validate_json


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise SettingError(
            f"{where}: expected a table of keys, got {value!r}. Write it as [{where}]."
        )
    return cast("Mapping[str, object]", value)


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)
