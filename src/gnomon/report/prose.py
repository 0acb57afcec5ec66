"""Numbers, lists and names as they stand in a sentence."""

import re
import textwrap
from collections.abc import Sequence

NORMS = {"Linf": "L∞", "L2": "L2", "L1": "L1", "Box": "box"}
"""Norms as they are written for readers."""


def percent(share: float) -> str:
    """A share in per cent, with as many decimals (one to four) as tell it from 0 and 100 %.

    >>> percent(0.5), percent(0.99996), percent(1.0)
    ('50.0 %', '99.996 %', '100 %')
    """
    if share in {0.0, 1.0}:
        return f"{100 * share:.0f} %"
    texts = [f"{100 * share:.{digits}f}" for digits in (1, 2, 3, 4)]
    return next((text for text in texts if 0 < float(text) < 100), texts[-1]) + " %"


def interval(error: Sequence[float] | None) -> str:
    """The ends of an interval of shares, in per cent: "96.4–99.9 %"."""
    if error is None:
        return ""
    low, high = (percent(end).removesuffix(" %") for end in error)
    return f"{low}–{high} %"


def listed(items: Sequence[str]) -> str:
    """Several items in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def shortened(name: str, length: int = 26) -> str:
    """The name, or its beginning with an ellipsis where it is longer."""
    return name if len(name) <= length else name[: length - 1].rstrip() + "…"


def file_stem(name: str) -> str:
    """The name with everything but letters, digits, dots and dashes replaced by dashes.

    >>> file_stem("relu 5 × 50")
    'relu-5-50'
    """
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.") or "subject"


def wrapped(text: str, width: int) -> str:
    """In at most three lines of so many letters."""
    return "\n".join(textwrap.wrap(text, width, max_lines=3, placeholder=" …"))
