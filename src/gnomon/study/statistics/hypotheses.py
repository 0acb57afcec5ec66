"""What a study claims beforehand: a record for each claim, with what decides it."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, final

from gnomon.errors import SettingError
from gnomon.records import Choice, Names


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """A claim about one finding. Abstract: the kinds are `KINDS`.

    Attributes:
        finding: the title of the finding, such as "attacked_accuracy[linf:0.5]".
        name: how the report calls it, such as "H1".
        claim: in words for readers.
        per: axes; the claim is decided for each combination of their values.
        level: the largest chance of a wrong "supported" that is accepted for the whole study.
        smallest: the least effect that matters, in the unit of the finding: a difference of
            means, or a change from the lowest to the highest value of the axis. With it, an
            effect can be shown to be too small to matter.
    """

    finding: str
    name: str = ""
    claim: str = ""
    per: tuple[str, ...] = ()
    level: float = 0.05
    smallest: float | None = None

    kind: ClassVar[str]
    """Its name in a study's file."""

    def __post_init__(self) -> None:
        if type(self) is Hypothesis:
            raise TypeError("Hypothesis is abstract; use one of its kinds")
        if not 0 < self.level < 0.5:
            raise SettingError(
                f"level: expected a number between 0 and 0.5, got {self.level}. "
                "Write for example 0.05."
            )
        if self.smallest is not None and not 0 < self.smallest < math.inf:
            raise SettingError(
                f"smallest: expected a number above 0, got {self.smallest}. Give the least "
                "effect that matters, or leave it out."
            )
        if self.axis in self.per:
            raise SettingError(
                f"per: expected other axes than {self.axis}, which the claim is about, got "
                f"{', '.join(self.per)}. Remove it from per."
            )

    @property
    def axis(self) -> str:
        """The axis whose values are compared; empty where none are."""
        raise NotImplementedError

    @property
    def keys(self) -> tuple[str, ...]:
        """All axes that the hypothesis names."""
        return (self.axis, *self.per) if self.axis else self.per

    @property
    def title(self) -> str:
        """The name and the claim; without a claim, what is tested."""
        return ": ".join(part for part in (self.name, self.claim or self.statement) if part)

    @property
    def statement(self) -> str:
        """What is tested, in words."""
        raise NotImplementedError


@final
@dataclass(frozen=True, kw_only=True)
class Rises(Hypothesis):
    """The finding grows with a numeric axis.

    Attributes:
        along: the axis.
    """

    along: str
    kind: ClassVar[str] = "rises"

    @property
    def axis(self) -> str:
        """The numeric axis."""
        return self.along

    @property
    def statement(self) -> str:
        """What is tested, in words."""
        return f"{self.finding} rises with {self.along}"


@final
@dataclass(frozen=True, kw_only=True)
class Falls(Hypothesis):
    """The finding shrinks as a numeric axis grows.

    Attributes:
        along: the axis.
    """

    along: str
    kind: ClassVar[str] = "falls"

    @property
    def axis(self) -> str:
        """The numeric axis."""
        return self.along

    @property
    def statement(self) -> str:
        """What is tested, in words."""
        return f"{self.finding} falls with {self.along}"


@final
@dataclass(frozen=True, kw_only=True)
class Greater(Hypothesis):
    """The finding is greater for the first value of an axis than for the second.

    Attributes:
        of: the axis.
        values: two of its values.
    """

    of: str
    values: tuple[Any, Any]
    kind: ClassVar[str] = "greater"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_two(self.values)

    @property
    def axis(self) -> str:
        """The axis that has the two values."""
        return self.of

    @property
    def statement(self) -> str:
        """What is tested, in words."""
        first, second = map(shown, self.values)
        return f"{self.finding} is greater for {first} than for {second}"


