"""How the values are spread that each weight layer receives."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from gnomon.audit.report.selection import evenly
from gnomon.report.picture import COLOURS, INK, Picture, house_style, new_figure
from gnomon.report.prose import file_stem, percent

_ROWS = 9
"""At most so many representations in one drawing."""


def activations(name: str, units: dict[str, Any]) -> Picture:
    """One histogram for each representation of a network, from the input to the output.

    Args:
        name: of the network.
        units: the details of its finding "dead_units".
    """
    stages = units["stages"]
    shown = evenly(stages, _ROWS)
    with house_style():
        figure = new_figure(0.3 + 0.62 * len(shown))
        grid = figure.subplots(len(shown), squeeze=False)[:, 0]
        for axes, stage in zip(grid, shown, strict=True):
            _draw(axes, stage)
        grid[-1].set_xlabel("value; the height is the share of the values")
    left_out = f"; {len(shown)} of {len(stages)} are shown" if len(shown) < len(stages) else ""
    said = _said(name, stages)
    return Picture(
        key=f"activations-{file_stem(name)}",
        topic="Gradients and units",
        title=f"Activations of {name}",
        chart=figure,
        caption=f"{said} Each row is what a weight layer receives, without what is exactly "
        f"zero, on an axis of its own{left_out}.",
        alt=f"{len(shown)} histograms, from the input to the output. {said}",
        definition="activation-distribution",
    )


def _draw(axes: Axes, stage: dict[str, Any]) -> None:
    edges, counts = stage["edges"], stage["counts"]
    if counts:
        axes.stairs(counts, edges, color=COLOURS[0], fill=True, alpha=0.75)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="x", labelsize=9, pad=1)
    axes.set_ylabel(stage["stage"], rotation=0, ha="right", va="center", fontsize=9.5)
    axes.text(
        1.01,
        0.5,
        _note(stage),
        transform=axes.transAxes,
        va="center",
        fontsize=9,
        color=INK,
    )


def _note(stage: dict[str, Any]) -> str:
    if stage["mean"] is None:
        return "not finite"
    if stage["zero"] == 1:
        return "all zeros"
    return f"{100 * stage['zero']:.0f} % zeros" if stage["zero"] >= 0.005 else "no zeros"


def _said(name: str, stages: list[dict[str, Any]]) -> str:
    hidden = [each for each in stages[1:] if each["zero"] is not None] or stages
    most = max(hidden, key=lambda each: each["zero"])
    known = [each for each in hidden if each["deviation"] is not None]
    start = (
        f"{name}: {percent(most['zero'])} of the values in {most['stage']} are exactly zero, "
        "more than in any other representation behind the input"
        if most["zero"]
        else f"{name}: no value behind the input is exactly zero"
    )
    if not known:
        return f"{start}."
    widest = max(known, key=lambda each: each["deviation"])
    return f"{start}; the spread is largest in {widest['stage']} (±{widest['deviation']:.2g})."
