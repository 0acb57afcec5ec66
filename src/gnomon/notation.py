"""Names the members of a choice: by a word, by a text with numbers, or by their module."""

import dataclasses
import functools
import inspect
import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Union, get_args, get_origin, get_type_hints, runtime_checkable

from gnomon.errors import SettingError

_OWN = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Choice:
    """The members a field may hold, by name.

    Attributes:
        members: the classes by their names.
        what: a member in words, such as "a training method"; for messages.
        tag: the key that carries the name.
        implied: the default member: if the name is not a member but a valid value of this
            member's first setting, that member is used. "relative:0.01" thus means a box with
            the radius law "relative"; the settings of both stand side by side.
        shorthands: a name for a member with some of its settings, such as "momentum" for "sgd"
            with momentum = 0.9; it is read, and never written.
    """

    members: Mapping[str, type]
    what: str = "a member"
    tag: str = "name"
    implied: str | None = None
    shorthands: Mapping[str, tuple[str, Mapping[str, object]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Imported:
    """A thing that was imported by name, and is written by that name.

    Attributes:
        name: the name, such as "my_package.models:ResNet18".
        settings: the arguments it is called with, as plain values.
    """

    name: str
    settings: Mapping[str, Any]


@runtime_checkable
class Importer(Protocol):
    """Imports things of a user's own by their names, and checks their kind."""

    def find(self, name: str, kind: Any, where: str) -> object:
        """The class or the object called "package.module:name".

        Args:
            name: the name in the configuration.
            kind: the abstract type that is expected.
            where: the place in the file, for messages.

        Raises:
            SettingError: the module cannot be imported, or has no such name.
        """
        ...

    def check(self, made: object, kind: Any, what: str, where: str) -> None:
        """Refuses an imported thing that is not of the expected kind.

        Args:
            made: the imported thing, made with its settings.
            kind: the abstract type that is expected.
            what: the type in words, such as "a training method".
            where: the place in the file, for messages.

        Raises:
            SettingError: it is of another kind.
        """
        ...


@dataclass(frozen=True)
class Notation:
    """The text form of one member: its name, and numbers for its settings in their order.

    Attributes:
        name: the name with which the text begins.
        keys: the settings that are numbers, in their order.
        needed: number of settings, from the first, that a text must have.

    >>> Notation("tanh", ("size", "slope", "divisor"), 1).read(["1/100", "10"])
    {'size': 0.01, 'slope': 10}
    """

    name: str
    keys: tuple[str, ...]
    needed: int

    def read(self, texts: Sequence[str], where: str = "") -> dict[str, int | float]:
        """The settings that the texts behind the name state, by key.

        Args:
            texts: numbers, or fractions such as 8/255.
            where: the place in the file, for messages.

        Raises:
            SettingError: too few or too many texts, or one that is neither.
        """
        try:
            numbers = [_number(text) for text in texts]
        except (ValueError, ZeroDivisionError):
            raise self._error(texts, where) from None
        if not self.needed <= len(numbers) <= len(self.keys):
            raise self._error(texts, where)
        return dict(zip(self.keys, numbers, strict=False))

    def __str__(self) -> str:
        """The form in words: "tanh:SIZE[:SLOPE[:DIVISOR]]"."""
        parts = [
            f":{key.upper()}" if place < self.needed else f"[:{key.upper()}"
            for place, key in enumerate(self.keys)
        ]
        return self.name + "".join(parts) + "]" * (len(self.keys) - self.needed)

    def _error(self, texts: Sequence[str], where: str) -> SettingError:
        got = repr(":".join(texts)) if texts else "no number"
        if not self.keys:
            return SettingError(
                f"{where}: expected {self} without numbers, got {got}. "
                "Write settings, if it has any, as a table."
            )
        what = "a number" if len(self.keys) == 1 else "each a number"
        return SettingError(
            f"{where}: expected {self}, {what} or a fraction such as 2/255, got {got}. "
            "Correct it."
        )


def is_own(name: str) -> bool:
    """Tells whether a name has the form "package.module:name" of a user's own things.

    >>> is_own("my_package.models:ResNet18"), is_own("relu")
    (True, False)
    """
    return _OWN.fullmatch(name) is not None


def own_name(thing: object) -> str:
    """The name "package.module:name" of a class, a function, or any other thing's class.

    >>> own_name(Choice)
    'gnomon.notation:Choice'
    """
    named = isinstance(thing, type) or inspect.isroutine(thing)
    kind: Any = thing if named else type(thing)
    return f"{kind.__module__}:{kind.__qualname__}"


def notation_of(name: str, kind: type) -> Notation:
    """The text form of a member of that name."""
    keys = [
        key for key, each in settings_of(kind).items() if without_none(each) in {int, float}
    ]
    needed = [key for key in required(kind) if key in keys]
    return Notation(name, tuple(keys), len(needed))


@functools.cache
def settings_of(kind: type) -> Mapping[str, Any]:
    """The settings of a record class and their types: its constructor's named parameters."""
    hints = get_type_hints(kind.__init__)
    return {item.name: hints.get(item.name, Any) for item in _parameters(kind)}


def required(kind: type) -> list[str]:
    """The names of the settings that have no default."""
    return [item.name for item in _parameters(kind) if item.default is inspect.Parameter.empty]


@functools.cache
def defaults(kind: type) -> Mapping[str, object]:
    """The default of each setting that has one; made anew where a factory makes it."""
    made = {
        item.name: item.default_factory()
        for item in (dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ())
        if item.default_factory is not dataclasses.MISSING
    }
    return {item.name: item.default for item in _parameters(kind)} | made


def without_none(kind: Any) -> Any:
    """The annotation `X` for `X | None`; any other annotation unchanged.

    >>> without_none(int | None), without_none(str)
    (<class 'int'>, <class 'str'>)
    """
    if get_origin(kind) in {Union, types.UnionType}:
        others = [item for item in get_args(kind) if item is not type(None)]
        return others[0] if len(others) == 1 else kind
    return kind


def _number(text: str) -> int | float:
    numerator, slash, denominator = text.partition("/")
    if slash:
        return float(numerator) / float(denominator)
    return int(text) if text.isdecimal() else float(text)


@functools.cache
def _parameters(kind: type) -> list[inspect.Parameter]:
    """The parameters without *args and **kwargs, which a module inherits from torch."""
    star = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    return [
        item for item in inspect.signature(kind).parameters.values() if item.kind not in star
    ]
