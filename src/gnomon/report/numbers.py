"""Numbers with their units and errors, as readers want them."""

import math
from collections.abc import Sequence


def scale_of(unit: str) -> float:
    """The factor of a value for readers: shares are read in per cent."""
    return 100.0 if unit == "share" else 1.0


def unit_of(unit: str) -> str:
    """The unit after scaling."""
    return "%" if unit == "share" else unit


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


def p_value(p: float) -> str:
    """Two digits.

    >>> p_value(0.0312), p_value(1.2e-9), p_value(1.0)
    ('0.031', '1.2e−09', '1')
    """
    return f"{p:.2g}".replace("-", "−")


def ranges(numbers: Sequence[int]) -> str:
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


def _fixed(value: float, half: float) -> str:
    """Both with the decimals that show two digits of the half; not more than 8."""
    decimals = min(8, max(0, 1 - math.floor(math.log10(half))))
    return f"{value:.{decimals}f} ± {half:.{decimals}f}".replace("-", "−")


def with_ends(value: float, low: float, high: float) -> str:
    """The value with the ends of its interval, which need not be symmetric; NaN: none.

    >>> with_ends(87.5, 77.5, 90.0), with_ends(0.5, math.nan, math.nan)
    ('87.5 (77.5 to 90)', '0.5')
    """
    if math.isnan(low) or math.isnan(high):
        return number(value)
    return f"{number(value)} ({number(low)} to {number(high)})"
