"""The robustness that small changes of parameters, made to be unnoticed, leave of a network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from gnomon.attacks import PGD, InputAttack
from gnomon.attacks.guards import is_fooled
from gnomon.attacks.parameters import (
    AdversarialParameterAttack,
    Batches,
    RobustnessLost,
    SparseParameterAttack,
)
from gnomon.audit.doubts import beaten_by_a_random_network
from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.audit.topics.faults.probe import NO_WEIGHTS
from gnomon.audit.topics.parameters.probe import NO_PARAMETERS
from gnomon.audit.topics.sample import count_of, in_batches, split_at_random
from gnomon.errors import SettingError
from gnomon.networks import undisturbed
from gnomon.networks.alternative import Alternative
from gnomon.networks.weights import weights_of
from gnomon.sets import InputSet, ParameterBox
from gnomon.sets.radius import Relative

_RESAMPLES = 1000
_NO_ROBUSTNESS = "no examined example resists the attack on inputs: nothing can be lost"


@dataclass(frozen=True)
class SpoiledRobustness:
    """The details of `adversarial_rate`.

    Attributes:
        accuracy: before and after.
        attacked_accuracy: before and after.
        random_rate: the rate of one random vertex of the same box; None for shares.
        inputs: the set of inputs.
        attack: the attack on inputs that judges.
        examples: number of test examples that judge.
        searched: number of training examples that guide.
    """

    accuracy: tuple[float, float]
    attacked_accuracy: tuple[float, float]
    random_rate: float | None
    inputs: str
    attack: str
    examples: int
    searched: int


@dataclass(frozen=True)
class ParameterAttackResistance:
    """Measures how far an attack on parameters keeps the accuracy and destroys the robustness.

    The finding `adversarial_rate` is the share of accuracy kept times the share of attacked
    accuracy lost, (Acc(θ_a) / Acc(θ)) · (1 − Rob(θ_a) / Rob(θ)): 0 for a network that resists,
    1 for one that can be spoiled without a sign. The attack searches on training examples, and
    is judged on test examples, with the first of the sets of inputs. There is a finding for
    each γ, named "relative:0.02", where every parameter may change by γ of its size; and one
    for each share of the weights that may change by any amount, named "share:0.005".

    The rate is a lower bound: another search may do more. What was found for a smaller γ or p
    counts for a larger one, because the sets are nested: no curve ever falls. The probe is
    slow, and an audit asks it only when it is named.

    Attributes:
        within: sets of inputs; the first is used.
        sizes: γ, growing.
        shares: p of the weights, growing.
        spoil_epochs: of phase 1, at most; as published.
        restore_epochs: of phase 2; as published.
        judge: the attack on inputs.
        searched: training examples.
        examples: so many test examples at most, drawn at random.
        batch: examples at a time, in the search.

    Raises:
        SettingError: sizes or shares that do not grow.
    """

    topic: ClassVar[str] = "resistance"
    names: ClassVar[tuple[str, ...]] = ("adversarial_rate",)
    within: tuple[InputSet, ...]
    sizes: tuple[float, ...] = (0.02, 0.04, 0.06, 0.08, 0.1)
    shares: tuple[float, ...] = (0.0025, 0.005, 0.0075, 0.01, 0.02)
    spoil_epochs: int = 10
    restore_epochs: int = 40
    judge: InputAttack = field(default_factory=PGD)
    searched: int = 500
    examples: int = 500
    batch: int = 125

    def __post_init__(self) -> None:
        for grown in (self.sizes, self.shares):
            if list(grown) != sorted(set(grown)):
                raise SettingError(
                    "ParameterAttackResistance: expected sizes and shares that grow, got "
                    f"{grown}. Sort them."
                )

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """One finding for each size and each share."""
        if reason := self._why_not(subject):
            return self._none(reason)
        trial = self._trial(subject, generator)
        own = trial.of({})
        if not bool(own.resisting.any()):
            return self._none(_NO_ROBUSTNESS)
        sizes = [(_of_size(size), self._at_size(size, trial, generator)) for size in self.sizes]
        shares = [
            (_of_share(share), self._at_share(share, trial, generator)) for share in self.shares
        ]
        return tuple(
            trial.finding(condition, own, spoiled, random, generator)
            if spoiled is not None
            else _absent(condition, NO_WEIGHTS)
            for tried in (sizes, shares)
            for condition, (spoiled, random) in _so_far(own, tried)
        )

    def _at_size(
        self, size: float, trial: "_Trial", generator: torch.Generator
    ) -> tuple["_Seen", "_Seen"]:
        """All parameters may change, each by that share of its size; and a random vertex."""
        attack = AdversarialParameterAttack(
            trial.within,
            spoil_epochs=self.spoil_epochs,
            restore_epochs=self.restore_epochs,
        )
        region = ParameterBox(Relative(size)).of(trial.network).detach()
        spoiled = trial.of(attack(trial.network, trial.guide, region, generator).parameters)
        return spoiled, trial.of(region.vertex(generator))

    def _at_share(
        self, share: float, trial: "_Trial", generator: torch.Generator
    ) -> tuple["_Seen | None", None]:
        """The network after an attack that may change that share of the weights at will."""
        if not weights_of(trial.network):
            return None, None
        attack = SparseParameterAttack(
            trial.within,
            share,
            spoil_epochs=self.spoil_epochs,
            restore_epochs=self.restore_epochs,
        )
        return trial.of(attack(trial.network, trial.guide, generator).parameters), None

    def _why_not(self, subject: Subject) -> str:
        if not any(True for _ in subject.network.parameters()):
            return NO_PARAMETERS
        if not self.within:
            return "no set of inputs was asked for"
        return "" if len(subject.data.train) else "the data have no training examples"

    def _none(self, reason: str) -> tuple[Finding, ...]:
        conditions = [_of_size(size) for size in self.sizes]
        conditions += [_of_share(share) for share in self.shares]
        return tuple(_absent(condition, reason) for condition in conditions)

    def _trial(self, subject: Subject, generator: torch.Generator) -> "_Trial":
        """The examples that guide and those that judge, with the attack on inputs."""
        chosen, _ = split_at_random(subject, self.examples, generator)
        train = subject.data.train
        order = torch.randperm(len(train), generator=generator)[: self.searched]
        examples = Subject(
            subject.name,
            subject.network,
            subject.data,
            train.inputs[order],
            train.labels[order],
        )
        within = examples.fit(subject.fit(self.within[0]))
        return _Trial(
            subject.network,
            in_batches(examples, torch.arange(len(order)), self.batch),
            in_batches(subject, chosen, self.batch),
            (str(self.within[0]), within),
            subject.looking(self.judge),
            int(torch.randint(2**31, (), generator=generator)),
        )


@dataclass(frozen=True, eq=False)
class _Trial:
    """The part that all attacks on the parameters of one network share.

    Attributes:
        network: θ.
        guide: training examples, for the search.
        judges: test examples.
        inputs: the set of inputs as it was asked, and with a domain that holds the examples.
        judge: the attack on inputs.
        seed: of its random starts, the same for every network.
    """

    network: nn.Module
    guide: Batches
    judges: Batches
    inputs: tuple[str, InputSet]
    judge: InputAttack
    seed: int

    @property
    def within(self) -> InputSet:
        return self.inputs[1]

    def of(self, parameters: Mapping[str, Tensor]) -> "_Seen":
        """The judging examples that are right, and those that resist."""
        network, source = (
            Alternative(self.network, parameters),
            torch.Generator().manual_seed(self.seed),
        )
        right, resisting, name = list[Tensor](), list[Tensor](), ""
        for inputs, labels in self.judges:
            outcome = self.judge(network, inputs, labels, self.within, source)
            with undisturbed(network), torch.no_grad():
                right.append(~is_fooled(network(inputs), labels).cpu())
            resisting.append(~outcome.fooled.cpu())
            name = outcome.attack
        return _Seen(torch.cat(right).double(), torch.cat(resisting).double(), name)

    def finding(
        self,
        condition: str,
        own: "_Seen",
        spoiled: "_Seen",
        random: "_Seen | None",
        generator: torch.Generator,
    ) -> Finding:
        lost = _lost(own, spoiled)
        rate, count = lost.adversarial_rate, count_of(self.judges)
        error = _interval(own, spoiled, generator)
        by_chance = None if random is None else _rate(own, random)
        doubt = beaten_by_a_random_network(condition, rate, error[1], by_chance or 0.0)
        return Finding(
            probe=ParameterAttackResistance.topic,
            name="adversarial_rate",
            condition=condition,
            value=rate,
            unit="",
            error=error,
            method="Share of accuracy kept times share of attacked accuracy lost by the worst "
            "parameters that adversarial parameter attacks in this set or a smaller one found "
            f"on {count_of(self.guide)} training examples, judged by {own.attack} in "
            f"{self.inputs[0]} on {count} random test examples: a lower bound; 95 % bootstrap "
            "interval over the test examples.",
            doubts=() if doubt is None else (doubt,),
            details=SpoiledRobustness(
                accuracy=lost.accuracy,
                attacked_accuracy=lost.attacked_accuracy,
                random_rate=by_chance,
                inputs=self.inputs[0],
                attack=own.attack,
                examples=count,
                searched=count_of(self.guide),
            ),
            references=("yu2023", "madry2018"),
        )


@dataclass(frozen=True, eq=False)
class _Seen:
    """Examples that a network gets right, as they are and under attack: 1 or 0 each."""

    right: Tensor
    resisting: Tensor
    attack: str


def _so_far(
    own: _Seen, found: Sequence[tuple[str, tuple[_Seen | None, _Seen | None]]]
) -> Iterator[tuple[str, tuple[_Seen | None, _Seen | None]]]:
    """The same with the network that loses most of those found in this set or a smaller one."""
    worst: _Seen | None = None
    for condition, (spoiled, random) in found:
        if worst is None or spoiled is None or _rate(own, spoiled) > _rate(own, worst):
            worst = spoiled
        yield condition, (worst, random)


def _rate(own: _Seen, spoiled: _Seen) -> float:
    return _lost(own, spoiled).adversarial_rate


def _lost(own: _Seen, spoiled: _Seen) -> RobustnessLost:
    return RobustnessLost(
        (float(own.right.mean()), float(spoiled.right.mean())),
        (float(own.resisting.mean()), float(spoiled.resisting.mean())),
    )


def _interval(own: _Seen, spoiled: _Seen, generator: torch.Generator) -> tuple[float, float]:
    """Quantiles over resampled examples; the same examples for both networks."""
    columns = torch.stack([own.right, spoiled.right, own.resisting, spoiled.resisting])
    count = columns.shape[1]
    drawn = torch.randint(count, (_RESAMPLES, count), generator=generator)
    rates = torch.tensor(
        [
            RobustnessLost((a, b), (c, d)).adversarial_rate
            for a, b, c, d in columns[:, drawn].mean(dim=2).T.tolist()
        ]
    ).double()
    value = _rate(own, spoiled)
    low, high = rates.quantile(torch.tensor([0.025, 0.975]).double()).tolist()
    return min(low, value), max(high, value)


def _of_size(size: float) -> str:
    return str(ParameterBox(Relative(size)))


def _of_share(share: float) -> str:
    return f"share:{share:g}"


def _absent(condition: str, reason: str) -> Finding:
    topic, (name,) = ParameterAttackResistance.topic, ParameterAttackResistance.names
    return Finding(topic, name, None, "", None, reason, condition=condition, absent=reason)
