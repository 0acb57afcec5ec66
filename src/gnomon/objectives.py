"""Per-example objectives of (logits, labels); the larger, the more wrong the network is."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from gnomon.shapes import Labels, Logits, PerExample

_LEAST_SPREAD = 1e-30  # equal logits stay equal: 0 · 10³¹ is 0 in float32, 0 · ∞ would not be

_NARROW = (torch.bfloat16, torch.float16)

Objective = Callable[[Logits, Labels], PerExample]
TargetedObjective = Callable[[Logits, Labels, Labels], PerExample]
"""Of (logits, labels, targets); the larger, the nearer each example is to its target."""


@dataclass(frozen=True)
class RelativeObjective:
    """An objective that also looks at the logits of the unperturbed inputs.

    Attributes:
        function: of (logits, labels, unperturbed logits).
    """

    function: Callable[[Logits, Labels, Logits], PerExample]

    def __call__(self, logits: Logits, labels: Labels, reference: Logits) -> PerExample:
        """The value for each example."""
        return self.function(logits, labels, reference)


def widened(logits: Tensor) -> Tensor:
    """The same numbers in float32, if their type is narrower.

    Log-softmax and sums of exponentials keep the type of what they are given, in mixed
    precision on a CPU, too, and 8 bits are two digits of a loss.
    """
    return logits.float() if logits.dtype in _NARROW else logits


def cross_entropy(logits: Logits, labels: Labels) -> PerExample:
    """The negative log-probability of the label, −log softmax(z)_y, in nats."""
    return functional.cross_entropy(widened(logits), labels, reduction="none")


def margin(logits: Logits, labels: Labels) -> PerExample:
    """How far the best wrong logit exceeds the label's, max_{j≠y} z_j − z_y; > 0 when fooled.

    References:
        carlini2017, objective f6 without its threshold.
    """
    own = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.amax(dim=1) - own[:, 0]


def log_odds(logits: Logits, labels: Labels) -> PerExample:
    """The log-odds of a wrong class, log (1 − p_y)/p_y = log Σ_{j≠y} exp(z_j − z_y).

    The cross-entropy is log(1 + exp(log-odds)), a growing function of it: both have the same
    direction of ascent and the same order of points. But where the network is sure, the
    gradient of the cross-entropy underflows to zero, and this one does not.
    """
    own = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -torch.inf)
    return others.logsumexp(dim=1) - own[:, 0]


def scale_free_cross_entropy(logits: Logits, labels: Labels) -> PerExample:
    """Cross-entropy of the logits divided by their detached range, times 10.

    The softmax of large logits saturates in float32 and its gradient becomes exactly zero,
    which an attack then takes for robustness. Dividing by the range max z − min z (not
    differentiated) makes the direction of ascent the same for z and 1000 z. The factor 10 is
    the usual range of a trained network's logits, so that such a network is attacked with its
    ordinary cross-entropy.
    """
    return cross_entropy(logits * _scale(logits), labels)


def dlr(logits: Logits, labels: Labels) -> PerExample:
    """The difference of logits ratio, (max_{j≠y} z_j − z_y) / (z_(1) − z_(3)).

    It is a margin in units of the logits; z_(k) is the k-th largest. Neither a shift nor a
    factor of the logits changes it; it is > 0 when fooled. With two classes there is no third
    logit, and the quotient would be ±1 whatever the input: the margin itself is taken then.

    References:
        croce2020, equation 6.
    """
    value = margin(logits, labels)
    if logits.shape[1] < 3:
        return value
    top = logits.topk(3, dim=1).values
    return value / (top[:, 0] - top[:, 2]).clamp_min(_LEAST_SPREAD)


def targeted_dlr(logits: Logits, labels: Labels, targets: Labels) -> PerExample:
    """How far the target exceeds the label: (z_t − z_y) / (z_(1) − (z_(3) + z_(4)) / 2).

    With three classes the denominator is z_(1) − z_(3), with two it is 1.

    References:
        croce2020, equation 7.
    """
    value = targeted_margin(logits, labels, targets)
    classes = logits.shape[1]
    if classes < 3:
        return value
    top = logits.topk(min(classes, 4), dim=1).values
    rest = top[:, 2:].mean(dim=1)
    return value / (top[:, 0] - rest).clamp_min(_LEAST_SPREAD)


def targeted_margin(logits: Logits, labels: Labels, targets: Labels) -> PerExample:
    """How far the target's logit exceeds the label's, z_t − z_y."""
    rows = torch.arange(len(labels), device=labels.device)
    return logits[rows, targets] - logits[rows, labels]


def _kl(logits: Logits, labels: Labels, reference: Logits) -> PerExample:
    del labels
    wanted, found = (widened(each).log_softmax(dim=1) for each in (reference, logits))
    return (wanted.exp() * (wanted - found)).sum(dim=1)


def _scale_free_kl(logits: Logits, labels: Labels, reference: Logits) -> PerExample:
    scale = _scale(reference)
    return _kl(logits * scale, labels, reference * scale)


def _scale(logits: Logits) -> Float[Tensor, "batch 1"]:
    """The factor that makes each example's range of logits 10; not differentiated."""
    spread = (logits.amax(dim=1) - logits.amin(dim=1)).detach()
    return (10 / spread.clamp_min(_LEAST_SPREAD))[:, None]


kl_divergence = RelativeObjective(_kl)
"""The divergence KL(softmax(z(x)) ‖ softmax(z(x + δ))) in nats by which the answer moves.

It is 0 with gradient 0 at δ = 0, so that a search for it has to start elsewhere. It is the
second term of TRADES (zhang2019, equation 5).
"""

scale_free_kl_divergence = RelativeObjective(_scale_free_kl)
"""The divergence of logits divided by the range of the unperturbed ones, times 10.

Saturation is avoided as in `scale_free_cross_entropy`.
"""


def _rescaled_log_odds(logits: Logits, labels: Labels, reference: Logits) -> PerExample:
    return log_odds(logits * _scale(reference), labels)


rescaled_log_odds = RelativeObjective(_rescaled_log_odds)
"""The log-odds of logits divided by the range of the unperturbed ones, times 10.

Its values can be compared between points, because the scale is the same at all of them; an
ascent that asks whether a step helped needs that, and `scale_free_cross_entropy` does not give
it: with two classes, logits divided by their own range are always 1 apart.
"""
