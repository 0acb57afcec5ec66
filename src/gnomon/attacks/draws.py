"""Judges networks whose answers are random by fresh answers."""

from collections.abc import Callable

import torch

from gnomon.shapes import Mask, PerExample

ANSWERS = 20
"""Number of fresh answers by which a random network is judged at a point."""
SOUGHT = 0.75
"""Share of wrong answers, in (0, 1], at which a search stops searching for an example."""
MOST = 0.5
"""A random network is fooled where more than this share of its fresh answers are wrong.

A search draws hundreds of times, and some of them succeed by chance: it asks for a larger share
on the way, and is judged by draws that chose nothing.
"""


def wrong_share(once: Callable[[], Mask]) -> PerExample:
    """The share of fresh answers that are wrong, for each point.

    Args:
        once: which of the points get a wrong answer in one draw.
    """
    return torch.stack([once() for _ in range(ANSWERS)]).double().mean(dim=0)
