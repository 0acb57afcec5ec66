"""How large gradients are from layer to layer, and how many of them are lost on the way."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.ticker import MaxNLocator

from gnomon.audit.audit import Audit
from gnomon.audit.report.selection import evenly, findings_of
from gnomon.audit.subject import Subject
from gnomon.audit.topics.gradients.activations import activations
from gnomon.report.picture import (
    COLOURS,
    MARKERS,
    WIDTH,
    Picture,
    house_style,
    new_figure,
)
from gnomon.report.prose import listed, percent

TOPIC = "Gradients and units"
_PLACES = "weight layers passed (0: the input)"
_EPOCHS = 6
"""At most so many epochs in one drawing."""

Table = dict[str, Any]


def gradient_pictures(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    """Gradient sizes, lost gradients and units, gradients through training, activations."""
    flows = _tables(examined, "vanishing_gradients")
    flows = {name: table for name, table in flows.items() if _weight_layers(table)}
    units = _tables(examined, "dead_units")
    hidden = {name: table for name, table in units.items() if table["layers"]}
    trained = {name: table for name, table in flows.items() if len(_epochs(table)) > 1}
    pictures = [gradient_sizes(flows)] if flows else []
    layers = [_weight_layers(each) for each in flows.values()]
    layers += [each["layers"] for each in hidden.values()]
    if any(len(rows) > 1 for rows in layers):
        pictures.append(lost_gradients(flows, hidden))
    if trained:
        pictures.append(gradients_through_training(trained))
    return pictures + [activations(name, table) for name, table in units.items()]


def gradient_sizes(flows: dict[str, Table]) -> Picture:
    """Above, the examples' gradients at each representation; below, the weights' by layer."""
    with house_style():
        figure = new_figure(4.6)
        above, below = figure.subplots(2, sharex=True, height_ratios=(3, 2))
        for index, (name, table) in enumerate(flows.items()):
            colour, marker = COLOURS[index % 8], MARKERS[index % 8]
            _draw_stages(above, table["stages"], colour, marker, name)
            rms = [each["weight_rms"] for each in _weight_layers(table)]
            places = range(1, len(rms) + 1)
            below.plot(places, _positive(rms), color=colour, marker=marker, markersize=5)
        for axes in (above, below):
            _make_logarithmic(axes)
        above.set_ylabel("‖∂ℓ/∂h‖ of an example")
        below.set_ylabel("RMS of ∂ℓ/∂W")
        deepest = max(len(table["stages"]) for table in flows.values()) - 1
        below.set_xlim(-0.05 * deepest, 1.05 * deepest)
        below.set_xlabel(_PLACES)
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(flows) > 1:
            figure.legend(loc="outside lower center", ncols=2)
    said = [_sizes(name, table, len(flows) > 1) for name, table in flows.items()]
    return Picture(
        key="gradient-sizes",
        topic=TOPIC,
        title="Gradients by layer",
        chart=figure,
        caption=f"{' '.join(said)} Bands hold 90 % of the examples; below, the typical entry "
        "of each weight matrix's gradient.",
        alt="Curves of the gradient's size from the input to the output, on a logarithmic "
        f"axis. {' '.join(said)}",
        definition="loss-gradient",
    )


def lost_gradients(flows: dict[str, Table], units: dict[str, Table]) -> Picture:
    """Above, the zero and vanishing entries of each layer; below, its dead, saturated units."""
    names = list(dict.fromkeys([*flows, *units]))
    with house_style():
        figure = new_figure(4.8)
        above, below = figure.subplots(2, sharex=True)
        for index, name in enumerate(names):
            style = (COLOURS[index % 8], MARKERS[index % 8], name)
            rows = _weight_layers(flows[name]) if name in flows else []
            _draw_two(above, [_of(row, "count", ("vanishing", "zero")) for row in rows], style)
            rows = units[name]["layers"] if name in units else []
            _draw_two(below, [_of(row, "units", ("saturated", "dead")) for row in rows], style)
        above.set_title("gradient entries: — vanishing, - - exactly zero", fontsize=9)
        below.set_title("hidden units: — saturated, - - dead", fontsize=9)
        for axes in (above, below):
            axes.set_ylabel("in %")
            top = max(5.0, axes.get_ylim()[1])
            axes.set_ylim(-0.04 * top, top)
            axes.grid(axis="y")
        below.set_xlabel("weight layer")
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
        if len(names) > 1:
            figure.legend(
                *above.get_legend_handles_labels(), loc="outside lower center", ncols=2
            )
    said = [
        _losses(name if len(names) > 1 else "", flows.get(name), units.get(name))
        for name in names
    ]
    return Picture(
        key="lost-gradients",
        topic=TOPIC,
        title="Zero gradients, dead and saturated units",
        chart=figure,
        caption=" ".join(said),
        alt=f"Two charts with one point for each weight layer. {' '.join(said)}",
        definition="dead-unit" if units else "vanishing-gradient",
    )


def gradients_through_training(flows: dict[str, Table]) -> Picture:
    """One drawing for each network, one line for each epoch."""
    columns = min(len(flows), 2)
    rows = -(-len(flows) // columns)
    with house_style():
        figure = new_figure(0.5 + 2.9 * rows, WIDTH * (1 if columns == 1 else 1.6))
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axes, (name, table) in zip(grid.flat, flows.items(), strict=False):
            _draw_epochs(axes, _epochs(table))
            axes.set_title(name)
            axes.set_xlabel(_PLACES)
        for axes in grid.flat[len(flows) :]:
            axes.set_axis_off()
        for axes in grid[:, 0]:
            axes.set_ylabel("median ‖∂ℓ/∂h‖")
    said = [_change(name, table) for name, table in flows.items()]
    return Picture(
        key="gradients-through-training",
        topic=TOPIC,
        title="Gradients through training",
        chart=figure,
        caption=f"{' '.join(said)} Gradients shrink as a network becomes sure.",
        alt=f"One curve for each epoch, over the layers. {' '.join(said)}",
        definition="loss-gradient",
        wide=columns > 1,
    )


def _tables(examined: Sequence[tuple[Subject, Audit]], name: str) -> dict[str, Table]:
    """By subject, the details of its finding of that name."""
    return {subject: dict(found.details) for subject, found in findings_of(examined, name)}


def _weight_layers(table: Table) -> list[Table]:
    return [each for each in table.get("layers", []) if each["weight_layer"]]


def _epochs(table: Table) -> list[Table]:
    """Those with gradients, at most six of them from the first to the last."""
    known = [each for each in table.get("epochs", []) if any(_medians(each))]
    return evenly(known, _EPOCHS)


def _medians(epoch: Table) -> list[float | None]:
    return [row[2] for row in epoch.get("quantiles", [])]


def _draw_stages(axes: Axes, stages: list[Table], colour: str, marker: str, name: str) -> None:
    """Where a quantile is zero the logarithmic axis ends: it is drawn at the axis's foot."""
    rows = [each["quantiles"] for each in stages]
    places = range(len(rows))
    positive = [value for row in rows for value in row if value]
    least = min(positive) / 2 if positive else float("nan")
    low, middle, high = (
        [float("nan") if row[level] is None else max(least, row[level]) for row in rows]
        for level in (0, 2, 4)
    )
    axes.fill_between(places, low, high, color=colour, alpha=0.16, linewidth=0)
    axes.plot(places, middle, color=colour, marker=marker, markersize=5, label=name)