@final
@dataclass(frozen=True, kw_only=True)
class Less(Hypothesis):
    """The finding is less for the first value of an axis than for the second.

    Attributes:
        of: the axis.
        values: two of its values.
    """

    of: str
    values: tuple[Any, Any]
    kind: ClassVar[str] = "less"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_two(self.values)

    @property
    def axis(self) -> str:
        """The axis that has the two values."""
        return self.of

    @property
    def statement(self) -> str:
        """What is tested, in words."""
        first, second = map(shown, self.values)
        return f"{self.finding} is less for {first} than for {second}"


@final
@dataclass(frozen=True, kw_only=True)
class Differs(Hypothesis):
    """The finding differs between two values of an axis, in either direction.

    Attributes:
        of: the axis.
        values: two of its values.
    """

    of: str
    values: tuple[Any, Any]
    kind: ClassVar[str] = "differs"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_two(self.values)

    @property
    def axis(self) -> str:
        """The axis that has the two values."""
        return self.of

    @property
    def statement(self) -> str:
        """What is tested, in words."""
        first, second = map(shown, self.values)
        return f"{self.finding} differs between {first} and {second}"


@final
@dataclass(frozen=True, kw_only=True)
class Above(Hypothesis):
    """The finding is greater than a number, or than another finding of the same networks.

    Attributes:
        than: the number, in the unit of the finding, or the title of the other finding.
    """

    than: float | str
    kind: ClassVar[str] = "above"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_other(self.finding, self.than)

    @property
    def axis(self) -> str:
        """None: it compares no values of an axis."""
        return ""

    @property
    def statement(self) -> str:
        """What is tested, in words."""
        return f"{self.finding} is above {shown(self.than)}"


@final
@dataclass(frozen=True, kw_only=True)
class Below(Hypothesis):
    """The finding is less than a number, or than another finding of the same networks.

    Attributes:
        than: the number, in the unit of the finding, or the title of the other finding.
    """

    than: float | str
    kind: ClassVar[str] = "below"

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_other(self.finding, self.than)

    @property
    def axis(self) -> str:
        """None: it compares no values of an axis."""
        return ""

    @property
    def statement(self) -> str:
        """What is tested, in words."""
        return f"{self.finding} is below {shown(self.than)}"


HYPOTHESES: Mapping[str, type[Hypothesis]] = {
    each.kind: each for each in (Rises, Falls, Greater, Less, Differs, Above, Below)
}
"""The kinds, by their names in a study's file."""

KINDS = Names({Hypothesis: Choice(HYPOTHESES, tag="kind")})
"""Reads and writes hypotheses: `KINDS.read(Hypothesis, {"kind": "rises", …})`."""


def canonical(value: object) -> Any:  # noqa: ANN401 - any plain value
    """The value as it stands in a table of results: a list as compact JSON text.

    >>> canonical([50, 50]), canonical("[50, 50]"), canonical(2)
    ('[50,50]', '[50,50]', 2)
    """
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return value
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return value


def shown(value: object) -> str:
    """The value for readers.

    >>> shown(2.0), shown([50, 50]), shown([50, 50, 50]), shown("relu")
    ('2', '[50, 50]', '[3 × 50]', 'relu')
    """
    plain = canonical(value)
    if isinstance(plain, str) and plain[:1] == "[":
        items: list[object] = json.loads(plain)
        if len(items) > 2 and all(item == items[0] for item in items):
            return f"[{len(items)} × {shown(items[0])}]"
    if isinstance(plain, float):
        return f"{plain:.6g}"
    if isinstance(plain, str) and plain[:1] in {"[", "{"}:
        return plain.replace(",", ", ")
    return "none" if plain is None else str(plain)


def _check_other(finding: str, than: float | str) -> None:
    if than == finding or (isinstance(than, float) and not math.isfinite(than)):
        raise SettingError(
            f"than: expected a finite number or another finding, got {than!r}. Change it."
        )


def _check_two(values: tuple[Any, Any]) -> None:
    if canonical(values[0]) == canonical(values[1]):
        raise SettingError(
            f"values: expected two different values, got {values[0]!r} twice. Change one."
        )
