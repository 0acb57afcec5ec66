"""The loss around a network's parameters: along directions, and on a plane."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import findings_of
from gnomon.audit.subject import Subject
from gnomon.report.picture import (
    COLOURS,
    INK,
    WIDTH,
    Picture,
    house_style,
    new_figure,
)
from gnomon.report.prose import file_stem, listed

TOPIC = "Loss landscape"
_LEAST = 1e-4
"""Smaller losses, in nats, are drawn as this."""
_LINES = (("random", "a random direction"), ("steepest", "the steepest direction"))
KINDS: tuple[tuple[str, str, Literal["--", "-"]], ...] = (
    ("loss", "as they are", "--"),
    ("attacked_loss", "perturbed", "-"),
)
"""The losses of a landscape: their keys, what they say of inputs, and how they are drawn."""


def landscapes(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    """The loss along two directions for all networks; on a plane, for each."""
    found = [
        (name, each)
        for name, each in findings_of(examined, "average_flatness")
        if each.details.get("landscapes")
    ]
    if not found:
        return []
    worst = {
        (name, each.condition): each for name, each in findings_of(examined, "worst_flatness")
    }
    along = _along(found, worst)
    return [along, *(_on_a_plane(name, each) for name, each in found)]


def shown_losses(losses: Sequence[float | None]) -> NDArray[np.float64]:
    """Losses as they are drawn on a logarithmic scale; a gap where one is infinite."""
    return np.maximum(as_numbers(losses), _LEAST)


def as_numbers(losses: Sequence[float | None]) -> NDArray[np.float64]:
    """The losses; NaN where one is infinite."""
    return np.array([np.nan if each is None else each for each in losses])


def _along(
    found: Sequence[tuple[str, Finding]], worst: dict[tuple[str, str], Finding]
) -> Picture:
    attacked = any(each.details["landscapes"]["random"]["attacked_loss"] for _, each in found)
    with house_style():
        figure = new_figure(5.6)
        for axes, (key, words) in zip(figure.subplots(2), _LINES, strict=True):
            for place, (_, each) in enumerate(found):
                _draw_line(axes, each.details["landscapes"][key], COLOURS[place % 8])
            axes.set_yscale("log")
            axes.set_xlabel(f"distance s along {words}")
            axes.locator_params(axis="x", nbins=5)
            axes.set_ylabel("loss in nats")
            axes.axvline(0, color=INK, alpha=0.35, linewidth=0.8, linestyle=(0, (1, 2)))
            axes.grid(axis="y")
        handles = [
            Line2D([], [], color=COLOURS[place % 8], label=name)
            for place, (name, _) in enumerate(found)
        ]
        handles += [
            Line2D([], [], color=INK, linestyle=style, label=f"inputs {words}")
            for _, words, style in KINDS[: 1 + attacked]
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
    said = ". ".join(_said(name, each, worst) for name, each in found)
    return Picture(
        key="landscape",
        topic=TOPIC,
        title="The loss along directions of parameters",
        chart=figure,
        caption="The mean loss of networks moved by s times a direction whose filters are as "
        f"long as the network's own{_perturbed(found[0][1])}. {said}.",
        alt=f"Curves of the loss along two directions through the parameters. {said}.",
        definition="flatness",
    )


def _draw_line(axes: Axes, drawn: Any, colour: str) -> None:  # noqa: ANN401 - JSON
    at = [place for (place,) in drawn["positions"]]
    for key, _, style in KINDS:
        if drawn[key] is not None:
            axes.plot(
                at, shown_losses(drawn[key]), color=colour, linestyle=style, linewidth=1.4
            )


def _on_a_plane(name: str, found: Finding) -> Picture:
    drawn = found.details["landscapes"]["plane"]
    kinds = [(key, words) for key, words, _ in KINDS if drawn[key] is not None]
    at = sorted({first for first, _ in drawn["positions"]})
    logs = [np.log10(shown_losses(drawn[key])).reshape(len(at), len(at)).T for key, _ in kinds]
    low, high = (float(of([of(each) for each in logs])) for of in (np.nanmin, np.nanmax))
    levels = np.linspace(low - 1e-9, max(high, low + 0.1) + 1e-9, 15)
    with house_style():
        figure = new_figure(3.0, WIDTH if len(kinds) == 2 else 0.6 * WIDTH)
        panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
        filled = [
            _draw_plane(axes, at, each, levels, f"inputs {words}")
            for axes, each, (_, words) in zip(panels, logs, kinds, strict=True)
        ]
        panels[0].set_ylabel("s₂")
        bar = figure.colorbar(filled[0], ax=panels, orientation="horizontal", shrink=0.8)
        ticks = np.arange(np.ceil(low), np.floor(high) + 1)
        bar.set_ticks(ticks if len(ticks) > 1 else [low, high])
        bar.set_ticklabels([f"{10.0**tick:.3g}" for tick in bar.get_ticks()])
        bar.set_label("loss in nats")
    seen = listed([_spread(drawn[key], words) for key, words in kinds])
    return Picture(
        key=f"landscape-plane-{file_stem(name)}",
        topic=TOPIC,
        title=f"Loss landscape of {name}",
        chart=figure,
        caption=f"{name}: the loss over two random directions of parameters, the network "
        f"itself in the middle{_perturbed(found)}; {seen}.",
        alt=f"Contours of the loss of {name} on a plane of parameters; {seen}.",
        definition="flatness",
    )


def _draw_plane(
    axes: Axes,
    at: Sequence[float],
    logs: NDArray[np.float64],
    levels: NDArray[np.float64],
    title: str,
) -> QuadContourSet:
    filled = axes.contourf(at, at, logs, levels=levels, cmap="viridis")
    axes.contour(at, at, logs, levels=levels, colors="white", linestyles="-", linewidths=0.4)
    axes.plot(0, 0, marker="+", color="white", markersize=9, markeredgewidth=1.6)
    axes.set_aspect("equal")
    axes.set_title(title)
    axes.set_xlabel("s₁")
    return filled


def _perturbed(found: Finding) -> str:
    """How inputs were perturbed, where they were."""
    if found.details["landscapes"]["random"]["attacked_loss"] is None:
        return ""
    return f", with inputs perturbed within {found.condition} anew for each network"


def _spread(losses: Sequence[float | None], words: str) -> str:
    shown = shown_losses(losses)
    return (
        f"for inputs {words} from {np.nanmin(shown):.2g} to {np.nanmax(shown):.2g} nats, "
        f"{shown[len(shown) // 2]:.2g} in the middle"
    )


def _said(name: str, average: Finding, worst: dict[tuple[str, str], Finding]) -> str:
    parts: list[str] = []
    if average.value is not None:
        parts.append(
            f"by {average.value:.2g} nats on average over the layer-wise ball of size "
            f"{average.details['size']:g}"
        )
    most = worst.get((name, average.condition))
    if most is not None and most.value is not None:
        parts.append(f"by {most.value:.2g} at worst within {most.details['size']:g}")
    if not parts:
        return f"The loss of {name} is infinite at some networks"
    return f"The loss of {name} ({average.condition}) rises {listed(parts)}"
