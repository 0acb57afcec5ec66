"""Data and decisions of a network on the plane."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from gnomon.audit.subject import Subject
from gnomon.audit.topics.boundary.pictures import complexity
from gnomon.audit.topics.boundary.probe import plane_of
from gnomon.audit.topics.boundary.regions import draw_regions
from gnomon.data.dataset import Dataset, Split
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
from gnomon.report.prose import file_stem, percent
from gnomon.representation.boundary import decision_boundary
from gnomon.representation.plane import Plane

_MOST_POINTS = 2000
"""So many points of a split are drawn; more would hide one another."""


def data_on_the_plane(data: Dataset) -> Picture:
    """The training points (small) and the test points of two-dimensional data."""
    with house_style():
        figure = new_figure(WIDTH)
        axes = figure.subplots()
        _scatter(axes, data.train, data.class_names, size=5.0, alpha=0.45)
        named = None if len(data.train) else data.class_names  # each class once in the legend
        _scatter(axes, data.test, named, size=16.0, alpha=1.0)
        _frame(axes, plane_of(data))
        if data.classes <= 8:
            legend = figure.legend(loc="outside lower center", ncols=3, markerscale=2.5)
            for handle in legend.legend_handles:
                handle.set_alpha(1) if handle is not None else None
    counts = f"{len(data.train)} training points (faint) and {len(data.test)} test points"
    facts = "; ".join(f"{name}: {_fact(value)}" for name, value in data.facts.items())
    return Picture(
        key="data",
        topic="Decisions",
        title=data.title,
        chart=figure,
        caption=f"{counts} of {data.classes} classes" + (f" ({facts})." if facts else "."),
        alt=f"Scatter plot of {counts}, a colour and a marker for each of {data.classes} "
        "classes.",
        definition="data",
    )


def decisions_on_the_plane(subject: Subject) -> Picture:
    """The region in which the network gives each class, with the examined points."""
    points = subject.inputs.numpy()
    right = (predict(subject.network, subject.inputs) == subject.labels).numpy()
    found = decision_boundary(subject.network, plane_of(subject.data))
    with house_style():
        figure = new_figure(WIDTH)
        axes = figure.subplots()
        draw_regions(axes, found)
        _scatter(axes, Split(subject.inputs, subject.labels), None, size=9.0, alpha=0.9)
        axes.scatter(
            *points[~right].T, s=70, facecolors="none", edgecolors=INK, linewidths=1.3, zorder=4
        )
        _frame(axes, found.plane)
    wrong = int((~right).sum())
    share = percent(float(right.mean()))
    seen = (
        f"{wrong} of {len(right)} examined points lie in the region of another class (ringed); "
        if wrong
        else f"all {len(right)} examined points lie in the region of their class; "
    )
    return Picture(
        key=f"decisions-{file_stem(subject.name)}",
        topic="Decisions",
        title=f"Decision regions of {subject.name}",
        chart=figure,
        caption=f"{subject.name}: {seen}look how near the boundary passes to the data, and "
        f"what it does where there are none. In this window {complexity(found)}.",
        alt=f"Plane coloured by the class that {subject.name} gives, with the examined points: "
        f"{share} lie in the region of their class.",
        definition="decision-region",
    )


def _scatter(
    axes: Axes, split: Split, names: Sequence[str] | None, size: float, alpha: float
) -> None:
    step = max(1, -(-len(split) // _MOST_POINTS))
    inputs, labels = split.inputs[::step].numpy(), split.labels[::step].numpy()
    for label in np.unique(labels):
        axes.scatter(
            *inputs[labels == label].T,
            s=size,
            color=COLOURS[label % 8],
            marker=MARKERS[label % 8],
            alpha=alpha,
            linewidths=0,
            label=None if names is None else names[label],
            zorder=3,
        )


def _frame(axes: Axes, plane: Plane) -> None:
    x_low, x_high, y_low, y_high = plane.window
    axes.set_xlim(x_low, x_high)
    axes.set_ylim(y_low, y_high)
    axes.set_xlabel("x₁")
    axes.set_ylabel("x₂")


def _fact(value: float | int | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
