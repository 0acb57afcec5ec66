"""Where the data go: layer by layer, epoch by epoch, and class by class."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from torch import nn

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import evenly
from gnomon.audit.subject import Subject
from gnomon.report.picture import (
    COLOURS,
    MARKERS,
    Picture,
    house_style,
    new_figure,
)
from gnomon.report.prose import file_stem, listed, percent
from gnomon.representation import Representation, represent
from gnomon.seeds import generator

Examined = Sequence[tuple[Subject, Audit]]
Coordinates = Float[np.ndarray, " points 2"]

TOPIC = "Paths of the data"
_MOST_POINTS = 300
_MOST_ROWS = 4
_MOST_COLUMNS = 7
_WIDE = 8.6


def mapping_pictures(examined: Examined) -> list[Picture]:
    """What the findings about the mapping allow to be drawn; nothing without them."""
    seen = [
        (subject, audit, found)
        for subject, audit in examined
        if (found := _finding(audit, "linear_separability")) is not None
    ]
    if not seen:
        return []
    pictures = [_paths(subject, audit, found) for subject, audit, found in seen]
    named = [(audit.name, found) for _, audit, found in seen]
    pictures += [_separability(named), _extents(named)]
    for name, key in (
        ("movement_across_layers", "moved-across-layers"),
        ("movement_through_training", "moved-through-training"),
    ):
        moved = [
            (audit.name, each)
            for _, audit, _ in seen
            if (each := _finding(audit, name)) is not None and each.value is not None
        ]
        if moved:
            pictures.append(_movement(moved, key))
    return pictures


def _paths(subject: Subject, audit: Audit, found: Finding) -> Picture:
    """Small multiples: rows are epochs, columns are stages, points keep their identity."""
    rows = _rows(subject)
    step = -(-len(subject.labels) // _MOST_POINTS)
    labels = subject.labels[::step].numpy()
    panels = _panels(subject, audit, step, rows)
    names = [stage for stage, _ in panels[0]]
    with house_style():
        size = min(1.9, _WIDE / len(names))
        figure = new_figure(0.4 + size * len(rows), size * len(names) + 0.4)
        grid = figure.subplots(len(rows), len(names), squeeze=False)
        for (title, _), row, axes_row in zip(rows, panels, grid, strict=True):
            for (stage, points), axes in zip(row, axes_row, strict=True):
                _dots(axes, points, labels, subject.data.class_names)
                if axes in grid[0]:
                    axes.set_title(stage)
            axes_row[0].set_ylabel(title)
        if subject.data.classes <= 10:
            handles, classes = grid[-1, -1].get_legend_handles_labels()
            figure.legend(handles, classes, loc="outside lower center", ncols=10, markerscale=2)
    stages = len(found.details["stages"])
    columns = "columns" if len(names) == stages else f"columns: {len(names)} of {stages}"
    chosen = "test points" if step == 1 else f"{len(labels)} of the test points"
    how = "as they are" if _two_dimensional(found) else "by their two main directions"
    return Picture(
        key=f"paths-{file_stem(audit.name)}",
        topic=TOPIC,
        title=f"Where {audit.name} takes its data",
        chart=figure,
        caption=f"{audit.name}: the same {chosen} in every representation ({columns})"
        + (" after chosen epochs (rows)" if len(rows) > 1 else "")
        + f", {how}; {_progress(found)}.",
        alt=f"Scatter plots of the {chosen} in the stages {', '.join(names)} of {audit.name}, "
        f"coloured by class; {_progress(found)}.",
        definition="representation",
        wide=len(names) > 3,
    )


def _rows(subject: Subject) -> list[tuple[str, nn.Module]]:
    """A few snapshots, or the network as it is."""
    chosen = evenly(list(subject.snapshots), _MOST_ROWS)
    if not chosen:
        return [("", subject.network)]
    return [(f"epoch {epoch}", subject.snapshots[epoch]) for epoch in chosen]


def _panels(
    subject: Subject, audit: Audit, step: int, rows: list[tuple[str, nn.Module]]
) -> list[list[tuple[str, Coordinates | None]]]:
    """For each row the stages' names and points; None where rows are no finite examples."""
    panels: list[list[tuple[str, Coordinates | None]]] = []
    for _, network in rows:
        sketches = generator(audit.seed, "paths")
        found = represent(network, subject.inputs[::step], generator=sketches)
        kept = evenly(found, _MOST_COLUMNS)
        above = panels[-1] if panels else [("", None)] * len(kept)
        panels.append(
            [
                (each.stage, _in_the_plane(each, before))
                for each, (_, before) in zip(kept, above, strict=True)
            ]
        )
    return panels


