"""Pictures of where the data go: layer by layer, epoch by epoch, and class by class."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int
from torch import nn

from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import Examined, Named, evenly, findings_of
from gnomon.audit.subject import Subject
from gnomon.audit.topics.mapping.journey import Place
from gnomon.report.charts import (
    COLOURS,
    MARKERS,
    Axis,
    Chart,
    Curve,
    Look,
    Mark,
    Panel,
    Points,
    looks_of,
    one,
    percents,
)
from gnomon.report.picture import Picture
from gnomon.report.prose import file_stem, listed, percent
from gnomon.representation import Representation, represent
from gnomon.seeds import generator

Coordinates = Float[np.ndarray, " points 2"]

TOPIC = "Paths of the data"
_MOST_POINTS = 300
"""Largest number of examples in one panel."""
_MOST_ROWS = 4
"""Largest number of epochs of one network."""
_MOST_COLUMNS = 7
"""Largest number of stages of one network."""
_WIDE = 8.6
"""Width of the widest picture, in inches."""
_STAGES = Axis(angle=40)


def mapping_pictures(examined: Examined) -> list[Picture]:
    """The pictures that the findings about the mapping allow; none without them."""
    named = findings_of(examined, "linear_separability")
    if not named:
        return []
    findings = dict(named)
    pictures = [
        _paths(subject, audit.seed, findings[audit.name])
        for subject, audit in examined
        if audit.name in findings
    ]
    pictures += [_separability(named), _extents(named)]
    for name, key in (
        ("movement_across_layers", "moved-across-layers"),
        ("movement_through_training", "moved-through-training"),
    ):
        moved = findings_of(examined, name, known=True)
        if moved:
            pictures.append(_movement(moved, key))
    return pictures


def _paths(subject: Subject, seed: int, finding: Finding) -> Picture:
    """Small multiples: rows are epochs, columns are stages, points keep their identity."""
    networks = _networks(subject)
    step = -(-len(subject.labels) // _MOST_POINTS)
    labels = subject.labels[::step].numpy()
    places = _places(subject, seed, step, [network for _, network in networks])
    names = list(places[0])
    rows = [
        [
            _panel(
                points, labels, subject, title="" if row else stage, side="" if at else epoch
            )
            for at, (stage, points) in enumerate(places[row].items())
        ]
        for row, (epoch, _) in enumerate(networks)
    ]
    size = min(1.9, _WIDE / len(names))
    stages = len(finding.details.stages)
    columns = "columns" if len(names) == stages else f"columns: {len(names)} of {stages}"
    chosen = "test points" if step == 1 else f"{len(labels)} of the test points"
    two = all(stage.width == 2 for stage in finding.details.stages)
    how = "as they are" if two else "by their two main directions"
    return Picture(
        key=f"paths-{file_stem(subject.name)}",
        topic=TOPIC,
        title=f"Where {subject.name} takes its data",
        chart=Chart(rows, 0.4 + size * len(rows), size * len(names) + 0.4, legend_columns=10),
        caption=f"{subject.name}: the same {chosen} in every representation ({columns})"
        + (" after chosen epochs (rows)" if len(rows) > 1 else "")
        + f", {how}; {_progress(finding)}.",
        alt=f"Scatter plots of the {chosen} in the stages {', '.join(names)} of "
        f"{subject.name}, coloured by class; {_progress(finding)}.",
        definition="representation",
        wide=len(names) > 3,
    )


def _networks(subject: Subject) -> list[tuple[str, nn.Module]]:
    """A few snapshots, or the network as it is."""
    chosen = evenly(list(subject.snapshots), _MOST_ROWS)
    if not chosen:
        return [("", subject.network)]
    return [(f"epoch {epoch}", subject.snapshots[epoch]) for epoch in chosen]


def _places(
    subject: Subject, seed: int, step: int, networks: Sequence[nn.Module]
) -> list[dict[str, Coordinates | None]]:
    """For each network the points of each stage; None where rows are no finite examples."""
    places: list[dict[str, Coordinates | None]] = []
    for network in networks:
        sketches = generator(seed, "paths")
        kept = evenly(
            represent(network, subject.inputs[::step], generator=sketches), _MOST_COLUMNS
        )
        above = list(places[-1].values()) if places else [None] * len(kept)
        places.append(
            {
                stage.stage: _in_the_plane(stage, before)
                for stage, before in zip(kept, above, strict=True)
            }
        )
    return places


def _in_the_plane(stage: Representation, before: Coordinates | None) -> Coordinates | None:
    """Two principal components, turned so that they look most like the row above."""
    points = stage.points.double().numpy()
    if not (stage.by_example and np.isfinite(points).all()):
        return None
    if points.shape[1] == 2:
        return points
    centred = points - points.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    plane = np.zeros((len(points), 2))
    rank = min(2, len(values))
    plane[:, :rank] = left[:, :rank] * values[:rank]
    if before is None:
        return plane
    # The orthogonal Procrustes problem: components are known up to a reflection only.
    u, _, v = np.linalg.svd(plane.T @ (before - before.mean(axis=0)))
    return plane @ (u @ v)


def _panel(
    places: Coordinates | None,
    labels: Int[np.ndarray, " points"],
    subject: Subject,
    *,
    title: str,
    side: str,
) -> Panel:
    """The examples of each class; the classes stand in the legend if they are ten or fewer."""
    panel = Panel([], y=Axis(side), title=title, framed=True, empty="unknown")
    if places is None:
        return panel
    marks: list[Mark] = []
    for label in np.unique(labels).tolist():
        few = subject.data.classes <= 10
        name = subject.data.class_names[label] if few else ""
        marker = MARKERS[(label + label // 8) % 8]
        look = Look(COLOURS[label % 8], marker, size=2.6, opacity=0.75)
        across, upwards = places[labels == label].T
        marks.append(Points(across, upwards, look, name))
    return replace(panel, marks=marks)


def _progress(finding: Finding) -> str:
    """A clause on the linear probe of the last hidden stage, first and last."""
    if finding.value is None:
        return f"no linear probe: {finding.absent}"
    stages, epochs = finding.details.stages, finding.details.epochs
    start = f"a linear probe on {stages[-2].stage} is right on {percent(finding.value)}"
    known = [each for each in epochs if each.stages[-2].separability is not None]
    if not known:
        return start
    first = known[0]
    share = percent(first.stages[-2].separability)
    return f"{start}, after epoch {first.epoch} on {share}"


def _separability(named: Named) -> Picture:
    """The probe's accuracy in every stage, first and last."""
    marks = [
        curve
        for (name, finding), look in zip(
            named, looks_of(name for name, _ in named).values(), strict=True
        )
        for curve in _accuracies(name, finding, look)
    ]
    first = listed([_first_separable(name, finding) for name, finding in named])
    return Picture(
        key="linear-separability",
        topic=TOPIC,
        title="Linear separability by layer",
        chart=one(Panel(marks, _STAGES, Axis("linear probe right on %", grid=True)), 3.4),
        caption=f"How well a linear layer could finish the task from each stage: {first}.",
        alt=f"Curves of the accuracy of a linear probe against the stage: {first}.",
        definition="linear-probe",
    )