def _draw_two(axes: Axes, rows: list[tuple[float, float]], style: tuple[str, str, str]) -> None:
    """The wider share solid, the narrower one, which is part of it, dashed and hollow."""
    colour, marker, name = style
    places = range(1, len(rows) + 1)
    axes.plot(
        places, [row[0] for row in rows], color=colour, marker=marker, markersize=5, label=name
    )
    axes.plot(
        places,
        [row[1] for row in rows],
        color=colour,
        marker=marker,
        markersize=5,
        markerfacecolor="none",
        linestyle="--",
        linewidth=1.1,
    )


def _draw_epochs(axes: Axes, epochs: list[Table]) -> None:
    for index, epoch in enumerate(epochs):
        shade = 0.38 + 0.42 * index / max(len(epochs) - 1, 1)
        medians = _medians(epoch)
        axes.plot(
            range(len(medians)),
            _positive(medians),
            color=to_hex(colormaps["plasma"](shade)),
            marker=MARKERS[index % 8],
            markersize=4.5,
            label=f"epoch {epoch['epoch']}",
        )
    _make_logarithmic(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend()


def _make_logarithmic(axes: Axes) -> None:
    """Says so where no value can be shown on such an axis."""
    axes.grid(axis="y")
    if any(value > 0 for line in axes.lines for value in np.asarray(line.get_ydata())):
        axes.set_yscale("log")
    else:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no gradient above zero", ha="center", transform=axes.transAxes)


def _positive(values: Sequence[float | None]) -> list[float]:
    """A gap where there is nothing that a logarithmic axis can show."""
    return [value or float("nan") for value in values]


def _of(row: Table, whole: str, parts: tuple[str, str]) -> tuple[float, float]:
    """Two counts in per cent; gaps where there is none."""
    first, second = (
        100 * row[part] / row[whole] if row[whole] and row[part] is not None else float("nan")
        for part in parts
    )
    return first, second


def _sizes(name: str, table: Table, named: bool) -> str:  # noqa: FBT001 - private
    subject = f"{name}: the" if named else "The"
    ends = [table["stages"][place]["quantiles"][2] for place in (-1, 0)]
    if None in ends:
        return f"{subject} gradients of the examples are not all finite or do not exist."
    output, start = ends
    zero = table["stages"][0]["zero"] / table["examples"]
    rest = f" ({percent(zero)} of the examples have none)" if zero else ""
    return (
        f"{subject} median gradient is {output:.2g} at the output and {start:.2g} at the "
        f"input{rest}."
    )


def _losses(name: str, flow: Table | None, units: Table | None) -> str:
    parts: list[str] = []
    if flow is not None:
        total = sum(each["count"] for each in flow["layers"])
        zero, vanishing = (
            sum(each[key] for each in flow["layers"]) / max(total, 1)
            for key in ("zero", "vanishing")
        )
        parts.append(
            f"{percent(vanishing)} of the gradient's entries vanish ({percent(zero)} are zero)"
        )
    if units is not None:
        total, dead, saturated = (
            sum(each[key] or 0 for each in units["layers"])
            for key in ("units", "dead", "saturated")
        )
        parts.append(f"of {total} hidden units {dead} are dead and {saturated} saturated")
    sentence = listed(parts)
    return f"{name}: {sentence}." if name else f"{sentence[0].upper()}{sentence[1:]}."


def _change(name: str, table: Table) -> str:
    epochs = _epochs(table)
    said = [
        f"{median:.2g} after epoch {each['epoch']}"
        for each in (epochs[0], epochs[-1])
        if (median := _medians(each)[0]) is not None
    ]
    return f"{name}: the median gradient at the input is {listed(said)}."
