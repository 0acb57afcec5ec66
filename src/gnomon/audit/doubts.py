"""Reasons to distrust a finding, found by the audit itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch

from gnomon.attacks.draws import ANSWERS
from gnomon.audit.subject import DRAWS, Subject
from gnomon.bounds import Falsification
from gnomon.networks.predictions import logits_of

ZERO_GRADIENTS = 0.05
"""From this share of exactly zero gradients on, an attack is not believed."""
BLACK_BOX_SHARE = 0.002
"""The share of examples that an attack without gradients may win without a doubt."""
LEAST_GAIN = 5
"""Fewer examples that another search fools alone are no evidence."""
CHANCE = 0.01
"""Chance, if both searches were as good, below which one of them is said to fail."""
SURVIVORS = 0.2
"""The share of examples that may survive without a bound: few steps are not exact."""
TINY_SAMPLE = 100
"""Below this number of examples an accuracy says little."""


class DoubtKind(StrEnum):
    """A doubt: what was noticed."""

    NON_DETERMINISM = "non-determinism"
    PROBABILITIES = "probabilities instead of logits"
    OUTSIDE_DOMAIN = "inputs outside the domain"
    TRAINING_MODE = "network in training mode"
    ZERO_GRADIENTS = "zero gradients"
    NO_BETTER_THAN_NOISE = "attack no better than noise"
    BLACK_BOX_WINS = "black box beats gradients"
    ONE_STEP_WINS = "one step beats many"
    SMOOTHER_WINS = "gradients mislead"
    SHORT_SIGHTED = "gradients break their promise"
    UNBOUNDED_SURVIVORS = "unbounded attack fails"
    TINY_SAMPLE = "tiny sample"
    BOUND_BEATEN = "bound beaten"


@dataclass(frozen=True)
class Doubt:
    """One reason to distrust a figure.

    Attributes:
        kind: what was noticed.
        message: what was seen, with its numbers, and what that means for the figure.
    """

    kind: DoubtKind
    message: str


def doubts_about(subject: Subject) -> tuple[Doubt, ...]:
    """The doubts that concern every figure about the subject."""
    checks = (training_mode, non_determinism, probabilities, outside_domain, tiny_sample)
    found = (check(subject) for check in checks)
    return tuple(doubt for doubt in found if doubt is not None)


def training_mode(subject: Subject) -> Doubt | None:
    """Tells whether some module was handed over in training mode."""
    training = sum(module.training for module in subject.network.modules())
    if not training:
        return None
    return Doubt(
        DoubtKind.TRAINING_MODE,
        f"{training} modules were in training mode; they were examined in evaluation mode. If "
        "the network is used in training mode, dropout and batch statistics make it another "
        "network.",
    )


def non_determinism(subject: Subject) -> Doubt | None:
    """Tells whether the same inputs twice give different logits.

    Differences below 1e-5 of the logits' range are the order of additions on a parallel device,
    and are not doubted.
    """
    few = subject.inputs[:TINY_SAMPLE]
    first, second = logits_of(subject.network, few), logits_of(subject.network, few)
    difference = float((first - second).abs().max())
    if difference <= 1e-5 * float(first.abs().max()):
        return None
    changed = int((first.argmax(dim=1) != second.argmax(dim=1)).sum())
    return Doubt(
        DoubtKind.NON_DETERMINISM,
        f"The same {len(few)} inputs gave logits that differ by up to {difference:.3g}, and "
        f"another class for {changed} of them. Every figure is one draw of a random one, but "
        f"for those under attack: there an answer is the mean of {DRAWS} draws, and counts as "
        f"wrong where most of {ANSWERS} such answers, drawn anew, are. Searches that see noise "
        "look weaker than they are, so that the true worst-case accuracy may be lower.",
    )


def probabilities(subject: Subject) -> Doubt | None:
    """Tells whether outputs look like probabilities: none negative, row sums 1 (± 1e-4)."""
    outputs = logits_of(subject.network, subject.inputs[:TINY_SAMPLE])
    sums = outputs.sum(dim=1)
    if bool((outputs < 0).any()) or not torch.allclose(sums, torch.ones_like(sums), atol=1e-4):
        return None
    return Doubt(
        DoubtKind.PROBABILITIES,
        f"All outputs of {len(outputs)} examples lie in [0, 1] and sum to 1: the network "
        "seems to return probabilities. Their gradient vanishes where the network is sure, "
        "so that attacked accuracy is too high; remove the softmax.",
    )


def outside_domain(subject: Subject) -> Doubt | None:
    """Tells whether some examined inputs lie outside the data's domain."""
    outside = int(subject.outside.sum())
    if subject.data.domain is None or not outside:
        return None
    (low, high), inputs = subject.data.domain, subject.inputs
    return Doubt(
        DoubtKind.OUTSIDE_DOMAIN,
        f"{outside} of {len(inputs)} examples lie outside [{low:g}, {high:g}] (from "
        f"{float(inputs.min()):.3g} to {float(inputs.max()):.3g}); were they normalised "
        "twice? Perturbed inputs were allowed the whole of that range, so that every radius "
        "may be in other units than it says.",
    )


