"""Accuracy of alternative networks: those with other parameters, near the network's own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import nn

from gnomon.attacks import PGD, InputAttack
from gnomon.attacks.parameters import (
    AlternativeNetworks,
    Batches,
    ParameterOutcome,
    ParameterPGD,
)
from gnomon.audit.doubts import beaten_by_random_networks
from gnomon.audit.finding import Finding
from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import Subject
from gnomon.audit.topics.sample import (
    accuracy_of,
    count_of,
    in_batches,
    split_at_random,
)
from gnomon.networks.alternative import Alternative
from gnomon.sets import InputSet, ParameterBox, ParameterSet
from gnomon.sets.radius import Relative

USUAL = (ParameterBox(Relative(0.01)),)
"""The sets of parameters that are examined where none is asked for."""
NO_PARAMETERS = "the network has no parameters"
"""Why a figure about parameters does not exist."""


@dataclass(frozen=True)
class Spread:
    """Accuracies of several networks.

    Attributes:
        accuracy: of each network.
        mean: over the networks.
        minimum: the least.
        standard_error: of the mean; None for a single network.
    """

    accuracy: tuple[float, ...]
    mean: float
    minimum: float
    standard_error: float | None

    @classmethod
    def of(cls, shares: Sequence[float]) -> "Spread":
        """The spread of these accuracies."""
        values = torch.tensor(shares, dtype=torch.float64)
        error = float(values.std() / len(values) ** 0.5) if len(values) > 1 else None
        return cls(tuple(shares), float(values.mean()), float(values.min()), error)


@dataclass(frozen=True)
class AttackedAlternatives:
    """Accuracies under an attack on inputs, all from the same random starts.

    Attributes:
        condition: the set of inputs.
        attack: its name.
        clean: of the network itself.
        accuracy: of each of the first alternative networks.
    """

    condition: str
    attack: str
    clean: float
    accuracy: tuple[float, ...]


@dataclass(frozen=True)
class Alternatives:
    """The details of `alternative_accuracy`.

    Attributes:
        clean: the accuracy of the network itself.
        inside: of networks drawn uniformly from the set.
        vertices: of networks drawn from its extreme points.
        attacked: under an attack on inputs; None without a set of inputs.
    """

    clean: float
    inside: Spread
    vertices: Spread
    attacked: AttackedAlternatives | None


@dataclass(frozen=True)
class Elsewhere:
    """The accuracy of a network on the examples that it was not searched for.

    Attributes:
        accuracy: the share that is right.
        examples: their number.
    """

    accuracy: float
    examples: int


@dataclass(frozen=True)
class WorstNetwork:
    """The details of `parameter_attacked_accuracy`.

    Attributes:
        attack: the name of the ascent.
        ascent: the accuracy of the network that it finds.
        random: that of the worst of all random members.
        clean: that of the network itself.
        elsewhere: of the worst network, on other examples; None where there are none.
    """

    attack: str
    ascent: float
    random: float
    clean: float
    elsewhere: Elsewhere | None


@dataclass(frozen=True)
class ParameterRobustness:
    """Measures the accuracy of networks with nearby parameters, at random and at worst.

    For each set of parameters, on a random sample of the test examples:

    - `alternative_accuracy`: the mean accuracy of random members of the set (`Alternatives`).
    - `parameter_attacked_accuracy`: of the worst network found, which all examples share: an
      upper bound of the least accuracy in the set (`WorstNetwork`).

    Attributes:
        within: sets of inputs; the first is used.
        parameters: the sets; empty means relative:0.01.
        members: random networks inside the set, and as many vertices.
        attacked: so many of those inside are attacked at their inputs.
        ascent: how a bad network is searched for.
        attack: on inputs.
        examples: so many test examples at most, drawn at random.
        batch: examples at a time.
    """

    topic: ClassVar[str] = "parameters"
    names: ClassVar[tuple[str, ...]] = ("alternative_accuracy", "parameter_attacked_accuracy")
    within: tuple[InputSet, ...]
    parameters: tuple[ParameterSet, ...] = ()
    members: int = 10
    attacked: int = 5
    ascent: ParameterPGD = field(default_factory=lambda: ParameterPGD(20))
    attack: InputAttack = field(default_factory=lambda: PGD(10))
    examples: int = 500
    batch: int = 250

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """Two findings for each set."""
        sets = self.parameters or USUAL
        if not any(True for _ in subject.network.parameters()):
            return tuple(_absent(name, str(each)) for each in sets for name in self.names)
        chosen, others = split_at_random(subject, self.examples, generator)
        batches = in_batches(subject, chosen, self.batch)
        elsewhere = in_batches(subject, others, self.batch)
        findings: list[Finding] = []
        for allowed in sets:
            drawn = self._drawn(subject.network, allowed, batches, generator)
            findings += [
                self._alternatives(subject, allowed, batches, drawn, generator),
                self._worst(subject.network, allowed, (batches, elsewhere), drawn, generator),
            ]
        return tuple(findings)

    def _drawn(
        self,
        network: nn.Module,
        allowed: ParameterSet,
        batches: Batches,
        generator: torch.Generator,
    ) -> dict[str, list[ParameterOutcome]]:
        """Random members, by how they were drawn."""
        region = allowed.of(network)
        return {
            drawn: AlternativeNetworks(self.members, drawn).all(
                network, batches, region, generator
            )
            for drawn in ("inside", "vertices")
        }

    def _alternatives(
        self,
        subject: Subject,
        allowed: ParameterSet,
        batches: Batches,
        drawn: dict[str, list[ParameterOutcome]],
        generator: torch.Generator,
    ) -> Finding:
        inside, vertices = (
            Spread.of([member.accuracy for member in drawn[name]])
            for name in ("inside", "vertices")
        )
        value, count = inside.mean, count_of(batches)
        attacked = self._attacked(subject, batches, drawn["inside"], generator)
        return Finding(
            probe=self.topic,
            name="alternative_accuracy",
            condition=str(allowed),
            value=value,
            unit="share",
            error=clopper_pearson(value * count, count),
            method=f"Share of {count} random test examples that a network drawn from {allowed} "
            f"gets right, mean of {self.members} networks (the least: "
            f"{inside.minimum:.1%}); 95 % Clopper–Pearson interval for these "
            "networks, as for one of them.",
            details=Alternatives(
                accuracy_of(subject.network, {}, batches), inside, vertices, attacked
            ),
            references=("clopper1934",),
        )

    def _attacked(
        self,
        subject: Subject,
        batches: Batches,
        members: Sequence[ParameterOutcome],
        generator: torch.Generator,
    ) -> AttackedAlternatives | None:
        """Alternative networks and the network itself under an attack on inputs."""
        if not self.within or not self.attacked:
            return None
        within = subject.fit(self.within[0])
        seed = int(torch.randint(2**31, (), generator=generator))
        networks = [subject.network] + [
            Alternative(subject.network, each.parameters) for each in members[: self.attacked]
        ]
        names, shares = set[str](), list[float]()
        attack = subject.looking(self.attack)
        for network in networks:
            source, right = torch.Generator().manual_seed(seed), 0
            for inputs, labels in batches:
                outcome = attack(network, inputs, labels, within, source)
                right += int((~outcome.fooled).sum())
                names.add(outcome.attack)
            shares.append(right / count_of(batches))
        own, *alternatives = shares
        return AttackedAlternatives(str(self.within[0]), names.pop(), own, tuple(alternatives))

    def _worst(
        self,
        network: nn.Module,
        allowed: ParameterSet,
        examples: tuple[Batches, Batches],
        drawn: dict[str, list[ParameterOutcome]],
        generator: torch.Generator,
    ) -> Finding:
        batches, elsewhere = examples
        count, clean = count_of(batches), accuracy_of(network, {}, batches)
        ascent = self.ascent(network, batches, allowed.of(network), generator)
        random = min((each for of in drawn.values() for each in of), key=_rank)
        worst = min(ascent, random, key=_rank)
        other = (
            Elsewhere(accuracy_of(network, worst.parameters, elsewhere), count_of(elsewhere))
            if elsewhere
            else None
        )
        doubt = beaten_by_random_networks(
            str(allowed),
            round((clean - ascent.accuracy) * count),
            round((clean - random.accuracy) * count),
        )
        return Finding(
            probe=self.topic,
            name="parameter_attacked_accuracy",
            condition=str(allowed),
            value=worst.accuracy,
            unit="share",
            error=clopper_pearson(round(worst.accuracy * count), count),
            method=f"Share of {count} random test examples that the worst network found in "
            f"{allowed} gets right, by {ascent.attack} and among {2 * self.members} random "
            "members: an upper bound of the least accuracy in the set; 95 % Clopper–Pearson "
            "interval for this network.",
            doubts=() if doubt is None else (doubt,),
            details=WorstNetwork(ascent.attack, ascent.accuracy, random.accuracy, clean, other),
            references=("madry2018", "wu2020", "clopper1934"),
        )


def _rank(outcome: ParameterOutcome) -> tuple[float, float]:
    """Sort key: lower accuracy first, then higher loss."""
    return (outcome.accuracy, -outcome.value)


def _absent(name: str, condition: str) -> Finding:
    reason = NO_PARAMETERS
    return Finding(
        ParameterRobustness.topic,
        name,
        None,
        "share",
        None,
        reason,
        condition=condition,
        absent=reason,
    )
