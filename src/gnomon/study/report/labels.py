"""Names and effects of a study as readers want them."""

from gnomon.report.numbers import number, scale_of, unit_of
from gnomon.study.axis_values import shown
from gnomon.study.statistics.estimates import Estimate
from gnomon.study.statistics.verdict import Verdict

_MOST_IN_A_LINE = 32
"""Maximum number of characters in a line of an axis's label."""


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
    label, words = "\n".join(lines), f"in {unit_of(unit)}"
    if not unit_of(unit):
        return label
    return f"{label}{' ' if len(lines[-1] + words) < _MOST_IN_A_LINE else chr(10)}{words}"


def axis_label(key: str) -> str:
    """The last part of an axis's key, in words.

    >>> axis_label("training.learning_rate")
    'learning rate'
    """
    return key.rsplit(".", 1)[-1].replace("_", " ")


def effect(estimate: Estimate) -> str:
    """The estimate of an effect with the ends of its interval, in percentage points for shares.

    >>> effect(Estimate("mean difference", 0.5, 0.4, 0.6, "Student's t", unit="share"))
    '50 points (40 to 60)'
    """
    scale, unit = (
        scale_of(estimate.unit),
        "points" if estimate.unit == "share" else estimate.unit,
    )
    sign = f" {unit}" if unit else ""
    value = f"{number(scale * estimate.value)}{sign}"
    if estimate.low is None or estimate.high is None:
        return value
    low, high = (_short(scale * end) for end in (estimate.low, estimate.high))
    return f"{value} ({low} to {high})"


def compared(verdict: Verdict) -> tuple[str, str]:
    """The names of the two columns of a comparison.

    Values of an axis are their own names. Findings of the same networks are called by the part
    of their titles that tells them apart; a number by itself, a share in per cent.
    """
    first, second = verdict.blocks.levels
    if verdict.hypothesis.axis:
        return shown(first), shown(second)
    if isinstance(second, str):
        return _told_apart(first, second)
    return "found", f"{scale_of(verdict.unit) * second:g}{' %' * (verdict.unit == 'share')}"


def _told_apart(first: str, second: str) -> tuple[str, str]:
    """The last parts of the ways through the details, if these differ; else the titles."""
    ends = first.rpartition("/")[2], second.rpartition("/")[2]
    one, other = ends if ends[0] != ends[1] else (first, second)
    return one.replace("_", " "), other.replace("_", " ")


def _short(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