def tiny_sample(subject: Subject) -> Doubt | None:
    """Tells whether there are too few examples for an accuracy to mean much."""
    count = len(subject.labels)
    if count >= TINY_SAMPLE:
        return None
    return Doubt(
        DoubtKind.TINY_SAMPLE,
        f"Only {count} examples were examined (fewer than {TINY_SAMPLE}): each is worth "
        f"{100 / count:.1f} percentage points, and the intervals are wide. Examine more.",
    )


def zero_gradients(attack: str, share: float) -> Doubt | None:
    """Tells whether an attack had too often nothing to follow: a gradient of exactly zero."""
    if share <= ZERO_GRADIENTS:
        return None
    return Doubt(
        DoubtKind.ZERO_GRADIENTS,
        f"{attack} met a gradient of exactly zero for {share:.0%} of its steps (more than "
        f"{ZERO_GRADIENTS:.0%}): it could not follow it there, so that the true worst-case "
        "accuracy may be far lower. Look for saturated, quantised or non-differentiable "
        "layers.",
    )


def no_better_than_noise(
    condition: str, attacked: torch.Tensor, noised: torch.Tensor
) -> Doubt | None:
    """Tells whether one random point of the set fooled the network as often as the attacks did.

    An attack that works fools what a random point fools, and more. Noise that fools fewer than
    three examples, each of which the attack fools as well, is no evidence.

    Args:
        condition: the set, for the message.
        attacked: which examples the attacks fooled.
        noised: which of them one random point of the set fooled.
    """
    hits, lucky = int(attacked.sum()), int(noised.sum())
    missed = int((noised & ~attacked).sum())
    if lucky == 0 or hits > lucky or (missed == 0 and lucky < 3):
        return None
    return Doubt(
        DoubtKind.NO_BETTER_THAN_NOISE,
        f"Within {condition} the attacks fooled the network on {hits} examples, one random "
        f"point on {lucky}, {missed} of which the attacks missed. The attacks did not work; "
        "the true worst-case accuracy may be far lower.",
    )


def beaten_by_random_networks(condition: str, ascent: int, random: int) -> Doubt | None:
    """Tells whether the worst of some random networks fails more often than the one searched.

    Fewer than three examples are no evidence; nor is a tie, as of two that are the worst.

    Args:
        condition: the set of parameters, for the message.
        ascent: how many examples fewer than the network itself the searched one gets right.
        random: how many fewer the worst of the random ones.
    """
    if random < 3 or ascent >= random:
        return None
    return Doubt(
        DoubtKind.NO_BETTER_THAN_NOISE,
        f"Within {condition} the search found a network that gets {ascent} examples fewer "
        f"right, and the worst of some random networks gets {random} fewer. The search did "
        "not work; the least accuracy may be far lower.",
    )


def beaten_by_a_random_network(
    condition: str, rate: float, upper: float, random: float
) -> Doubt | None:
    """Tells whether a random network loses more robustness unnoticed than the one searched for.

    Args:
        condition: the set of parameters, for the message.
        rate: the adversarial rate that the search reached.
        upper: the upper end of its interval.
        random: the adversarial rate of the random network.
    """
    if random <= upper:
        return None
    return Doubt(
        DoubtKind.NO_BETTER_THAN_NOISE,
        f"Within {condition} the search reached an adversarial rate of {rate:.2g}, one random "
        f"network {random:.2g}. The search did not work; far larger rates may be possible.",
    )


def black_box_wins(
    condition: str, attack: str, before: Sequence[str], hits: int, examples: int
) -> Doubt | None:
    """Tells whether random search fooled examples that gradients before it could not.

    With good gradients it hardly ever does; up to one example in 500 is let pass.

    Args:
        condition: the set, for the message.
        attack: the one without gradients.
        before: the attacks that had failed on these examples.
        hits: how many it fooled.
        examples: how many were examined.

    References:
        croce2020: the authors' code warns from the same share on.
    """
    if hits <= BLACK_BOX_SHARE * examples:
        return None
    return Doubt(
        DoubtKind.BLACK_BOX_WINS,
        f"Within {condition} {attack}, which takes no gradient, fooled {hits} of {examples} "
        f"examples that resisted {', '.join(before)}. Gradients mislead there, so that the "
        "true worst-case accuracy may be far lower. Try more queries, or slopes from values.",
    )


def bound_falsified(condition: str, found: Falsification) -> Doubt:
    """Reports a search that exceeded a bound of a certificate.

    Args:
        condition: the sets, for the message.
        found: the search, which exceeded the bound by more than rounding.
    """
    return Doubt(
        DoubtKind.BOUND_BEATEN,
        f"Within {condition} a search ({found.search}) found that logit {found.output} exceeds "
        f"the label's by {found.excess:.3g} more than a bound allows, in float64. Do not trust "
        "the certificates of this network, and report this as a defect.",
    )


