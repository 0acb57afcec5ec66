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
        if not hasattr(self, "kind"):
            raise TypeError(f"{type(self).__name__} is abstract; use one of its kinds")
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


@dataclass(frozen=True, kw_only=True)
class Trend(Hypothesis):
    """A claim about the way a finding takes along a numeric axis. Abstract.

    Attributes:
        along: the axis.
    """

    along: str

    @property
    def axis(self) -> str:
        """The numeric axis."""
        return self.along

    @property
    def statement(self) -> str:
        """What is tested, in words."""
        return f"{self.finding} {self.kind} with {self.along}"


@final
@dataclass(frozen=True, kw_only=True)
class Rises(Trend):
    """The finding grows with the axis."""

    kind: ClassVar[str] = "rises"


@final
@dataclass(frozen=True, kw_only=True)
class Falls(Trend):
    """The finding shrinks as the axis grows."""

    kind: ClassVar[str] = "falls"


@dataclass(frozen=True, kw_only=True)
class Comparison(Hypothesis):
    """A claim about two values of an axis, of which each seed has both. Abstract.

    Attributes:
        of: the axis.
        values: two of its values.
    """

    of: str
    values: tuple[Any, Any]

    phrase: ClassVar[str]
    """What is tested, in words, with places for the values."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if canonical(self.values[0]) == canonical(self.values[1]):
            raise SettingError(
                f"values: expected two different values, got {self.values[0]!r} twice. "
                "Change one."
            )

    @property
    def axis(self) -> str:
        """The axis that has the two values."""
        return self.of

    @property
    def statement(self) -> str:
        """What is tested, in words."""
        return f"{self.finding} {self.phrase.format(*map(shown, self.values))}"


@final
@dataclass(frozen=True, kw_only=True)
class Greater(Comparison):
    """The finding is greater for the first value than for the second."""

    kind: ClassVar[str] = "greater"
    phrase: ClassVar[str] = "is greater for {} than for {}"


@final
@dataclass(frozen=True, kw_only=True)
class Less(Comparison):
    """The finding is less for the first value than for the second."""

    kind: ClassVar[str] = "less"
    phrase: ClassVar[str] = "is less for {} than for {}"


@final
@dataclass(frozen=True, kw_only=True)
class Differs(Comparison):
    """The finding differs between the two values, in either direction."""

    kind: ClassVar[str] = "differs"
    phrase: ClassVar[str] = "differs between {} and {}"


@dataclass(frozen=True, kw_only=True)
class Limit(Hypothesis):
    """A claim about a finding beside a number, or another of the same networks. Abstract.

    Attributes:
        than: the number, in the unit of the finding, or the title of the other finding.
    """

    than: float | str

    def __post_init__(self) -> None:
        super().__post_init__()
        number = self.than if isinstance(self.than, float) else 0.0
        if self.than == self.finding or not math.isfinite(number):
            raise SettingError(
                f"than: expected a finite number or another finding, got {self.than!r}. "
                "Change it."
            )

    @property
    def axis(self) -> str:
        """None: it compares no values of an axis."""
        return ""

    @property
    def statement(self) -> str:
        """What is tested, in words."""
        return f"{self.finding} is {self.kind} {shown(self.than)}"


@final
@dataclass(frozen=True, kw_only=True)
class Above(Limit):
    """The finding is greater than the other."""

    kind: ClassVar[str] = "above"


@final
@dataclass(frozen=True, kw_only=True)
class Below(Limit):
    """The finding is less than the other."""

    kind: ClassVar[str] = "below"


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
    >>> shown({"name": "app", "radius": "tanh:0.01"})
    'app (radius tanh:0.01)'
    """
    plain = canonical(value)
    if isinstance(plain, str) and plain[:1] == "[":
        items: list[object] = json.loads(plain)
        if len(items) > 2 and all(item == items[0] for item in items):
            return f"[{len(items)} × {shown(items[0])}]"
    if isinstance(plain, float):
        return f"{plain:.6g}"
    if isinstance(plain, str) and plain[:1] == "{":
        return _shown_table(json.loads(plain))
    if isinstance(plain, str) and plain[:1] == "[":
        return plain.replace(",", ", ")
    return "none" if plain is None else str(plain)


def _shown_table(table: Mapping[str, object]) -> str:
    """The name of what it describes, if it has one, and its settings."""
    name = table.get("name", "")
    others = ", ".join(
        f"{key.replace('_', ' ')} {shown(value)}"
        for key, value in table.items()
        if key != "name"
    )
    return f"{name} ({others})" if name and others else str(name or others or "{}")
