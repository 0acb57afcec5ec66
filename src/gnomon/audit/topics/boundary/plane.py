"""Pictures of the data and of a network's decisions on the plane."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gnomon.audit.subject import Subject
from gnomon.audit.topics.boundary.pictures import complexity
from gnomon.audit.topics.boundary.probe import plane_of
from gnomon.audit.topics.boundary.regions import axes_of, regions
from gnomon.data.dataset import Dataset, Split
from gnomon.networks.predictions import predict
from gnomon.report.charts import INK, WIDTH, Look, Mark, Panel, Points, look, one
from gnomon.report.picture import Picture
from gnomon.report.prose import file_stem, percent
from gnomon.representation.boundary import decision_boundary

_MOST_POINTS = 2000
"""Largest number of points of a split that are drawn; more would hide one another."""
_WRONG = Look(INK, "o", width=1.3, size=8.4, hollow=True)


def data_on_the_plane(data: Dataset) -> Picture:
    """The training points (small) and the test points of two-dimensional data."""
    names = data.class_names if data.classes <= 8 else ()
    marks = [
        *_points(data.train, names, size=2.2, opacity=0.45),
        *_points(data.test, names, size=4.0, opacity=1.0),
    ]
    counts = f"{len(data.train)} training points (faint) and {len(data.test)} test points"
    return Picture(
        key="data",
        topic="Decisions",
        title=data.title,
        chart=one(Panel(marks, *axes_of(plane_of(data), "x₁", "x₂")), WIDTH, legend_columns=3),
        caption=f"{counts} of {data.classes} classes{_where(data)}.",
        alt=f"Scatter plot of {counts}, a colour and a marker for each of {data.classes} "
        "classes.",
        definition="data",
    )


def decisions_on_the_plane(subject: Subject) -> Picture:
    """The region in which the network gives each class, with the examined points."""
    right = (predict(subject.network, subject.inputs) == subject.labels).numpy()
    boundary = decision_boundary(subject.network, plane_of(subject.data))
    marks: list[Mark] = [
        *regions(boundary),
        *_points(Split(subject.inputs, subject.labels), (), size=3.0, opacity=0.9),
        Points(*_columns(subject.inputs.numpy()[~right]), _WRONG),
    ]
    wrong, share = int((~right).sum()), percent(float(right.mean()))
    seen = (
        f"{wrong} of {len(right)} examined points lie in the region of another class (ringed); "
        if wrong
        else f"all {len(right)} examined points lie in the region of their class; "
    )
    return Picture(
        key=f"decisions-{file_stem(subject.name)}",
        topic="Decisions",
        title=f"Decision regions of {subject.name}",
        chart=one(Panel(marks, *axes_of(boundary.plane, "x₁", "x₂")), WIDTH),
        caption=f"{subject.name}: {seen}look how near the boundary passes to the data, and "
        f"what it does where there are none. In this window {complexity(boundary)}.",
        alt=f"Plane coloured by the class that {subject.name} gives, with the examined points: "
        f"{share} lie in the region of their class.",
        definition="decision-region",
    )


def _points(split: Split, names: Sequence[str], *, size: float, opacity: float) -> list[Mark]:
    """The points of a split, one mark for each class; with names, if there are any."""
    step = max(1, -(-len(split) // _MOST_POINTS))
    inputs, labels = split.inputs[::step].numpy(), split.labels[::step].numpy()
    marks: list[Mark] = []
    for label in sorted(set(labels.tolist())):
        style = replace(look(label), size=size, opacity=opacity)
        name = str(names[label]) if names else ""
        marks.append(Points(*_columns(inputs[labels == label]), style, name))
    return marks


def _columns(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return points[:, 0], points[:, 1]


def _where(data: Dataset) -> str:
    """A clause on where the page says how the data were made, if they say so."""
    return "; how they were made stands under Provenance" if data.facts else ""