def one_step_wins(
    condition: str, attack: str, one: torch.Tensor, many: torch.Tensor
) -> Doubt | None:
    """Tells whether one step fools clearly more than several steps along the same gradient.

    If examples that one of the two fools alone were as often the one's as the other's, so many
    more of the one step's would have a chance below 1 %.

    Args:
        condition: the set, for the message.
        attack: the one of many steps.
        one: which examples one step fooled.
        many: which ones many steps fooled.

    References:
        athalye2018, section 3.1.
    """
    first, second = _alone(one, many)
    if not _is_gain(first, second):
        return None
    return Doubt(
        DoubtKind.ONE_STEP_WINS,
        f"Within {condition} one step of full length fooled {first} examples that {attack} did "
        f"not, which fooled {second} others. Several steps should find more: gradients change "
        "too fast to be followed, so that the true worst-case accuracy may be far lower.",
    )


def misled(
    condition: str, attack: str, fooled: torch.Tensor, patient: torch.Tensor, restarts: int
) -> Doubt | None:
    """Tells whether a search by values fools examples that gradients with restarts do not.

    Args:
        condition: the set, for the message.
        attack: the search by values.
        fooled: which examples of the pilot it fooled.
        patient: which ones several restarts fooled.
        restarts: how many.

    References:
        athalye2018, section 3.1.
    """
    first, second = _alone(fooled, patient)
    if not _is_gain(first, second):
        return None
    return Doubt(
        DoubtKind.SMOOTHER_WINS,
        f"Within {condition} {attack} fooled {first} of {len(fooled)} examples that resisted "
        f"all attacks and {restarts} restarts of PGD, which fooled {second} others. Gradients "
        "mislead there; what AutoAttack fooled is counted instead, and the true worst-case "
        "accuracy may be lower still.",
    )


def short_sighted(condition: str, broken: int, examples: int) -> Doubt:
    """Reports gradients that say nothing about what is a quarter of the radius away.

    Args:
        condition: the set, for the message.
        broken: at how many examples a step raised the margin by less than half of the promise.
        examples: how many were looked at.

    References:
        athalye2018, section 3 (shattered gradients).
    """
    return Doubt(
        DoubtKind.SHORT_SIGHTED,
        f"Within {condition} a step of a quarter of the radius along the gradient raised the "
        f"margin by less than half of what the gradient promised, for {broken} of {examples} "
        "examples. Gradients say little about the set, so that attacks that follow them look "
        "weaker than they are; searches by values were asked as well, and what they fooled is "
        "counted.",
    )


def unbounded_survivors(condition: str, survivors: int, examples: int) -> Doubt | None:
    """Tells whether examples resist in a set that holds points of every class.

    Args:
        condition: the set, for the message.
        survivors: how many of them resist.
        examples: how many were attacked.

    References:
        athalye2018, section 3.1.
    """
    if survivors <= SURVIVORS * examples:
        return None
    return Doubt(
        DoubtKind.UNBOUNDED_SURVIVORS,
        f"Within {condition}, which allows every input of the domain, PGD left {survivors} of "
        f"{examples} examples right (more than {SURVIVORS:.0%}), although other classes are "
        "among what is allowed. The search fails, so that the true worst-case accuracy may be "
        "far lower.",
    )


def bound_beaten(condition: str, certified: torch.Tensor, fooled: torch.Tensor) -> Doubt | None:
    """Tells whether a search found what a bound excludes.

    Bounds are computed with ordinary rounding: on the very edge of a set that can happen. It
    must not happen otherwise.

    Args:
        condition: the set, for the message.
        certified: the examples that a bound certified.
        fooled: those that a search inside the set fooled.
    """
    beaten = int((certified & fooled).sum())
    if not beaten:
        return None
    return Doubt(
        DoubtKind.BOUND_BEATEN,
        f"Within {condition} a search fooled the network on {beaten} of {int(certified.sum())} "
        "examples that a bound certified. They are not counted as certified; do not trust the "
        "others, and report this as a defect.",
    )


def _alone(one: torch.Tensor, other: torch.Tensor) -> tuple[int, int]:
    """The numbers of examples that each of two attacks fooled and the other did not."""
    return int((one & ~other).sum()), int((other & ~one).sum())


def _is_gain(first: int, second: int) -> bool:
    """Tells whether so many more of the first attack's would have a chance below `CHANCE`.

    Examples that only one of the two fooled are as often the one's as the other's if neither is
    stronger (the sign test).
    """
    from scipy.special import bdtrc  # noqa: PLC0415 - slow to import

    chance = float(bdtrc(first - 1, first + second, 0.5)) if first else 1.0
    return first >= LEAST_GAIN and chance < CHANCE
