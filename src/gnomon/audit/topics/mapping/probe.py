"""Where a network takes its data, layer by layer and epoch by epoch."""

from dataclasses import dataclass
from operator import not_
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import nn

from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.audit.topics.mapping.journey import Journey, Place
from gnomon.representation import distance_from_centre, distance_moved, rank_correlation

_DRAWN = 300
"""Largest number of examples whose movement is kept."""
_UNITS = {
    "linear_separability": "share",
    "class_spread_ratio": "",
    "class_rank_ratio": "",
    "movement_across_layers": "Spearman's ρ",
    "movement_through_training": "Spearman's ρ",
}


@dataclass(frozen=True)
class EpochPlaces:
    """The stages of the network after an epoch of training."""

    epoch: int
    stages: tuple[Place, ...]


@dataclass(frozen=True)
class Places:
    """The details of `linear_separability`.

    Attributes:
        followed: number of examples of which spread and rank are computed.
        fitted: number of training examples that fit the linear probe.
        class_names: in the order of the labels.
        stages: the input and every stage after it.
        epochs: the same for each snapshot.
    """

    followed: int
    fitted: int
    class_names: tuple[str, ...]
    stages: tuple[Place, ...]
    epochs: tuple[EpochPlaces, ...]

    @property
    def last(self) -> Place:
        """The last stage before the output."""
        return self.stages[-2]


@dataclass(frozen=True)
class AtStage:
    """The details of `class_spread_ratio` and `class_rank_ratio`: the stage they are about."""

    stage: str


@dataclass(frozen=True)
class Movement:
    """The details of the two movements; without examples where places are not finite.

    Attributes:
        how: between which stages or epochs, in words.
        from_centre: distance of the input from the mean of the inputs, of up to 300 examples.
        moved: distance that each of them is moved.
        label: the class of each of them.
    """

    how: str
    from_centre: Annotated[tuple[float, ...], Field(exclude_if=not_)] = ()
    moved: Annotated[tuple[float, ...], Field(exclude_if=not_)] = ()
    label: Annotated[tuple[int, ...], Field(exclude_if=not_)] = ()


@dataclass(frozen=True)
class PointMapping:
    """How the examples are rearranged on their way through the network.

    Its findings:

    - linear_separability: the accuracy of a linear probe on the last representation before the
      output: how far the layers so far have made the classes linearly separable.
    - class_spread_ratio: there, the smallest class's spread divided by the largest's: 1 where
      the classes are treated alike, 0 where one of them has collapsed to a point.
    - class_rank_ratio: there, the smallest effective rank of a class divided by the largest:
      less than 1 where one class uses fewer directions, such as a line beside a plane.
    - movement_across_layers: Spearman's ρ between an example's distance from the centre of the
      data and how far the network moves it, from the input to the first hidden stage of the
      same dimension; there is no distance between spaces of different dimension.
    - movement_through_training: the same for the distance between the example's places in the
      last representation before the output, after the first and after the last epoch kept.

    Attributes:
        followed: largest number of examples of which spread, rank and movement are computed.
        fitted: largest number of training examples that fit the linear probe, which is then
            tried on all examined ones.
        batch: examples at a time.
    """

    topic: ClassVar[str] = "mapping"
    names: ClassVar[tuple[str, ...]] = tuple(_UNITS)
    followed: int = 2000
    fitted: int = 2000
    batch: int = 500

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """Returns one finding for each name."""
        journey = Journey.draw(subject, self.followed, self.fitted, self.batch, generator)
        places = Places(
            followed=len(journey.followed),
            fitted=len(journey.fitted),
            class_names=tuple(subject.data.class_names),
            stages=journey.places(subject.network),
            epochs=tuple(
                EpochPlaces(epoch, journey.places(network))
                for epoch, network in subject.snapshots.items()
            ),
        )
        return (
            _separability(places),
            *_ratios(places),
            _across_layers(journey, subject.network),
            _through_training(journey),
        )


