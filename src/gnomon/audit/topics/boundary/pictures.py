"""Decision regions on slices through the data, and on the plane through training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from torch import Tensor

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import evenly
from gnomon.audit.subject import Subject
from gnomon.audit.topics.attacks.gallery import is_image
from gnomon.audit.topics.boundary.probe import plane_of
from gnomon.audit.topics.boundary.regions import colours_of, draw_regions, name_regions
from gnomon.networks.predictions import predict
from gnomon.report.picture import (
    COLOURS,
    INK,
    MARKERS,
    WIDTH,
    Picture,
    house_style,
    new_figure,
)
from gnomon.report.prose import file_stem, listed, percent, shortened
from gnomon.representation.boundary import DecisionBoundary, decision_boundary
from gnomon.representation.plane import Plane
from gnomon.sets import Domain

_SIGNS = "●■▲"
"""The first three markers, as text."""
_MOST_PANELS = 8
_PANEL_RESOLUTION = 120
_RAYS = 721
_STILL = 1e-12
"""A coordinate that changes more slowly along a ray stays as it is, but for rounding."""
_MOST_POINTS = 300
"""So many examined points are drawn in a small picture."""


def decisions_on_slices(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    """For data that are not two-dimensional, the first slice of each audit's boundary probe."""
    return [
        _on_slice(subject, finding.details)
        for subject, audit in examined
        for finding in _density(audit)
        if finding.details["kind"] == "slices"
    ]


