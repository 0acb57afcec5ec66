"""The subject of an audit: a network, and the test examples on which it is examined."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gnomon.attacks import InputAttack
from gnomon.attacks.view import averaged
from gnomon.data.dataset import Dataset, Fact
from gnomon.errors import DataError, SettingError, ShapeError, SubjectError
from gnomon.networks.classifiers import check_logits
from gnomon.networks.constancy import answers_vary, check_statistics
from gnomon.networks.predictions import device_of, logits_of
from gnomon.networks.undisturbed import undisturbed
from gnomon.seeds import generator
from gnomon.sets import L1, L2, Box, InputSet, Linf
from gnomon.shapes import Mask

DRAWS = 20
"""Number of answers of a random network whose mean is its answer under attack."""
_ASKED_AGAIN = 100


@dataclass(frozen=True, eq=False)
class Subject:
    """A network that can be examined: its output and its examples have been checked.

    Attributes:
        name: how the reader knows it.
        network: from inputs, a batch of examples, to logits (batch, classes).
        data: the data set whose test split is examined.
        inputs: the examined test examples.
        labels: their labels.
        about: facts about the network, such as architecture, activation, number of parameters.
        snapshots: the network after chosen epochs of its training, where they were kept.
        varies: whether the network answers the same inputs differently each time.

    Raises:
        ShapeError: the examples do not fit the network, or its output is not (batch, classes).
        SubjectError: weights or logits that are not finite, or answers that depend on the other
            examples of a batch.
        DataError: no examples, inputs that are not finite, or labels out of range.
    """

    name: str
    network: nn.Module
    data: Dataset
    inputs: Float[Tensor, " examples *shape"]
    labels: Int[Tensor, " examples"]
    about: Mapping[str, Fact] = field(default_factory=dict)
    snapshots: Mapping[int, nn.Module] = field(default_factory=dict)
    varies: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        _check_examples(self)
        _check_weights(self)
        _check_output(self)

    @property
    def outside(self) -> Mask:
        """A mask of the examples that lie outside the data's domain, in some coordinate."""
        low, high = self.data.domain or (-torch.inf, torch.inf)
        return ((self.inputs < low) | (self.inputs > high)).flatten(1).any(dim=1)

    def looking(self, attack: InputAttack) -> InputAttack:
        """The attack as it has to look at this network: random answers are averaged."""
        return averaged(attack, DRAWS) if self.varies else attack

    def fit(self, within: InputSet) -> InputSet:
        """The set with its domain widened, where it must be, to hold the examined inputs.

        Attacks refuse inputs outside the domain. The audit examines them all the same, and
        doubts the figures (`doubts.outside_domain`).
        """
        if within.domain is None or not isinstance(within, Linf | L2 | L1 | Box):
            return within
        low = min(within.domain[0], float(self.inputs.min()))
        high = max(within.domain[1], float(self.inputs.max()))
        return replace(within, domain=(low, high))


def sample_subject(
    network: nn.Module,
    data: Dataset,
    *,
    name: str,
    samples: int | None = None,
    seed: int = 0,
    about: Mapping[str, Fact] | None = None,
    snapshots: Mapping[int, nn.Module] | None = None,
) -> Subject:
    """The network with all test examples, or with `samples` of them.

    The sample is drawn without replacement and without regard to the class, so that an accuracy
    on it estimates the accuracy on the whole test split; its order is the test split's. More
    samples with the same seed contain fewer.

    Raises:
        SettingError: fewer than one sample, or more than there are test examples.
        GnomonError: what `Subject` raises.
    """
    inputs, labels = data.test.inputs, data.test.labels
    if samples is not None:
        if not 1 <= samples <= len(labels):
            raise SettingError(
                f"samples: expected 1 … {len(labels)} (the test examples of {data.title}), "
                f"got {samples}. Ask for fewer."
            )
        order = torch.randperm(len(labels), generator=generator(seed, "samples"))
        chosen = order[:samples].sort().values
        inputs, labels = inputs[chosen], labels[chosen]
    facts = {"parameters": sum(p.numel() for p in network.parameters()), **(about or {})}
    return Subject(name, network, data, inputs, labels, facts, snapshots or {})


def _check_examples(subject: Subject) -> None:
    if not len(subject.labels):
        raise DataError(f"{subject.data.title}: expected test examples, got none.")
    if not subject.inputs.isfinite().all():
        count = int((~subject.inputs.isfinite().flatten(1).all(dim=1)).sum())
        raise DataError(
            f"{subject.data.title}: expected finite inputs, got NaN or infinity in {count} of "
            f"{len(subject.inputs)} test examples. Clean the data."
        )
    low, high = int(subject.labels.min()), int(subject.labels.max())
    if low < 0 or high >= subject.data.classes:
        raise DataError(
            f"{subject.data.title}: expected labels 0 … {subject.data.classes - 1}, "
            f"got {low} … {high}. Correct the labels or the number of classes."
        )


def _check_weights(subject: Subject) -> None:
    for name, weight in subject.network.named_parameters():
        if not weight.isfinite().all():
            raise SubjectError(
                f"{subject.name}: expected finite weights, got NaN or infinity in '{name}'. "
                "Train again with a smaller learning rate, or load another checkpoint."
            )


def _check_output(subject: Subject) -> None:
    """Asks the network for the logits of two examples, then of all."""
    few = subject.inputs[:2]
    wanted = (len(few), subject.data.classes)
    check_statistics(subject.network)
    try:
        output = _forward(subject.network, few)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise ShapeError(
            f"{subject.name}: expected a network for inputs of shape {tuple(few.shape[1:])}, "
            f"got an error from it: {error}. Examine it on the data it was made for."
        ) from error
    got = tuple(output.shape if isinstance(output, Tensor) else check_logits(output, 2).shape)
    if got != wanted:
        raise ShapeError(
            f"{subject.name}: expected logits of shape (batch, classes) = {wanted}, got {got}. "
            "Examine it on the data it was made for."
        )
    _check_constancy(subject)
    broken = ~logits_of(subject.network, subject.inputs).isfinite().all(dim=1)
    if broken.any():
        raise SubjectError(
            f"{subject.name}: expected finite logits, got NaN or infinity for "
            f"{int(broken.sum())} of {len(broken)} examples. Check its weights and the units "
            "of its inputs."
        )


def _check_constancy(subject: Subject) -> None:
    """Refuses a network that mixes its examples; notes whether it answers at random."""
    few = subject.inputs[:_ASKED_AGAIN].to(device_of(subject.network))

    def answer(points: Tensor) -> Tensor:
        return logits_of(subject.network, points)

    object.__setattr__(subject, "varies", answers_vary(answer, few, answer(few)))


def _forward(network: nn.Module, inputs: Tensor) -> object:
    """The network's output, whatever it is."""
    with undisturbed(network), torch.no_grad():
        return network(inputs.to(device_of(network)))
