"""Pictures of decision regions on slices through the data, and through training."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gnomon.audit.report.selection import Examined, evenly
from gnomon.audit.subject import Subject
from gnomon.audit.topics.attacks.gallery import is_image, thumbnail
from gnomon.audit.topics.boundary.probe import (
    Boundaries,
    Epoch,
    EpochBoundary,
    SliceBoundary,
    plane_of,
)
from gnomon.audit.topics.boundary.regions import axes_of, colours_of, region_names, regions
from gnomon.networks.predictions import predict
from gnomon.report.charts import (
    COLOURS,
    INK,
    MARKERS,
    WIDTH,
    Chart,
    Curve,
    Look,
    Mark,
    Panel,
    Points,
    in_rows,
)
from gnomon.report.picture import Picture
from gnomon.report.prose import file_stem, listed, percent, shortened
from gnomon.representation.boundary import DecisionBoundary, decision_boundary
from gnomon.representation.plane import Plane

_SIGNS = "●■▲"
"""The first three markers, as text."""
_MOST_PANELS = 8
"""Largest number of epochs in one picture."""
_PANEL_RESOLUTION = 120
"""Points of the grid along a side of a small picture."""
_RAYS = 721
"""Number of rays along which the edge of the domain is looked for."""
_STILL = 1e-12
"""A coordinate that changes more slowly along a ray stays as it is, but for rounding."""
_MOST_POINTS = 300
"""Largest number of examined points in a small picture."""


def decisions_on_slices(examined: Examined) -> list[Picture]:
    """For data that are not two-dimensional, the first slice of each audit's boundary probe."""
    return [
        _on_slice(subject, first, details.resolution)
        for subject, details in _measured(examined)
        for first in details.slices[:1]
        if isinstance(first, SliceBoundary)
    ]


def decisions_through_training(examined: Examined) -> list[Picture]:
    """For two-dimensional data, the decision regions after each epoch that was kept."""
    return [
        _through_training(subject, details)
        for subject, details in _measured(examined)
        if details.kind == "plane" and len(details.snapshots) > 1
    ]


def complexity(boundary: DecisionBoundary) -> str:
    """A clause on length per area, turning and components."""
    if boundary.density is None:
        return "the network has no largest logit here"
    if not boundary.length:
        return "there is no boundary here"
    parts = "part" if boundary.components == 1 else "parts"
    return (
        f"the boundary has a length of {boundary.density:.3g} per unit of area, turns by "
        f"{boundary.turning:.3g} radians in total and consists of {boundary.components} {parts}"
    )


def _measured(examined: Examined) -> list[tuple[Subject, Boundaries]]:
    """Subjects with the details of their boundary's density, where it has one."""
    return [
        (subject, finding.details)
        for subject, audit in examined
        for finding in audit.findings
        if finding.name == "boundary_density" and finding.value is not None
    ]


def _on_slice(subject: Subject, measured: SliceBoundary, resolution: int) -> Picture:
    chosen = torch.tensor(measured.examples)
    examples, labels = subject.inputs[chosen], subject.labels[chosen]
    plane = Plane.through(examples)
    boundary = decision_boundary(
        subject.network,
        plane,
        resolution=resolution,
        domain=subject.data.domain,
        precision=torch.float32,
    )
    answers = predict(subject.network, examples)
    names = [_named(subject, *pair) for pair in zip(labels, answers, strict=True)]
    classes = sum(share > 0 for share in boundary.shares)
    return Picture(
        key=f"slice-{file_stem(subject.name)}",
        topic="Decisions",
        title=f"Decision regions of {subject.name} on a slice",
        chart=_slice(subject, boundary, examples, answers.tolist(), names),
        caption=f"On the plane through three examples {subject.name} gives {classes} classes "
        f"in {boundary.regions} regions: {complexity(boundary)}.{_outside(boundary)}",
        alt=f"Square piece of the plane through three examples ({listed(names)}), coloured by "
        f"the class that {subject.name} gives: {classes} classes in {boundary.regions} "
        "regions.",
        definition="decision-slice",
    )


