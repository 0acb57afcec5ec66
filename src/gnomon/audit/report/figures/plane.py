"""Data and decisions of a network on the plane."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes

from gnomon.audit.report.figures.picture import (
    COLOURS,
    INK,
    MARKERS,
    WIDTH,
    Picture,
    house_style,
    new_figure,
)
from gnomon.audit.report.words import file_stem, percent
from gnomon.audit.subject import Subject
from gnomon.data.dataset import Dataset, Split
from gnomon.networks.predictions import logits_of, predict

_Ends = tuple[float, float]
_RESOLUTION = 240
_MOST_POINTS = 2000
"""So many points of a split are drawn; more would hide one another."""


def data_on_the_plane(data: Dataset) -> Picture:
    """The training points (small) and the test points of two-dimensional data."""
    with house_style():
        figure = new_figure(WIDTH)
        axes = figure.subplots()
        _scatter(axes, data.train, data.class_names, size=5.0, alpha=0.45)
        _scatter(axes, data.test, None, size=16.0, alpha=1.0)
        _frame(axes, data)
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
        figure=figure,
        caption=f"{counts} of {data.classes} classes" + (f" ({facts})." if facts else "."),
        alt=f"Scatter plot of {counts}, a colour and a marker for each of {data.classes} "
        "classes.",
        definition="data",
    )


def decisions_on_the_plane(subject: Subject) -> Picture:
    """The region in which the network gives each class, with the examined points."""
    points = subject.inputs.numpy()
    right = (predict(subject.network, subject.inputs) == subject.labels).numpy()
    with house_style():
        figure = new_figure(WIDTH)
        axes = figure.subplots()
        _draw_regions(axes, subject)
        _scatter(axes, Split(subject.inputs, subject.labels), None, size=9.0, alpha=0.9)
        axes.scatter(
            *points[~right].T, s=70, facecolors="none", edgecolors=INK, linewidths=1.3, zorder=4
        )
        _frame(axes, subject.data)
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
        figure=figure,
        caption=f"{subject.name}: {seen}look how near the boundary passes to the data, and "
        "what it does where there are none.",
        alt=f"Plane coloured by the class that {subject.name} gives, with the examined points: "
        f"{share} lie in the region of their class.",
        definition="decision-region",
    )


def _draw_regions(axes: Axes, subject: Subject) -> None:
    """Fills where z_k exceeds every other logit; the boundary is where the difference is 0."""
    x, y = _window(subject.data)
    horizontal, vertical = np.meshgrid(
        np.linspace(*x, _RESOLUTION), np.linspace(*y, _RESOLUTION), indexing="xy"
    )
    grid = np.stack([horizontal.ravel(), vertical.ravel()], axis=1)
    logits = logits_of(subject.network, torch.from_numpy(grid).to(subject.inputs), 10_000)
    for label in range(logits.shape[1]):
        others = logits.clone()
        others[:, label] = -torch.inf
        lead = (logits[:, label] - others.amax(dim=1)).reshape(_RESOLUTION, _RESOLUTION)
        if not (lead > 0).any():
            continue
        values = lead.double().numpy()
        top = float(values.max()) + 1
        axes.contourf(
            horizontal,
            vertical,
            values,
            levels=[0, top],
            colors=[COLOURS[label % 8]],
            alpha=0.22,
        )
        if (values < 0).any():
            axes.contour(
                horizontal,
                vertical,
                values,
                levels=[0],
                colors=[INK],
                linewidths=0.9,
                alpha=0.8,
            )


def _scatter(
    axes: Axes, split: Split, names: Sequence[str] | None, size: float, alpha: float
) -> None:
    step = -(-len(split) // _MOST_POINTS)
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


def _frame(axes: Axes, data: Dataset) -> None:
    x, y = _window(data)
    axes.set_xlim(*x)
    axes.set_ylim(*y)
    axes.set_xlabel("x₁")
    axes.set_ylabel("x₂")


def _window(data: Dataset) -> tuple[_Ends, _Ends]:
    """The range of all data in each coordinate, and a tenth more on each side."""
    points = torch.cat([data.train.inputs, data.test.inputs]).double()
    low, high = points.amin(dim=0), points.amax(dim=0)
    spare = 0.1 * (high - low) + 1e-9
    (x_low, y_low), (x_high, y_high) = (low - spare).tolist(), (high + spare).tolist()
    return (x_low, x_high), (y_low, y_high)


def _fact(value: float | int | str) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
