"""Per-example objectives of (logits, labels); the larger, the more wrong the network is."""

from collections.abc import Callable

import torch
from torch.nn import functional

from gnomon.shapes import Labels, Logits, PerExample

_LEAST_SPREAD = 1e-30  # equal logits stay equal: 0 · 10³¹ is 0 in float32, 0 · ∞ would not be

Objective = Callable[[Logits, Labels], PerExample]


def cross_entropy(logits: Logits, labels: Labels) -> PerExample:
    """The negative log-probability of the label, −log softmax(z)_y, in nats."""
    return functional.cross_entropy(logits, labels, reduction="none")


def margin(logits: Logits, labels: Labels) -> PerExample:
    """How far the best wrong logit exceeds the label's, max_{j≠y} z_j − z_y; > 0 when fooled.

    References:
        carlini2017, objective f6 without its threshold.
    """
    own = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.amax(dim=1) - own[:, 0]


def scale_free_cross_entropy(logits: Logits, labels: Labels) -> PerExample:
    """Cross-entropy of the logits divided by their detached range, times 10.

    The softmax of large logits saturates in float32 and its gradient becomes exactly zero,
    which an attack then takes for robustness. Dividing by the range max z − min z (not
    differentiated) makes the direction of ascent the same for z and 1000 z. The factor 10 is
    the usual range of a trained network's logits, so that such a network is attacked with its
    ordinary cross-entropy.
    """
    spread = (logits.amax(dim=1) - logits.amin(dim=1)).detach()
    scale = 10 / spread.clamp_min(_LEAST_SPREAD)
    return cross_entropy(logits * scale[:, None], labels)