def _slice(
    subject: Subject,
    boundary: DecisionBoundary,
    examples: Tensor,
    answers: list[int],
    names: Sequence[str],
) -> Chart:
    """The regions with the examples, below pictures of these where they are images."""
    places = boundary.plane.coordinates(examples).numpy()
    pictured, domain = is_image(subject.data.shape), subject.data.domain
    colours = colours_of(boundary)
    marks: list[Mark] = regions(boundary)
    if boundary.outside and domain is not None:
        x, y = _edge(boundary.plane, domain, places).T
        dashed = Look(INK, line="--", width=1.2)
        marks.append(Curve(x, y, dashed, "edge of the domain"))
    for (x, y), answer, marker, name in zip(places, answers, MARKERS, names, strict=False):
        # The colour of the class that the example is given, within an outline.
        filled = Look(colours.get(answer, INK), marker, size=7.7)
        outline = Look(INK, marker, width=1.0, size=7.7, hollow=True)
        marks.append(Points([x], [y], filled))
        marks.append(Points([x], [y], outline, "" if pictured else name))
    marks += region_names(boundary, subject.data.class_names, places)
    axes = axes_of(boundary.plane, "along the plane, in the data's unit", "across")
    panel = Panel(marks, *axes, equal=True)
    line = [("boundary", Look(width=0.9))]
    if not pictured:
        return Chart([[panel]], WIDTH + 0.5, legend=line)
    above = [
        thumbnail(example, domain, f"{sign} {name.replace(' → ', f'{chr(10)}→ ')}")
        for example, sign, name in zip(examples, _SIGNS, names, strict=True)
    ]
    return Chart([above, [panel]], WIDTH + 1.6, heights=(1, 4), legend=line)


def _edge(
    plane: Plane, domain: tuple[float, float], places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where rays from the middle of the examples leave the domain, which is convex.

    Each coordinate allows a ray to go as far as its own bound; the nearest bound counts.
    """
    middle = places.mean(axis=0)
    corners = np.arctan2(*(places - middle).T[::-1])
    angles = np.sort(np.concatenate([np.linspace(-np.pi, np.pi, _RAYS), corners]))
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    start = plane.points(torch.from_numpy(middle[None]))[0].flatten().numpy()
    speed = rays @ plane.axes.flatten(1).numpy()
    bound = np.where(speed > 0, domain[1], domain[0]) - start
    moves = np.abs(speed) > _STILL
    far = np.where(moves, bound / np.where(moves, speed, 1.0), np.inf).min(axis=1)
    return middle + far[:, None] * rays


def _named(subject: Subject, label: Tensor, answer: Tensor) -> str:
    """The class of an example, and the one it is given where that is another."""
    names = subject.data.class_names
    true = shortened(names[int(label)], 14)
    return true if label == answer else f"{true} → {shortened(names[int(answer)], 14)}"


def _outside(boundary: DecisionBoundary) -> str:
    """Sentences on the part of the window from which no example can come."""
    sentences = ""
    if boundary.outside:
        sentences += (
            f" {percent(boundary.outside)} of the window lie beyond the dashed line, outside "
            "the domain of the data, where no example can lie."
        )
    if boundary.unanswered:
        sentences += (
            f" On {percent(boundary.unanswered)} of it (blank) no logit is the largest."
        )
    return sentences


def _through_training(subject: Subject, details: Boundaries) -> Picture:
    rows = evenly(details.snapshots, _MOST_PANELS)
    plane = plane_of(subject.data)
    columns, width = min(4, len(rows)), 1.7 * WIDTH
    grid = in_rows([_epoch(subject, plane, row) for row in rows], columns)
    height = 0.3 + len(grid) * (width / max(columns, 3) + 0.25)
    ends = " ".join(
        f"After epoch {row.epoch} it has {_row(row)}." for row in (rows[0], rows[-1])
    )
    return Picture(
        key=f"decisions-through-training-{file_stem(subject.name)}",
        topic="Decisions",
        title=f"Decision regions of {subject.name} through training",
        chart=Chart(grid, height, width, share_x=True, share_y="all"),
        caption=f"How {subject.name} comes to its boundary. {ends}",
        alt=f"{len(rows)} small pictures of the plane, one for each epoch kept, coloured by "
        f"the class that {subject.name} gives. {ends}",
        definition="boundary-complexity",
        wide=True,
    )


def _epoch(subject: Subject, plane: Plane, row: Epoch) -> Panel:
    """The regions with the examined points; words where there is nothing to draw."""
    title = f"epoch {row.epoch}"
    if not isinstance(row, EpochBoundary):
        return Panel([], title=title, empty="no answer")
    network = subject.snapshots[row.epoch]
    marks = regions(decision_boundary(network, plane, resolution=_PANEL_RESOLUTION))
    points, labels = subject.inputs[:_MOST_POINTS], subject.labels[:_MOST_POINTS]
    for label in labels.unique().tolist():
        x, y = points[labels == label].numpy().T
        marks.append(Points(x, y, Look(COLOURS[label % 8], MARKERS[label % 8], size=2.0)))
    return Panel(marks, *axes_of(plane), title)


def _row(row: Epoch) -> str:
    if not isinstance(row, EpochBoundary):
        return f"no boundary ({row.absent})"
    parts = "part" if row.components == 1 else "parts"
    return (
        f"a length of {row.density:.3g} per unit of area, a turning of "
        f"{row.turning:.3g} radians and {row.components} {parts}"
    )