def _accuracies(name: str, finding: Finding, look: Look) -> list[Mark]:
    """The probe's accuracy with its intervals; dotted, after the first epoch that was kept."""
    stages = finding.details.stages
    low, high = (
        percents([stage.error and stage.error[side] for stage in stages]) for side in (0, 1)
    )
    dotted = replace(look, line=":", marker="")
    return [
        Curve(*_of_stages(stages), look, name, band=(low, high)),
        *(
            Curve(
                *_of_stages(epoch.stages),
                dotted,
                f"{name}, epoch {epoch.epoch}",
            )
            for epoch in finding.details.epochs[:1]
        ),
    ]


def _of_stages(stages: Sequence[Place]) -> tuple[list[str], list[float]]:
    """The names of stages, and the accuracies of their linear probes in per cent."""
    accuracies = percents([stage.separability for stage in stages])
    return [stage.stage for stage in stages], accuracies


def _first_separable(name: str, finding: Finding) -> str:
    """A clause on where the probe comes within a percentage point of its best."""
    known = [each for each in finding.details.stages if each.separability is not None]
    if not known:
        return f"there is no linear probe of {name}"
    best = max(each.separability for each in known)
    first = next(each for each in known if each.separability >= best - 0.01)
    reached = percent(first.separability)
    return f"a linear probe of {name} first comes near its best in {first.stage}: {reached}"


def _extents(named: Named) -> Picture:
    """Ratio of spreads and the effective ranks of the classes, in every stage."""
    ratios: list[Mark] = []
    ranks: list[Mark] = []
    looks = looks_of(name for name, _ in named)
    for name, finding in named:
        stages, look = finding.details.stages, looks[name]
        names = [stage.stage for stage in stages]
        ratios.append(Curve(names, [stage.spread_ratio for stage in stages], look, name))
        known = [[r for r in stage.effective_rank if r is not None] for stage in stages]
        low, high = ([of(each, default=None) for each in known] for of in (min, max))
        ranks.append(Curve(names, low, look, band=(low, high)))
        ranks.append(Curve(names, high, replace(look, line="--", marker="")))
    alike = listed([_alike(name, finding) for name, finding in named])
    above = Panel(ratios, _STAGES, Axis("least / largest spread", 0, 1.05, grid=True))
    below = Panel(ranks, _STAGES, Axis("effective rank", low=0, grid=True))
    return Picture(
        key="class-extents",
        topic=TOPIC,
        title="How much room each class takes",
        chart=Chart([[above], [below]], 5.2, share_x=True, legend_columns=3),
        caption=f"The smallest class's spread divided by the largest's is {alike}: 1 means "
        "that classes are treated alike, 0 that one has collapsed to a point. Below, how many "
        "directions the class with the fewest (line) and with the most (dashed) uses.",
        alt=f"Curves against the stage. The smallest spread divided by the largest is {alike}.",
        definition="class-spread",
    )


def _alike(name: str, finding: Finding) -> str:
    stage = finding.details.stages[-2]
    ratio = stage.spread_ratio
    known = "not defined" if ratio is None else f"{ratio:.2f}"
    return f"{known} in {stage.stage} of {name}"


def _movement(moved: Named, key: str) -> Picture:
    """Distance moved against distance from the centre, one dot per example."""
    looks = looks_of(name for name, _ in moved)
    marks = [
        Points(
            finding.details.from_centre,
            finding.details.moved,
            replace(looks[name], size=3.2, opacity=0.7),
            name,
        )
        for name, finding in moved
    ]
    across = Axis("distance of the input from the centre of the data", low=0)
    correlations = listed(
        [f"{each.value:+.2f} for {name} ({each.details.how})" for name, each in moved]
    )
    return Picture(
        key=key,
        topic=TOPIC,
        title="Are outer points moved further?",
        chart=one(
            Panel(marks, across, Axis("distance moved", low=0, grid=True)),
            3.6,
            legend_columns=3,
        ),
        caption=f"Each dot is an example; the rank correlation of the two distances is "
        f"{correlations}: +1 if points further out are always moved further.",
        alt=f"Scatter plot; rank correlations: {correlations}.",
        definition="movement",
    )