def _in_the_plane(found: Representation, before: Coordinates | None) -> Coordinates | None:
    """Two principal components, turned so that they look most like the row above."""
    points = found.points.double().numpy()
    if not (found.by_example and np.isfinite(points).all()):
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


def _dots(
    axes: Axes,
    points: Coordinates | None,
    labels: Int[np.ndarray, " points"],
    names: Sequence[str],
) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_box_aspect(1)
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)
    for side in axes.spines.values():
        side.set_alpha(0.3)
    if points is None:
        axes.text(0.5, 0.5, "unknown", ha="center", va="center", transform=axes.transAxes)
        return
    for label in np.unique(labels):
        axes.scatter(
            *points[labels == label].T,
            s=7,
            color=COLOURS[label % 8],
            marker=MARKERS[(label + label // 8) % 8],
            linewidths=0,
            alpha=0.75,
            label=names[label],
        )
    axes.margins(0.08)


def _progress(found: Finding) -> str:
    """What a linear probe makes of the last hidden stage, first and last."""
    if found.value is None:
        return f"no linear probe: {found.absent}"
    stages, epochs = found.details["stages"], found.details["epochs"]
    start = f"a linear probe on {stages[-2]['stage']} is right on {percent(found.value)}"
    known = [each for each in epochs if each["stages"][-2]["separability"] is not None]
    if not known:
        return start
    first = known[0]
    share = percent(first["stages"][-2]["separability"])
    return f"{start}, after epoch {first['epoch']} on {share}"


def _separability(named: Sequence[tuple[str, Finding]]) -> Picture:
    """The probe's accuracy in every stage, first and last."""
    with house_style():
        figure = new_figure(3.4)
        axes = figure.subplots()
        for index, (name, found) in enumerate(named):
            colour, marker = COLOURS[index % 8], MARKERS[index % 8]
            stages = found.details["stages"]
            names = [stage["stage"] for stage in stages]
            shares = _in_percent([stage["separability"] for stage in stages])
            axes.plot(names, shares, color=colour, marker=marker, markersize=5, label=name)
            low, high = zip(*[_ends(stage["error"]) for stage in stages], strict=True)
            axes.fill_between(names, low, high, color=colour, alpha=0.18, linewidth=0)
            for first in found.details["epochs"][:1]:
                shares = _in_percent([stage["separability"] for stage in first["stages"]])
                axes.plot(
                    names,
                    shares,
                    color=colour,
                    linestyle=":",
                    label=f"{name}, epoch {first['epoch']}",
                )
        _stage_axis(axes)
        axes.set_ylabel("linear probe right on %")
        if len(axes.lines) > 1:
            figure.legend(loc="outside lower center", ncols=2)
    said = listed([_first_separable(name, found) for name, found in named])
    return Picture(
        key="linear-separability",
        topic=TOPIC,
        title="Linear separability by layer",
        chart=figure,
        caption=f"How well a linear layer could finish the task from each stage: {said}.",
        alt=f"Curves of the accuracy of a linear probe against the stage: {said}.",
        definition="linear-probe",
    )


def _first_separable(name: str, found: Finding) -> str:
    """Where the probe comes within a percentage point of its best."""
    known = [each for each in found.details["stages"] if each["separability"] is not None]
    if not known:
        return f"there is no linear probe of {name}"
    best = max(each["separability"] for each in known)
    first = next(each for each in known if each["separability"] >= best - 0.01)
    reached = percent(first["separability"])
    return f"a linear probe of {name} first comes near its best in {first['stage']}: {reached}"


def _extents(named: Sequence[tuple[str, Finding]]) -> Picture:
    """Ratio of spreads and the effective ranks of the classes, in every stage."""
    with house_style():
        figure = new_figure(5.2)
        upper, lower = figure.subplots(2, 1, sharex=True)
        for index, (name, found) in enumerate(named):
            colour, marker = COLOURS[index % 8], MARKERS[index % 8]
            stages = found.details["stages"]
            names = [stage["stage"] for stage in stages]
            ratio = [_or_nan(stage["spread_ratio"]) for stage in stages]
            upper.plot(names, ratio, color=colour, marker=marker, markersize=5, label=name)
            ranks = [stage["effective_rank"] for stage in stages]
            known = [[rank for rank in each if rank is not None] for each in ranks]
            low = [min(each, default=np.nan) for each in known]
            high = [max(each, default=np.nan) for each in known]
            lower.fill_between(names, low, high, color=colour, alpha=0.25, linewidth=0)
            lower.plot(names, low, color=colour, marker=marker, markersize=5)
            lower.plot(names, high, color=colour, linestyle="--")
        upper.set_ylim(0, 1.05)
        upper.set_ylabel("least / largest spread")
        lower.set_ylim(bottom=0)
        lower.set_ylabel("effective rank")
        upper.grid(axis="y")
        _stage_axis(lower)
        if len(named) > 1:
            figure.legend(loc="outside lower center", ncols=3)
    said = listed([_alike(name, found) for name, found in named])
    return Picture(
        key="class-extents",
        topic=TOPIC,
        title="How much room each class takes",
        chart=figure,
        caption=f"The smallest class's spread divided by the largest's is {said}: 1 means that "
        "classes are treated alike, 0 that one has collapsed to a point. Below, how many "
        "directions the class with the fewest (line) and with the most (dashed) uses.",
        alt=f"Curves against the stage. The smallest spread divided by the largest is {said}.",
        definition="class-spread",
    )


def _alike(name: str, found: Finding) -> str:
    stage = found.details["stages"][-2]
    ratio = stage["spread_ratio"]
    known = "not defined" if ratio is None else f"{ratio:.2f}"
    return f"{known} in {stage['stage']} of {name}"


def _movement(moved: Sequence[tuple[str, Finding]], key: str) -> Picture:
    """Distance moved against distance from the centre, one dot per example."""
    with house_style():
        figure = new_figure(3.6)
        axes = figure.subplots()
        for index, (name, found) in enumerate(moved):
            axes.scatter(
                found.details["from_centre"],
                found.details["moved"],
                s=10,
                color=COLOURS[index % 8],
                marker=MARKERS[index % 8],
                linewidths=0,
                alpha=0.7,
                label=name,
            )
        axes.set_xlabel("distance of the input from the centre of the data")
        axes.set_ylabel("distance moved")
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.grid(axis="y")
        if len(moved) > 1:
            figure.legend(loc="outside lower center", ncols=3, markerscale=1.6)
    said = listed(
        [f"{found.value:+.2f} for {name} ({found.details['how']})" for name, found in moved]
    )
    return Picture(
        key=key,
        topic=TOPIC,
        title="Are outer points moved further?",
        chart=figure,
        caption=f"Each dot is an example; the rank correlation of the two distances is {said}: "
        "+1 if points further out are always moved further.",
        alt=f"Scatter plot; rank correlations: {said}.",
        definition="movement",
    )


def _stage_axis(axes: Axes) -> None:
    axes.tick_params(axis="x", rotation=40)
    for label in axes.get_xticklabels():
        label.set_horizontalalignment("right")
        label.set_rotation_mode("anchor")
    axes.grid(axis="y")


def _two_dimensional(found: Finding) -> bool:
    return all(stage["width"] == 2 for stage in found.details["stages"])


def _in_percent(shares: Sequence[float | None]) -> list[float]:
    return [100 * _or_nan(share) for share in shares]


def _ends(error: Sequence[float] | None) -> tuple[float, float]:
    return (np.nan, np.nan) if error is None else (100 * error[0], 100 * error[1])


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value


def _finding(audit: Audit, name: str) -> Finding | None:
    return next((each for each in audit.findings if each.name == name), None)
