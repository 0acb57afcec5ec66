"""Hypotheses: the claims of a study, stated before its results are seen."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

from gnomon.errors import SettingError
from gnomon.records import Choice, Names
from gnomon.study.axis_values import canonical, shown


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """A claim about one finding. Abstract: the kinds are `KINDS`.

    Attributes:
        finding: title of the finding, such as "attacked_accuracy[linf:0.5]".
        name: short name in the report, such as "H1".
        claim: the claim in words for readers.
        per: axes; the claim is decided for each combination of their values.
        level: α, the largest accepted chance of a wrong "supported" in the whole study.
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
    """The name of the kind in a study's file."""
    sign: ClassVar[Literal[1, 0, -1]]
    """1 where a larger value is claimed, −1 where a smaller one is, 0 for either."""

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
        """The tested statement, in words."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Trend(Hypothesis):
    """A claim about how a finding changes along a numeric axis. Abstract.

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
        """The tested statement, in words."""
        return f"{self.finding} {self.kind} with {self.along}"


@final
@dataclass(frozen=True, kw_only=True)
class Rises(Trend):
    """The finding grows with the axis."""

    kind: ClassVar[str] = "rises"
    sign: ClassVar[Literal[1, 0, -1]] = 1


@final
@dataclass(frozen=True, kw_only=True)
class Falls(Trend):
    """The finding shrinks as the axis grows."""

    kind: ClassVar[str] = "falls"
    sign: ClassVar[Literal[1, 0, -1]] = -1


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
    """The tested statement, with places for the two values."""

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
        """The tested statement, in words."""
        return f"{self.finding} {self.phrase.format(*map(shown, self.values))}"


@final
@dataclass(frozen=True, kw_only=True)
class Greater(Comparison):
    """The finding is greater for the first value than for the second."""

    kind: ClassVar[str] = "greater"
    sign: ClassVar[Literal[1, 0, -1]] = 1
    phrase: ClassVar[str] = "is greater for {} than for {}"


@final
@dataclass(frozen=True, kw_only=True)
class Less(Comparison):
    """The finding is less for the first value than for the second."""

    kind: ClassVar[str] = "less"
    sign: ClassVar[Literal[1, 0, -1]] = -1
    phrase: ClassVar[str] = "is less for {} than for {}"


@final
@dataclass(frozen=True, kw_only=True)
class Differs(Comparison):
    """The finding differs between the two values, in either direction."""

    kind: ClassVar[str] = "differs"
    sign: ClassVar[Literal[1, 0, -1]] = 0
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
        """Empty: no values of an axis are compared."""
        return ""

    @property
    def statement(self) -> str:
        """The tested statement, in words."""
        return f"{self.finding} is {self.kind} {shown(self.than)}"


@final
@dataclass(frozen=True, kw_only=True)
class Above(Limit):
    """The finding is greater than the other."""

    kind: ClassVar[str] = "above"
    sign: ClassVar[Literal[1, 0, -1]] = 1


@final
@dataclass(frozen=True, kw_only=True)
class Below(Limit):
    """The finding is less than the other."""

    kind: ClassVar[str] = "below"
    sign: ClassVar[Literal[1, 0, -1]] = -1


HYPOTHESES: Mapping[str, type[Hypothesis]] = {
    each.kind: each for each in (Rises, Falls, Greater, Less, Differs, Above, Below)
}
"""The kinds, by their names in a study's file."""

KINDS = Names({Hypothesis: Choice(HYPOTHESES, tag="kind")})
"""Reads and writes hypotheses: `KINDS.read(Hypothesis, {"kind": "rises", …})`."""