def decisions_through_training(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    """For two-dimensional data, the decision regions after each epoch that was kept."""
    return [
        _through_training(subject, finding.details)
        for subject, audit in examined
        for finding in _density(audit)
        if finding.details["kind"] == "plane" and len(finding.details["snapshots"]) > 1
    ]


def complexity(found: DecisionBoundary) -> str:
    """Length per area, turning and components, in words."""
    if found.density is None:
        return "the network has no largest logit here"
    if not found.length:
        return "there is no boundary here"
    parts = "part" if found.components == 1 else "parts"
    return (
        f"the boundary has a length of {found.density:.3g} per unit of area, turns by "
        f"{found.turning:.3g} radians in total and consists of {found.components} {parts}"
    )


def _density(audit: Audit) -> list[Finding]:
    return [
        each
        for each in audit.findings
        if each.name == "boundary_density" and each.value is not None
    ]


def _on_slice(subject: Subject, details: Mapping[str, Any]) -> Picture:
    chosen = torch.tensor(details["slices"][0]["examples"])
    examples, labels = subject.inputs[chosen], subject.labels[chosen]
    plane = Plane.through(examples)
    found = decision_boundary(
        subject.network,
        plane,
        resolution=details["resolution"],
        domain=subject.data.domain,
        precision=torch.float32,
    )
    given = predict(subject.network, examples)
    names = [_named(subject, *pair) for pair in zip(labels, given, strict=True)]
    places = plane.coordinates(examples).numpy()
    with house_style():
        figure, axes = _panels(subject, examples, names)
        _draw_slice(axes, found, places, given.tolist(), subject.data.domain)
        name_regions(axes, found, subject.data.class_names, plane.coordinates(examples).numpy())
        _legend(figure, subject, found, names)
    classes = sum(share > 0 for share in found.shares)
    return Picture(
        key=f"slice-{file_stem(subject.name)}",
        topic="Decisions",
        title=f"Decision regions of {subject.name} on a slice",
        chart=figure,
        caption=f"On the plane through three examples {subject.name} gives {classes} classes "
        f"in {found.regions} regions: {complexity(found)}.{_outside(found)}",
        alt=f"Square piece of the plane through three examples ({listed(names)}), coloured by "
        f"the class that {subject.name} gives: {classes} classes in {found.regions} regions.",
        definition="decision-slice",
    )


def _panels(subject: Subject, examples: Tensor, names: Sequence[str]) -> tuple[Figure, Axes]:
    """The axes of the slice, below the three pictures where the examples are pictures."""
    if not is_image(subject.data.shape):
        figure = new_figure(WIDTH + 0.5)
        return figure, figure.subplots()
    figure = new_figure(WIDTH + 1.6)
    grid = figure.add_gridspec(2, 3, height_ratios=(1, 4))
    low, high = subject.data.domain or (float(examples.min()), float(examples.max()) + 1e-9)
    for index, (example, name) in enumerate(zip(examples, names, strict=True)):
        axes = figure.add_subplot(grid[0, index])
        scaled = ((example - low) / (high - low)).clamp(0, 1).expand(3, -1, -1)
        axes.imshow(scaled.permute(1, 2, 0).numpy(), interpolation="none")
        axes.set_title(
            f"{_SIGNS[index]} {name.replace(' → ', f'{chr(10)}→ ')}", fontsize=9, pad=3
        )
        axes.set_axis_off()
    return figure, figure.add_subplot(grid[1, :])


def _draw_slice(
    axes: Axes,
    found: DecisionBoundary,
    places: NDArray[np.float64],
    given: list[int],
    domain: Domain,
) -> None:
    """The markers have the colours of the classes that their examples are given."""
    draw_regions(axes, found)
    if found.outside and domain is not None:
        axes.plot(
            *_edge(found.plane, domain, places).T,
            color=INK,
            linewidth=1.2,
            linestyle="dashed",
        )
    colours = colours_of(found)
    for (x, y), label, marker in zip(places, given, MARKERS, strict=False):
        axes.scatter(
            x, y, s=60, color=colours.get(label, INK), marker=marker, edgecolors=INK, zorder=4
        )
    axes.set_aspect("equal")
    axes.set_xlabel("along the plane, in the data's unit")
    axes.set_ylabel("across")


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


def _legend(
    figure: Figure, subject: Subject, found: DecisionBoundary, names: Sequence[str]
) -> None:
    """The edge of the domain; and the examples, where there are no pictures of them."""
    handles = [Line2D([], [], color=INK, linewidth=0.9, label="boundary")]
    if found.outside:
        handles.append(
            Line2D([], [], color=INK, linestyle="dashed", label="edge of the domain")
        )
    if not is_image(subject.data.shape):
        handles += [
            Line2D([], [], color=INK, marker=marker, linestyle="none", label=name)
            for marker, name in zip(MARKERS, names, strict=False)
        ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)


def _named(subject: Subject, label: Tensor, given: Tensor) -> str:
    """The class of an example, and the one it is given where that is another."""
    names = subject.data.class_names
    true = shortened(names[int(label)], 14)
    return true if label == given else f"{true} → {shortened(names[int(given)], 14)}"


def _outside(found: DecisionBoundary) -> str:
    """What part of the window no example can come from."""
    said = ""
    if found.outside:
        said += (
            f" {percent(found.outside)} of the window lie beyond the dashed line, outside the "
            "domain of the data, where no example can lie."
        )
    if found.unanswered:
        said += f" On {percent(found.unanswered)} of it (blank) no logit is the largest."
    return said


def _through_training(subject: Subject, details: Mapping[str, Any]) -> Picture:
    rows = evenly(details["snapshots"], _MOST_PANELS)
    plane = plane_of(subject.data)
    columns = min(4, len(rows))
    lines = -(-len(rows) // columns)
    width = 1.7 * WIDTH
    with house_style():
        figure = new_figure(0.3 + lines * (width / max(columns, 3) + 0.25), width)
        grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
        for axes in grid.flat[len(rows) :]:
            axes.set_axis_off()
        for axes, row in zip(grid.flat, rows, strict=False):
            axes.set_title(f"epoch {row['epoch']}", pad=3)
            _draw_epoch(axes, subject, plane, row)
    first, last = rows[0], rows[-1]
    seen = " ".join(f"After epoch {row['epoch']} it has {_row(row)}." for row in (first, last))
    return Picture(
        key=f"decisions-through-training-{file_stem(subject.name)}",
        topic="Decisions",
        title=f"Decision regions of {subject.name} through training",
        chart=figure,
        caption=f"How {subject.name} comes to its boundary. {seen}",
        alt=f"{len(rows)} small pictures of the plane, one for each epoch kept, coloured by "
        f"the class that {subject.name} gives. {seen}",
        definition="boundary-complexity",
        wide=True,
    )


def _draw_epoch(axes: Axes, subject: Subject, plane: Plane, row: dict[str, Any]) -> None:
    """The regions with the examined points; words where there is nothing to draw."""
    if row.get("density") is None:
        axes.text(0.5, 0.5, "no answer", ha="center", va="center", transform=axes.transAxes)
        return
    network = subject.snapshots[row["epoch"]]
    draw_regions(axes, decision_boundary(network, plane, resolution=_PANEL_RESOLUTION))
    points, labels = subject.inputs[:_MOST_POINTS], subject.labels[:_MOST_POINTS]
    for label in labels.unique().tolist():
        axes.scatter(
            *points[labels == label].numpy().T,
            s=4,
            color=COLOURS[label % 8],
            marker=MARKERS[label % 8],
            linewidths=0,
            zorder=3,
        )


def _row(row: dict[str, Any]) -> str:
    if row.get("density") is None:
        return f"no boundary ({row['absent']})"
    parts = "part" if row["components"] == 1 else "parts"
    return (
        f"a length of {row['density']:.3g} per unit of area, a turning of "
        f"{row['turning']:.3g} radians and {row['components']} {parts}"
    )