def _separability(places: Places) -> Finding:
    place, name = places.last, "linear_separability"
    return Finding(
        probe=PointMapping.topic,
        name=name,
        value=place.separability,
        unit=_UNITS[name],
        error=place.error,
        method="Share of test examples that multinomial logistic regression gives their label "
        f"from stage {place.stage}, which the layer {place.receiver or 'of the output'} "
        f"receives; fitted on {places.fitted} training examples; 95 % Clopper–Pearson "
        "interval.",
        details=places,
        references=("alain2017", "clopper1934"),
        absent=place.why_no_probe if place.separability is None else "",
    )


def _ratios(places: Places) -> tuple[Finding, ...]:
    """The extents of the classes in the last stage before the output, against one another."""
    place = places.last
    ranks = [rank for rank in place.effective_rank if rank is not None]
    rank_ratio = None if place.spread_ratio is None else min(ranks) / max(ranks)
    spread = (
        "The spread (root mean square distance from the mean) of the class with the smallest "
        "divided by that of the class with the largest"
    )
    rank = (
        "The smallest effective rank (exponential of the entropy of the normalised singular "
        "values) of a class divided by the largest"
    )
    return tuple(
        Finding(
            probe=PointMapping.topic,
            name=name,
            value=value,
            unit=_UNITS[name],
            error=None,
            method=f"{meaning}, in stage {place.stage}, of {places.followed} examples.",
            details=AtStage(place.stage),
            references=("roy2007",),
            absent=place.why_no_ratio if value is None else "",
        )
        for name, value, meaning in (
            ("class_spread_ratio", place.spread_ratio, spread),
            ("class_rank_ratio", rank_ratio, rank),
        )
    )


def _across_layers(journey: Journey, network: nn.Module) -> Finding:
    """From the input to the first hidden stage to which a distance is defined."""
    name = "movement_across_layers"
    start, *hidden, _ = journey.follow(network)
    for after in hidden:
        if start.sketched or after.sketched or not after.by_example:
            continue
        moved = distance_moved(start.points, after.points)
        if moved is not None:
            return _movement(journey, name, f"from the input to stage {after.stage}", moved)
    return _without_figure(name, "no hidden stage has the dimension of the input")


def _through_training(journey: Journey) -> Finding:
    name = "movement_through_training"
    snapshots = journey.subject.snapshots
    if len(snapshots) < 2:
        return _without_figure(
            name,
            "fewer than two snapshots of the training were kept (training.snapshots)",
        )
    first, last = min(snapshots), max(snapshots)
    before, after = journey.follow(snapshots[first]), journey.follow(snapshots[last])
    if not after[-2].by_example:
        return _without_figure(name, f"the rows of stage {after[-2].stage} are not examples")
    moved = distance_moved(before[-2].points, after[-2].points)
    assert moved is not None  # one architecture
    return _movement(
        journey, name, f"in stage {after[-2].stage} from epoch {first} to epoch {last}", moved
    )


def _movement(journey: Journey, name: str, how: str, moved: torch.Tensor) -> Finding:
    inputs = journey.subject.inputs[journey.followed]
    far = distance_from_centre(inputs)
    correlation = rank_correlation(far, moved)
    details = Movement(how)
    if bool(moved.isfinite().all()):
        kept = slice(None, None, -(-len(far) // _DRAWN))
        details = Movement(
            how,
            from_centre=tuple(round(value, 6) for value in far[kept].tolist()),
            moved=tuple(round(value, 6) for value in moved[kept].tolist()),
            label=tuple(journey.subject.labels[journey.followed][kept].tolist()),
        )
    return Finding(
        probe=PointMapping.topic,
        name=name,
        value=None if correlation is None else correlation.value,
        unit=_UNITS[name],
        error=None if correlation is None else correlation.error,
        method=f"Rank correlation of the Euclidean distance moved {how} and the distance of "
        f"the input from the mean of {len(far)} examples; 95 % interval by Fisher's "
        "transformation.",
        details=details,
        references=("fieller1957",),
        absent="" if correlation else _why_no_correlation(moved),
    )


def _why_no_correlation(moved: torch.Tensor) -> str:
    if len(moved) < 4:
        return f"a rank correlation needs four examples, got {len(moved)}"
    if not moved.isfinite().all():
        return "the training diverged: places that are not finite"
    return "all examples are moved equally far, or lie equally far from the centre"


def _without_figure(name: str, reason: str) -> Finding:
    return Finding(PointMapping.topic, name, None, _UNITS[name], None, reason, absent=reason)
