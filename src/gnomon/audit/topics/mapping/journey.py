"""The examples that are followed through a network, and their arrangement in each stage."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor, nn

from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import Subject
from gnomon.representation import (
    ClassSpread,
    Representation,
    class_spreads,
    linear_separability,
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
        separability: the accuracy of the linear probe, where there is one.
        error: the 95 % Clopper–Pearson interval of that accuracy.
        converged: whether the fit of the linear probe came to an end.
        spread_ratio: the smallest class's spread divided by the largest's.
        spread: of each class, None where it has fewer than two followed examples.
        effective_rank: the same.
        all_spread: the spread of all followed examples.
        all_effective_rank: their effective rank.
    """

    stage: str
    receiver: str
    width: int
    sketched: bool
    unknown: str
    separability: float | None
    error: tuple[float, float] | None
    converged: bool | None
    spread_ratio: float | None
    spread: tuple[float | None, ...]
    effective_rank: tuple[float | None, ...]
    all_spread: float | None
    all_effective_rank: float | None

    @property
    def why_no_probe(self) -> str:
        """The reason where there is no linear probe."""
        return self.unknown or "the training examples hold fewer than two classes"

    @property
    def why_no_ratio(self) -> str:
        """The reason where there is no ratio of spreads."""
        if self.unknown:
            return self.unknown
        if sum(spread is not None for spread in self.spread) < 2:
            return "fewer than two classes have two examples"
        return f"stage {self.stage} is constant on every class"


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
        """Returns the arrangement of the examples in each stage of the network."""
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
        unknown = _unknown(here) or _unknown(there)
        classes: tuple[ClassSpread | None, ...] = (None,) * self.subject.data.classes
        probe = everything = None
        if not unknown:
            labels, followed = self.subject.labels, here.points[self.followed]
            fitted = self.subject.data.train.labels[self.fitted]
            probe = linear_separability(here.points, labels, there.points, fitted)
            classes = class_spreads(followed, labels[self.followed], len(classes))
            everything = spread_of(followed)
        return Place(
            stage=here.stage,
            receiver=here.receiver,
            width=here.width,
            sketched=here.sketched,
            unknown=unknown,
            separability=probe and probe.accuracy,
            error=probe and clopper_pearson(probe.correct, probe.examples),
            converged=probe and probe.converged,
            spread_ratio=spread_ratio(classes),
            spread=tuple(each and each.spread for each in classes),
            effective_rank=tuple(each and each.effective_rank for each in classes),
            all_spread=everything and everything.spread,
            all_effective_rank=everything and everything.effective_rank,
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
