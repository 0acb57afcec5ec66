"""Per-example objectives of (logits, labels); the larger, the more wrong the network is.

A logit of −∞, or near the least number there is, masks its class: every objective is then what
it is without that class, and so is its gradient. Where NaN or +∞ comes in, NaN may come out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from gnomon.shapes import Labels, Logits, PerExample

_LEAST_SPREAD = 1e-30  # equal logits stay equal: 0 · 10³¹ is 0 in float32, 0 · ∞ would not be
_MASK_RATIO = 1e3  # no network's own logits lie as far below all others as a mask does

_NARROW = (torch.bfloat16, torch.float16)

Objective = Callable[[Logits, Labels], PerExample]
TargetedObjective = Callable[[Logits, Labels, Labels], PerExample]
"""A function of (logits, labels, targets), larger for examples nearer to their target."""


@dataclass(frozen=True)
class RelativeObjective:
    """An objective that also looks at the logits of the unperturbed inputs.

    Attributes:
        function: computes values from (logits, labels, unperturbed logits).
        labelled: whether it looks at the labels; only then can it be aimed at a class.
    """

    function: Callable[[Logits, Labels, Logits], PerExample]
    labelled: bool = True

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
    """The lead of the best wrong logit over the label's, max_{j≠y} z_j − z_y; > 0 if fooled.

    Examples:
        >>> margin(torch.tensor([[1.0, 3.0, 0.0]]), torch.tensor([0]))
        tensor([2.])

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
    return cross_entropy(_rescaled(logits, logits), labels)


def dlr(logits: Logits, labels: Labels) -> PerExample:
    """The difference of logits ratio, (max_{j≠y} z_j − z_y) / (z_(1) − z_(3)).

    It is a margin in units of the logits; z_(k) is the k-th largest. Neither a shift nor a
    factor of the logits changes it; it is > 0 when fooled. With two classes there is no third
    logit, and the quotient would be ±1 whatever the input: the margin itself is taken then.
    Masked classes are not counted.

    References:
        croce2020, equation 6.
    """
    value = margin(logits, labels)
    if logits.shape[1] < 3:
        return value
    top = logits.topk(3, dim=1).values
    return _divided(value, top[:, :1], top[:, 2:])


def targeted_dlr(logits: Logits, labels: Labels, targets: Labels) -> PerExample:
    """The excess of the target over the label: (z_t − z_y) / (z_(1) − (z_(3) + z_(4)) / 2).

    With three classes the denominator is z_(1) − z_(3), with two it is 1.

    References:
        croce2020, equation 7.
    """
    value = targeted_margin(logits, labels, targets)
    classes = logits.shape[1]
    if classes < 3:
        return value
    top = logits.topk(min(classes, 4), dim=1).values
    return _divided(value, top[:, :1], top[:, 2:])


def targeted_margin(logits: Logits, labels: Labels, targets: Labels) -> PerExample:
    """The excess of the target's logit over the label's, z_t − z_y."""
    rows = torch.arange(len(labels), device=labels.device)
    return logits[rows, targets] - logits[rows, labels]


def likeliest_other(logits: Logits, classes: Labels) -> Labels:
    """The class of largest logit other than the given one, for each example."""
    return logits.detach().scatter(1, classes[:, None], -torch.inf).argmax(dim=1)


def masked(logits: Logits) -> Bool[Tensor, " batch classes"]:
    """True for logits that exclude their class: −∞, or within a factor 4 of the minimum."""
    return logits < torch.finfo(logits.dtype).min / 4


def _kl(logits: Logits, labels: Labels, reference: Logits) -> PerExample:
    del labels
    wanted, moved = (widened(each).log_softmax(dim=1) for each in (reference, logits))
    difference = (wanted - moved).masked_fill(masked(reference), 0.0)
    return (wanted.exp() * difference).sum(dim=1)


def _scale_free_kl(logits: Logits, labels: Labels, reference: Logits) -> PerExample:
    return _kl(_rescaled(logits, reference), labels, _rescaled(reference, reference))


def _rescaled(logits: Logits, reference: Logits) -> Logits:
    """The logits below their largest, times what makes the reference's range 10.

    Neither the largest nor the range is differentiated: softmax and margins are those of the
    logits times a factor.
    """
    largest = logits.detach().amax(dim=1, keepdim=True)
    return (logits - largest) * (10 / _spread(reference).clamp_min(_LEAST_SPREAD))


def _spread(logits: Logits) -> Float[Tensor, " batch 1"]:
    """The range of each example's logits, without those that lie as far below as masks do.

    Going down from the largest, a distance that is 1,000 times the one before ends the range:
    −10⁹ is a common mask, and would make all differences between the others vanish.
    """
    ordered = logits.detach().sort(dim=1, descending=True).values
    below = ordered[:, :1] - ordered
    last, following = below[:, :-1], below[:, 1:]
    ends = masked(ordered)[:, 1:] | ((last > 0) & (following > _MASK_RATIO * last))
    inside = ends.cumsum(dim=1) == 0
    return torch.where(inside, following, 0.0).amax(dim=1, keepdim=True)


def _divided(value: PerExample, largest: Tensor, rest: Tensor) -> PerExample:
    """The value over the largest minus the mean of the rest that is not masked, or over 1."""
    kept = ~masked(rest)
    mean = torch.where(kept, rest, 0.0).sum(dim=1) / kept.sum(dim=1).clamp_min(1)
    spread = (largest[:, 0] - mean).clamp_min(_LEAST_SPREAD)
    return value / torch.where(kept.any(dim=1), spread, 1.0)


kl_divergence = RelativeObjective(_kl, labelled=False)
"""The divergence KL(softmax(z(x)) ‖ softmax(z(x + δ))) in nats by which the answer moves.

It is 0 with gradient 0 at δ = 0, so that a search for it has to start elsewhere. It is the
second term of TRADES (zhang2019, equation 5).
"""

scale_free_kl_divergence = RelativeObjective(_scale_free_kl, labelled=False)
"""The divergence of logits divided by the range of the unperturbed ones, times 10.

Saturation is avoided as in `scale_free_cross_entropy`.
"""


def _rescaled_log_odds(logits: Logits, labels: Labels, reference: Logits) -> PerExample:
    return log_odds(_rescaled(logits, reference), labels)


rescaled_log_odds = RelativeObjective(_rescaled_log_odds)
"""The log-odds of logits divided by the range of the unperturbed ones, times 10.

Its values can be compared between points, because the scale is the same at all of them; an
ascent that asks whether a step helped needs that, and `scale_free_cross_entropy` does not give
it: with two classes, logits divided by their own range are always 1 apart.
"""
