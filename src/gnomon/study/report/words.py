"""Names and numbers of a study as readers want them."""

import math
import textwrap

from gnomon.study.statistics.estimates import Estimate
from gnomon.study.statistics.hypotheses import shown
from gnomon.study.statistics.verdict import Verdict

CONFIDENCE = 0.95
"""Of every interval in the tables."""
_MOST_IN_A_LINE = 32
"""Characters of the label of an axis."""


def scale_of(unit: str) -> float:
    """What a value is multiplied with for readers: shares are read in per cent."""
    return 100.0 if unit == "share" else 1.0


def unit_of(unit: str) -> str:
    """The unit after scaling."""
    return "%" if unit == "share" else unit


def with_unit(name: str, unit: str) -> str:
    r"""A label such as "clean accuracy in %"; a long way through details takes several lines.

    >>> with_unit("clean_accuracy", "share")
    'clean accuracy in %'
    >>> with_unit("frobenius_norm/layers/linear1.weight/frobenius_norm", "")
    'frobenius norm/layers/\nlinear1.weight/frobenius norm'
    """
    lines = [""]
    for part in name.replace("_", " ").replace("/", "/\n").split("\n"):
        if lines[-1] and len(lines[-1] + part) > _MOST_IN_A_LINE:
            lines.append("")
        lines[-1] += part
    label, said = "\n".join(lines), f"in {unit_of(unit)}"
    if not unit_of(unit):
        return label
    return f"{label}{' ' if len(lines[-1] + said) < _MOST_IN_A_LINE else chr(10)}{said}"


def axis_label(key: str) -> str:
    """The last part of an axis's key, in words.

    >>> axis_label("training.learning_rate")
    'learning rate'
    """
    return key.rsplit(".", 1)[-1].replace("_", " ")


def number(value: float) -> str:
    """Four significant digits.

    >>> number(0.123456), number(1234567.0), number(0.0)
    ('0.1235', '1.235e+06', '0')
    """
    return f"{value:.4g}".replace("-", "−")


def with_error(value: float, half: float | None) -> str:
    """The value ± half of its interval: two digits of the half, and as many decimals.

    >>> with_error(12.3456, 0.0512), with_error(123456789.0, 1.2e6), with_error(2.5, None)
    ('12.346 ± 0.051', '(1.235 ± 0.012)e8', '2.5')
    """
    if half is None or not math.isfinite(half):
        return number(value)
    if half == 0:
        return f"{number(value)} ± 0"
    exponent = math.floor(math.log10(max(abs(value), half)))
    if -4 <= exponent < 6:
        return _fixed(value, half)
    shrunk = 10.0**exponent
    return f"({_fixed(value / shrunk, half / shrunk)})e{exponent}".replace("e-", "e−")


def effect(found: Estimate) -> str:
    """The estimate of an effect with the ends of its interval, in percentage points for shares.

    >>> effect(Estimate("mean difference", 0.5, 0.4, 0.6, "Student's t", unit="share"))
    '50 points (40 to 60)'
    """
    scale, unit = scale_of(found.unit), "points" if found.unit == "share" else found.unit
    sign = f" {unit}" if unit else ""
    value = f"{number(scale * found.value)}{sign}"
    if found.low is None or found.high is None:
        return value
    low, high = (_short(scale * end) for end in (found.low, found.high))
    return f"{value} ({low} to {high})"


def compared(verdict: Verdict) -> tuple[str, str]:
    """What the two columns of a comparison are called.

    Values of an axis are their own names. Findings of the same networks are called by the part
    of their titles that tells them apart; a number by itself, a share in per cent.
    """
    first, second = verdict.blocks.levels
    if verdict.hypothesis.axis:
        return shown(first), shown(second)
    if isinstance(second, str):
        return _told_apart(first, second)
    return "found", f"{scale_of(verdict.unit) * second:g}{' %' * (verdict.unit == 'share')}"


def p_value(p: float) -> str:
    """Two digits.

    >>> p_value(0.0312), p_value(1.2e-9), p_value(1.0)
    ('0.031', '1.2e−09', '1')
    """
    return f"{p:.2g}".replace("-", "−")


def wrapped(text: str, width: int) -> str:
    """In at most three lines of so many letters."""
    return "\n".join(textwrap.wrap(text, width, max_lines=3, placeholder=" …"))


def ranges(numbers: list[int]) -> str:
    """Whole numbers with their gaps.

    >>> ranges([0, 1, 2, 5, 7, 8])
    '0–2, 5, 7–8'
    """
    parts: list[list[int]] = []
    for each in sorted(set(numbers)):
        if parts and each == parts[-1][-1] + 1:
            parts[-1].append(each)
        else:
            parts.append([each])
    return ", ".join(f"{p[0]}–{p[-1]}" if len(p) > 1 else f"{p[0]}" for p in parts)


def _told_apart(first: str, second: str) -> tuple[str, str]:
    """The last parts of the ways through the details, if these differ; else the titles."""
    ends = first.rpartition("/")[2], second.rpartition("/")[2]
    one, other = ends if ends[0] != ends[1] else (first, second)
    return one.replace("_", " "), other.replace("_", " ")


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _fixed(value: float, half: float) -> str:
    """Both with the decimals that show two digits of the half; not more than 8."""
    decimals = min(8, max(0, 1 - math.floor(math.log10(half))))
    return f"{value:.{decimals}f} ± {half:.{decimals}f}".replace("-", "−")
