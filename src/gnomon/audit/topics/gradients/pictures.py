"""Pictures of how large gradients are from layer to layer, and how many are lost on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from matplotlib import colormaps
from matplotlib.colors import to_hex

from gnomon.audit.report.selection import Examined, evenly, findings_of
from gnomon.audit.topics.gradients.activations import activations
from gnomon.audit.topics.gradients.details import (
    EpochGradients,
    GradientsByLayer,
    LayerEntries,
    StageNorms,
    UnitsByLayer,
)
from gnomon.report.charts import (
    MARKERS,
    WIDTH,
    Axis,
    Chart,
    Curve,
    Look,
    Mark,
    Panel,
    in_rows,
    looks_of,
)
from gnomon.report.picture import Picture
from gnomon.report.prose import listed, percent

TOPIC = "Gradients and units"
_PLACES = Axis("weight layers passed (0: the input)", integer=True)
_EPOCHS = 6
"""Largest number of epochs in one chart."""
_NO_GRADIENT = "no gradient above zero"


def gradient_pictures(examined: Examined) -> list[Picture]:
    """Gradient sizes, lost gradients and units, gradients through training, activations."""
    flows = {name: each.details for name, each in findings_of(examined, "vanishing_gradients")}
    flows = {name: table for name, table in flows.items() if _weight_layers(table)}
    units = {name: each.details for name, each in findings_of(examined, "dead_units")}
    hidden = {name: table for name, table in units.items() if table.layers}
    trained = {name: table for name, table in flows.items() if len(_epochs(table)) > 1}
    pictures = [gradient_sizes(flows)] if flows else []
    depths = [len(_weight_layers(table)) for table in flows.values()]
    depths += [len(table.layers) for table in hidden.values()]
    if max(depths, default=0) > 1:
        pictures.append(lost_gradients(flows, hidden))
    if trained:
        pictures.append(gradients_through_training(trained))
    return pictures + [activations(name, table) for name, table in units.items()]


def gradient_sizes(flows: Mapping[str, GradientsByLayer]) -> Picture:
    """Above, the examples' gradients at each representation; below, the weights' by layer."""
    looks = looks_of(flows)
    examples = [_stages(table.stages or (), looks[name], name) for name, table in flows.items()]
    weights: list[Mark] = []
    for name, table in flows.items():
        rms = [layer.weight_rms for layer in _weight_layers(table)]
        weights.append(Curve(range(1, len(rms) + 1), _positive(rms), looks[name]))
    deepest = max(len(table.stages or ()) for table in flows.values()) - 1
    across = replace(_PLACES, low=-0.05 * deepest, high=1.05 * deepest)
    sizes = " ".join(
        _sizes(name if len(flows) > 1 else "", table) for name, table in flows.items()
    )
    return Picture(
        key="gradient-sizes",
        topic=TOPIC,
        title="Gradients by layer",
        chart=Chart(
            [
                [_logarithmic(examples, across, "‖∂ℓ/∂h‖ of an example")],
                [_logarithmic(weights, across, "RMS of ∂ℓ/∂W")],
            ],
            4.6,
            share_x=True,
            heights=(3, 2),
        ),
        caption=f"{sizes} Bands hold 90 % of the examples; below, the typical entry "
        "of each weight matrix's gradient.",
        alt="Curves of the gradient's size from the input to the output, on a logarithmic "
        f"axis. {sizes}",
        definition="loss-gradient",
    )


def lost_gradients(
    flows: Mapping[str, GradientsByLayer], units: Mapping[str, UnitsByLayer]
) -> Picture:
    """Above, the zero and vanishing entries of each layer; below, its dead, saturated units."""
    looks = looks_of([*flows, *units])
    entries = [
        curve
        for name, table in flows.items()
        for curve in _two(
            [(layer.count, layer.vanishing, layer.zero) for layer in _weight_layers(table)],
            looks[name],
        )
    ]
    neurons = [
        curve
        for name, table in units.items()
        for curve in _two(
            [(layer.units, layer.saturated, layer.dead) for layer in table.layers],
            looks[name],
        )
    ]
    losses = " ".join(
        _losses(name if len(looks) > 1 else "", flows.get(name), units.get(name))
        for name in looks
    )
    return Picture(
        key="lost-gradients",
        topic=TOPIC,
        title="Zero gradients, dead and saturated units",
        chart=Chart(
            [
                [_shares_of(entries, "gradient entries: — vanishing, - - exactly zero")],
                [_shares_of(neurons, "hidden units: — saturated, - - dead")],
            ],
            4.8,
            share_x=True,
            legend=list(looks.items()),
        ),
        caption=losses,
        alt=f"Two charts with one point for each weight layer. {losses}",
        definition="dead-unit" if units else "vanishing-gradient",
    )


def gradients_through_training(flows: Mapping[str, GradientsByLayer]) -> Picture:
    """One panel for each network, one line for each epoch."""
    panels = [
        replace(
            _logarithmic(_by_epoch(_epochs(table)), _PLACES, "median ‖∂ℓ/∂h‖"),
            title=name,
            legend=True,
        )
        for name, table in flows.items()
    ]
    columns = min(len(flows), 2)
    rows = in_rows(panels, columns)
    changes = " ".join(_change(name, table) for name, table in flows.items())
    return Picture(
        key="gradients-through-training",
        topic=TOPIC,
        title="Gradients through training",
        chart=Chart(
            rows, 0.5 + 2.9 * len(rows), WIDTH * (1 if columns == 1 else 1.6), share_y="all"
        ),
        caption=f"{changes} Gradients shrink as a network becomes sure.",
        alt=f"One curve for each epoch, over the layers. {changes}",
        definition="loss-gradient",
        wide=columns > 1,
    )


def _weight_layers(table: GradientsByLayer) -> list[LayerEntries]:
    return [layer for layer in table.layers or () if layer.weight_layer]


def _epochs(table: GradientsByLayer) -> list[EpochGradients]:
    """Epochs with gradients, at most six from the first to the last."""
    known = [
        each
        for each in table.epochs
        if isinstance(each, EpochGradients) and any(_medians(each))
    ]
    return evenly(known, _EPOCHS)


def _medians(epoch: EpochGradients) -> list[float | None]:
    return [row[2] for row in epoch.quantiles]


def _stages(stages: Sequence[StageNorms], style: Look, name: str) -> Mark:
    """Medians in a band of 90 %; a zero, which no logarithmic axis shows, is at its foot."""
    rows = [stage.quantiles for stage in stages]
    positive = [value for row in rows for value in row if value]
    least = min(positive) / 2 if positive else float("nan")
    low, middle, high = (
        [None if value is None else max(least, value) for value in (row[level] for row in rows)]
        for level in (0, 2, 4)
    )
    return Curve(range(len(rows)), middle, style, name, band=(low, high))


def _two(rows: Sequence[tuple[int, int | None, int | None]], style: Look) -> list[Mark]:
    """The wider share solid, the narrower one, which is part of it, dashed and hollow.

    Args:
        rows: for each layer the number of all, and of the wider and the narrower part.
        style: of both.
    """
    places = range(1, len(rows) + 1)
    dashed = replace(style, line="--", width=1.1, hollow=True)
    return [
        Curve(places, [_percentage(wider, whole) for whole, wider, _ in rows], style),
        Curve(places, [_percentage(narrower, whole) for whole, _, narrower in rows], dashed),
    ]


def _shares_of(curves: Sequence[Mark], title: str) -> Panel:
    heights = [y for curve in curves if isinstance(curve, Curve) for y in curve.y]
    top = max([5.0, *(1.05 * y for y in heights if y is not None)])
    upwards = Axis("in %", -0.04 * top, top, grid=True)
    return Panel(curves, Axis("weight layer", integer=True), upwards, title)


def _by_epoch(epochs: Sequence[EpochGradients]) -> list[Mark]:
    marks: list[Mark] = []
    for place, epoch in enumerate(epochs):
        shade = to_hex(colormaps["plasma"](0.38 + 0.42 * place / max(len(epochs) - 1, 1)))
        medians = _positive(_medians(epoch))
        style = Look(shade, MARKERS[place % 8], size=4.5)
        marks.append(Curve(range(len(medians)), medians, style, f"epoch {epoch.epoch}"))
    return marks


def _logarithmic(marks: Sequence[Mark], across: Axis, label: str) -> Panel:
    return Panel(marks, across, Axis(label, log=True, grid=True), empty=_NO_GRADIENT)


def _positive(values: Sequence[float | None]) -> list[float | None]:
    """A gap where there is nothing that a logarithmic axis can show."""
    return [value or None for value in values]


def _percentage(part: int | None, whole: int) -> float:
    """The part in per cent; a gap where there is none."""
    return 100 * part / whole if whole and part is not None else float("nan")


def _sizes(name: str, table: GradientsByLayer) -> str:
    subject = f"{name}: the" if name else "The"
    stages = list(table.stages or ())
    output, start = (stages[place].quantiles[2] for place in (-1, 0))
    if output is None or start is None:
        return f"{subject} gradients of the examples are not all finite or do not exist."
    zero = stages[0].zero / (table.examples or 1)
    rest = f" ({percent(zero)} of the examples have none)" if zero else ""
    return (
        f"{subject} median gradient is {output:.2g} at the output and {start:.2g} at the "
        f"input{rest}."
    )


def _losses(name: str, flow: GradientsByLayer | None, units: UnitsByLayer | None) -> str:
    parts: list[str] = []
    if flow is not None:
        layers = flow.layers or ()
        total = max(sum(layer.count for layer in layers), 1)
        vanishing = sum(layer.vanishing for layer in layers) / total
        zero = sum(layer.zero for layer in layers) / total
        parts.append(
            f"{percent(vanishing)} of the gradient's entries vanish ({percent(zero)} are zero)"
        )
    if units is not None:
        total = sum(layer.units for layer in units.layers)
        dead = sum(layer.dead or 0 for layer in units.layers)
        saturated = sum(layer.saturated or 0 for layer in units.layers)
        parts.append(f"of {total} hidden units {dead} are dead and {saturated} saturated")
    sentence = listed(parts)
    return f"{name}: {sentence}." if name else f"{sentence[0].upper()}{sentence[1:]}."


def _change(name: str, table: GradientsByLayer) -> str:
    epochs = _epochs(table)
    medians = [
        f"{median:.2g} after epoch {each.epoch}"
        for each in (epochs[0], epochs[-1])
        if (median := _medians(each)[0]) is not None
    ]
    return f"{name}: the median gradient at the input is {listed(medians)}."
