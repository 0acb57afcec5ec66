"""The examples that are followed through a network, and what is said of each stage."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import Subject
from gnomon.representation import (
    ClassSpread,
    Representation,
    Separability,
    class_spreads,
    linear_separability,
    rank_ratio,
    represent,
    spread_of,
    spread_ratio,
)


@dataclass(frozen=True)
class Place:
    """One stage of one network, as the examples are arranged there.

    Attributes:
        stage: its name.
        receiver: the weight layer that receives it; empty for the output.
        width: its dimension.
        sketched: whether it was seen through a count sketch, because it is wide.
        unknown: why nothing below is known: it holds numbers that are not finite, or rows that
            are not examples; empty where it is.
        separability: of the linear probe, where there is one.
        classes: the extent of each class, where it has two followed examples.
        all: the extent of all followed examples.
    """

    stage: str
    receiver: str
    width: int
    sketched: bool
    unknown: str
    separability: Separability | None
    classes: tuple[ClassSpread | None, ...]
    all: ClassSpread | None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the probe's accuracy."""
        found = self.separability
        return None if found is None else clopper_pearson(found.correct, found.examples)

    @property
    def spread_ratio(self) -> float | None:
        """The smallest class's spread divided by the largest's."""
        return spread_ratio(self.classes)

    @property
    def rank_ratio(self) -> float | None:
        """The smallest effective rank of a class divided by the largest."""
        return rank_ratio(self.classes)

    @property
    def why_no_probe(self) -> str:
        """The reason where there is no linear probe."""
        if self.unknown:
            return self.unknown
        return "the training examples hold fewer than two classes"

    @property
    def why_no_ratio(self) -> str:
        """The reason where there is no ratio of spreads."""
        if self.unknown:
            return self.unknown
        if sum(each is not None for each in self.classes) < 2:
            return "fewer than two classes have two examples"
        return f"stage {self.stage} is constant on every class"

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        found = self.separability
        return {
            "stage": self.stage,
            "receiver": self.receiver,
            "width": self.width,
            "sketched": self.sketched,
            "unknown": self.unknown,
            "separability": None if found is None else found.accuracy,
            "error": None if self.interval is None else list(self.interval),
            "converged": None if found is None else found.converged,
            "spread_ratio": self.spread_ratio,
            "spread": [None if each is None else each.spread for each in self.classes],
            "effective_rank": [
                None if each is None else each.effective_rank for each in self.classes
            ],
            "all_spread": None if self.all is None else self.all.spread,
            "all_effective_rank": None if self.all is None else self.all.effective_rank,
        }


@dataclass(frozen=True, eq=False)
class Journey:
    """Which examples are followed; row i is the same example in every stage and epoch.

    Attributes:
        subject: whose examples they are.
        followed: indices among the examined examples, ascending.
        fitted: indices among the training examples, ascending.
        batch: examples at a time.
        sketch_seed: of the count sketches, one for all networks.
    """

    subject: Subject
    followed: Int[Tensor, " followed"]
    fitted: Int[Tensor, " fitted"]
    batch: int
    sketch_seed: int

    @classmethod
    def draw(
        cls,
        subject: Subject,
        followed: int,
        fitted: int,
        batch: int,
        generator: torch.Generator,
    ) -> "Journey":
        """Random examples, at most as many as asked for."""
        return cls(
            subject,
            _sample(len(subject.labels), followed, generator),
            _sample(len(subject.data.train.labels), fitted, generator),
            batch,
            int(torch.randint(2**62, (), generator=generator)),
        )

    def places(self, network: nn.Module) -> tuple[Place, ...]:
        """What is said of each stage of the network."""
        train = self.subject.data.train
        tried = self._represent(network, self.subject.inputs)
        fitting = self._represent(network, train.inputs[self.fitted])
        return tuple(
            self._place(here, there) for here, there in zip(tried, fitting, strict=True)
        )

    def follow(self, network: nn.Module) -> tuple[Representation, ...]:
        """The followed examples in each stage of the network."""
        return self._represent(network, self.subject.inputs[self.followed])

    def _represent(self, network: nn.Module, inputs: Tensor) -> tuple[Representation, ...]:
        sketches = torch.Generator().manual_seed(self.sketch_seed)
        return represent(network, inputs, generator=sketches, batch=self.batch)

    def _place(self, here: Representation, there: Representation) -> Place:
        labels, points = self.subject.labels, here.points
        classes = self.subject.data.classes
        what = (here.stage, here.receiver, here.width, here.sketched)
        unknown = _unknown(here) or _unknown(there)
        if unknown:
            return Place(*what, unknown, None, (None,) * classes, None)
        followed = points[self.followed]
        return Place(
            *what,
            unknown="",
            separability=linear_separability(
                points, labels, there.points, self.subject.data.train.labels[self.fitted]
            ),
            classes=class_spreads(followed, labels[self.followed], classes),
            all=spread_of(followed),
        )


def _unknown(found: Representation) -> str:
    if not found.by_example:
        return (
            f"the rows of stage {found.stage} are not examples: positions are folded into them"
        )
    if not found.points.isfinite().all():
        return f"stage {found.stage} holds numbers that are not finite"
    return ""


def _sample(available: int, wanted: int, generator: torch.Generator) -> Tensor:
    order = torch.randperm(available, generator=generator)
    return order[:wanted].sort().values
