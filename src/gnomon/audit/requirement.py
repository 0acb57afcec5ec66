"""Requirements: what an audit must show to pass, such as "clean_accuracy >= 0.95"."""

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.topics import PROBES
from gnomon.errors import SettingError, UnknownNameError, nearest

RELATIONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
}
FINDING_NAMES = tuple(sorted(name for probe in PROBES for name in probe.names))
"""Names of the figures that a requirement can be about."""

_FORM = re.compile(r"\s*(\w+)\s*(?:\[([^\]]*)\])?\s*(>=|<=|==|>|<)\s*(\S+)\s*")


@dataclass(frozen=True)
class Requirement:
    """A bound on every finding of a name, or on those under one condition.

    Attributes:
        name: of the findings, such as "attacked_accuracy".
        condition: such as "linf:0.1"; empty means under every condition that was examined.
        relation: one of >= > <= < ==.
        bound: what the value is compared with.
    """

    name: str
    condition: str
    relation: str
    bound: float

    def __str__(self) -> str:
        condition = f"[{self.condition}]" if self.condition else ""
        return f"{self.name}{condition} {self.relation} {self.bound:g}"

    def check(self, audit: Audit) -> "Verdict":
        """Tells whether the value (not the interval) of each finding it names keeps the bound.

        A finding without a figure keeps no bound.

        Raises:
            SettingError: the audit holds no such finding, so that nothing can be said.
        """
        named = [finding for finding in audit.findings if finding.name == self.name]
        about = [each for each in named if _same_condition(self.condition, each.condition)]
        if not about:
            there = ", ".join(dict.fromkeys(finding.title for finding in audit.findings))
            raise SettingError(
                f"{self}: expected a finding of that name and condition, got an audit with "
                f"{there or 'no finding'}. Ask for that probe or input set."
            )
        keeps = RELATIONS[self.relation]
        failing = tuple(
            each for each in about if each.value is None or not keeps(each.value, self.bound)
        )
        return Verdict(self, audit.name, tuple(about), failing)


@dataclass(frozen=True)
class Verdict:
    """The verdict of an audit on a requirement.

    Attributes:
        requirement: what was required.
        subject: the name of the network.
        findings: all that it is about; at least one.
        failing: those that do not keep the bound.
    """

    requirement: Requirement
    subject: str
    findings: tuple[Finding, ...]
    failing: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Every finding keeps the bound."""
        return not self.failing

    def __str__(self) -> str:
        if self.holds:
            seen = ", ".join(_seen(finding) for finding in self.findings)
            return f"holds: {self.requirement} for {self.subject} ({seen})"
        seen = ", ".join(_seen(finding) for finding in self.failing)
        return f"fails: {self.requirement} for {self.subject}; found {seen}"


def parse_requirement(text: str) -> Requirement:
    """The requirement that a text such as "attacked_accuracy[linf:8/255] >= 0.4" states.

    Raises:
        SettingError: another form, or a bound that is no finite number.
        UnknownNameError: a name that no probe measures.
    """
    match = _FORM.fullmatch(text)
    bound = _number(match[4]) if match else None
    if match is None or bound is None:
        raise SettingError(
            f"requirement {text!r}: expected NAME RELATION NUMBER or NAME[CONDITION] RELATION "
            "NUMBER with a "
            f'relation among {" ".join(RELATIONS)}. Write for example "clean_accuracy >= 0.95".'
        )
    name, condition, relation = match[1], (match[2] or "").strip(), match[3]
    if name not in FINDING_NAMES:
        raise UnknownNameError(
            f"requirement {text!r}: no probe measures {name!r}.{nearest(name, FINDING_NAMES)}"
        )
    return Requirement(name, condition, relation, bound)


def _same_condition(wanted: str, found: str) -> bool:
    """Equal text, or the same kind and number: linf:8/255 is linf:0.0313725."""
    if wanted in {"", found}:
        return True
    kind, _, size = wanted.lower().partition(":")
    found_kind, _, found_size = found.partition(":")
    first, second = _number(size), _number(found_size)
    return (
        kind == found_kind
        and first is not None
        and second is not None
        and math.isclose(first, second, rel_tol=1e-5)
    )


def _number(text: str) -> float | None:
    """A finite number, a percentage (95%) or a fraction (8/255)."""
    try:
        if text.endswith("%"):
            return float(text[:-1]) / 100
        numerator, slash, denominator = text.partition("/")
        value = float(numerator) / (float(denominator) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        return None
    return value if math.isfinite(value) else None


def _seen(finding: Finding) -> str:
    if finding.value is None:
        return f"{finding.title} has no figure: {finding.absent}"
    return f"{finding.title} = {finding.value:.4g}"
