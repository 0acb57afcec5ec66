"""Where a network takes its data, layer by layer and epoch by epoch."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.audit.topics.mapping.journey import Journey, Place
from gnomon.representation import distance_from_centre, distance_moved, rank_correlation

_DRAWN = 300
"""So many points of a scatter plot are kept."""


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

    Details of the first two: `stages`, for the input and every stage after it (see `Place`);
    `epochs`, the same for each snapshot. Of the other two: `stages` (what was compared, with
    its ρ), and `from_centre`, `moved` and `label` of up to 300 examples.

    Attributes:
        followed: of so many examples at most spread, rank and movement are computed.
        fitted: so many training examples at most fit the linear probe, which is then tried on
            all examined ones.
        batch: examples at a time.
    """

    topic: ClassVar[str] = "mapping"
    names: ClassVar[tuple[str, ...]] = (
        "linear_separability",
        "class_spread_ratio",
        "class_rank_ratio",
        "movement_across_layers",
        "movement_through_training",
    )
    followed: int = 2000
    fitted: int = 2000
    batch: int = 500

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """One finding for each name."""
        journey = Journey.draw(subject, self.followed, self.fitted, self.batch, generator)
        places = journey.places(subject.network)
        details = {
            "followed": len(journey.followed),
            "fitted": len(journey.fitted),
            "class_names": list(subject.data.class_names),
            "stages": [place.plain() for place in places],
            "epochs": [
                {"epoch": epoch, "stages": [place.plain() for place in journey.places(network)]}
                for epoch, network in subject.snapshots.items()
            ],
        }
        return (
            _separability(places, details),
            _spread_ratio(places, details),
            _rank_ratio(places, details),
            _across_layers(journey, subject.network),
            _through_training(journey),
        )


def _separability(places: Sequence[Place], details: dict[str, Any]) -> Finding:
    place = _last_before_output(places)
    found = place.separability
    return Finding(
        probe=PointMapping.topic,
        name="linear_separability",
        value=None if found is None else found.accuracy,
        unit="share",
        error=place.interval,
        method="Share of test examples that multinomial logistic regression gives their label "
        f"from stage {place.stage}, which the layer {place.receiver or 'of the output'} "
        f"receives; fitted on {details['fitted']} training examples; 95 % Clopper–Pearson "
        "interval.",
        details=details,
        references=("alain2017", "clopper1934"),
        absent="" if found else place.why_no_probe,
    )


def _spread_ratio(places: Sequence[Place], details: dict[str, Any]) -> Finding:
    place = _last_before_output(places)
    return Finding(
        probe=PointMapping.topic,
        name="class_spread_ratio",
        value=place.spread_ratio,
        unit="",
        error=None,
        method="The spread (root mean square distance from the mean) of the class with the "
        f"smallest divided by that of the class with the largest, in stage {place.stage}, of "
        f"{details['followed']} examples.",
        details={"stage": place.stage},
        references=("roy2007",),
        absent="" if place.spread_ratio is not None else place.why_no_ratio,
    )


def _rank_ratio(places: Sequence[Place], details: dict[str, Any]) -> Finding:
    place = _last_before_output(places)
    return Finding(
        probe=PointMapping.topic,
        name="class_rank_ratio",
        value=place.rank_ratio,
        unit="",
        error=None,
        method="The smallest effective rank (exponential of the entropy of the normalised "
        f"singular values) of a class divided by the largest, in stage {place.stage}, of "
        f"{details['followed']} examples.",
        details={"stage": place.stage},
        references=("roy2007",),
        absent="" if place.rank_ratio is not None else place.why_no_ratio,
    )


def _across_layers(journey: Journey, network: nn.Module) -> Finding:
    """From the input to the first hidden stage to which a distance is defined."""
    name, unit = "movement_across_layers", "Spearman's ρ"
    start, *hidden, _ = journey.follow(network)
    for after in hidden:
        if start.sketched or after.sketched or not after.by_example:
            continue
        moved = distance_moved(start.points, after.points)
        if moved is not None:
            return _movement(journey, name, f"from the input to stage {after.stage}", moved)
    return _without_figure(name, unit, "no hidden stage has the dimension of the input")


def _through_training(journey: Journey) -> Finding:
    name, unit = "movement_through_training", "Spearman's ρ"
    snapshots = journey.subject.snapshots
    if len(snapshots) < 2:
        return _without_figure(
            name,
            unit,
            "fewer than two snapshots of the training were kept (training.snapshots)",
        )
    first, last = min(snapshots), max(snapshots)
    before, after = journey.follow(snapshots[first]), journey.follow(snapshots[last])
    if not after[-2].by_example:
        return _without_figure(
            name, unit, f"the rows of stage {after[-2].stage} are not examples"
        )
    moved = distance_moved(before[-2].points, after[-2].points)
    assert moved is not None  # one architecture
    return _movement(
        journey, name, f"in stage {after[-2].stage} from epoch {first} to epoch {last}", moved
    )


def _movement(journey: Journey, name: str, how: str, moved: torch.Tensor) -> Finding:
    inputs = journey.subject.inputs[journey.followed]
    far = distance_from_centre(inputs)
    found = rank_correlation(far, moved)
    step = -(-len(far) // _DRAWN)
    drawn = {
        "from_centre": [round(value, 6) for value in far[::step].tolist()],
        "moved": [round(value, 6) for value in moved[::step].tolist()],
        "label": journey.subject.labels[journey.followed][::step].tolist(),
    }
    return Finding(
        probe=PointMapping.topic,
        name=name,
        value=None if found is None else found.value,
        unit="Spearman's ρ",
        error=None if found is None else found.error,
        method=f"Rank correlation of the Euclidean distance moved {how} and the distance of "
        f"the input from the mean of {len(far)} examples; 95 % interval by Fisher's "
        "transformation.",
        details={"how": how, **(drawn if bool(moved.isfinite().all()) else {})},
        references=("fieller1957",),
        absent="" if found else _why_no_correlation(moved),
    )


def _why_no_correlation(moved: torch.Tensor) -> str:
    if len(moved) < 4:
        return f"a rank correlation needs four examples, got {len(moved)}"
    if not moved.isfinite().all():
        return "the training diverged: places that are not finite"
    return "all examples are moved equally far, or lie equally far from the centre"


def _without_figure(name: str, unit: str, reason: str) -> Finding:
    return Finding(PointMapping.topic, name, None, unit, None, reason, absent=reason)


def _last_before_output(places: Sequence[Place]) -> Place:
    return places[-2]
