"""Accuracy of networks with rounded, inverted and noisy weights, as curves."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import findings_of
from gnomon.audit.subject import Subject
from gnomon.audit.topics.parameters.pictures import TOPIC
from gnomon.report.picture import (
    COLOURS,
    INK,
    MARKERS,
    Picture,
    house_style,
    new_figure,
)
from gnomon.report.prose import listed, percent

_NAMES = ("quantised_accuracy", "bit_flip_accuracy", "noisy_parameter_accuracy")
_WORDS = (
    "with 8-bit weights",
    "after the worst bit flips",
    "with noisy parameters",
    "with the worst single fault",
)


def fault_curves(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    """Three panels: bits, flips, noise; nothing where no fault could be made."""
    found = {
        name: [
            (who, each) for who, each in findings_of(examined, name) if each.value is not None
        ]
        for name in (*_NAMES, "single_fault_accuracy")
    }
    return [_picture(found)] if any(found.values()) else []


def _picture(found: dict[str, list[tuple[str, Finding]]]) -> Picture:
    subjects = list(dict.fromkeys(who for each in found.values() for who, _ in each))
    colours = {who: COLOURS[place % 8] for place, who in enumerate(subjects)}
    markers = {who: MARKERS[place % 8] for place, who in enumerate(subjects)}
    with house_style():
        figure = new_figure(7.4)
        bits, flips, noise = figure.subplots(3)
        for who, each in found[_NAMES[0]]:
            for scales, style in (("per_tensor", "-"), ("per_channel", "--")):
                at, shares = each.details["bits"], each.details[scales]
                _line(bits, at, shares, colours[who], markers[who], style)
        for who, each in found[_NAMES[1]]:
            search, random = each.details["search"], each.details["random"]
            _line(flips, search["flips"], search["accuracy"], colours[who], markers[who])
            _line(flips, random["flips"], random["mean"], colours[who], markers[who], "--")
        for who, each in found[_NAMES[2]]:
            sizes = [100 * size for size in each.details["sizes"]]
            _line(noise, sizes, each.details["mean"], colours[who], markers[who])
            low = [100 * share for share in each.details["minimum"]]
            high = [100 * share for share in each.details["mean"]]
            noise.fill_between(sizes, low, high, color=colours[who], alpha=0.15, linewidth=0)
        _frame(bits, flips, noise)
        handles = [
            Line2D([], [], color=colours[who], marker=markers[who], label=who)
            for who in subjects
        ]
        handles.append(
            Line2D([], [], color=INK, linestyle="-", label="one scale; flips searched")
        )
        handles.append(
            Line2D([], [], color=INK, linestyle="--", label="scales by channel; at random")
        )
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
    said = listed([_said(who, found) for who in subjects])
    return Picture(
        key="faults",
        topic=TOPIC,
        title="Rounded, inverted and noisy weights",
        figure=figure,
        caption="Accuracy against the bits of each weight (with one scale for each tensor, and "
        "dashed for each channel), the number of inverted bits in 8-bit weights (searched: the "
        "worst bit each time; dashed at random), and Gaussian noise relative to "
        f"each tensor's root mean square (shaded down to the worst draw). {said}.",
        alt=f"Three panels of curves of accuracy under faults of the weights. {said}.",
        definition="fault",
    )


def _line(
    axes: Axes,
    at: Sequence[int | float],
    shares: Sequence[float],
    colour: str,
    marker: str,
    style: str = "-",
) -> None:
    axes.plot(
        at,
        [100 * share for share in shares],
        color=colour,
        marker=marker,
        markersize=4.5,
        linewidth=1.3,
        linestyle=style,
        markerfacecolor="none" if style == "--" else colour,
    )


def _frame(bits: Axes, flips: Axes, noise: Axes) -> None:
    for axes, label in (
        (bits, "bits of each weight"),
        (flips, "inverted bits"),
        (noise, "noise in % of the root mean square"),
    ):
        axes.set_xlabel(label)
        axes.set_ylabel("accuracy in %")
        axes.set_ylim(-2, 102)
        axes.grid(axis="y")
    bits.invert_xaxis()
    for axes in (flips, noise):
        axes.set_xscale("log")
        at = sorted({float(x) for line in axes.lines for x in _ticks(line)})
        axes.set_xticks(at, [f"{x:g}" for x in at])
        axes.xaxis.set_minor_locator(NullLocator())


def _ticks(line: Line2D) -> list[float]:
    """Where a curve was measured, without the places that would crowd a logarithmic axis."""
    points: Any = line.get_xdata()
    crowding = {2.0, 3.0, 7.0} if max(points) > 100 or 7 in points else set[float]()
    return [float(x) for x in points if float(x) not in crowding]


def _said(who: str, found: dict[str, list[tuple[str, Finding]]]) -> str:
    shares = [
        f"{percent(each.value)} {words}"
        for words, of in zip(_WORDS, found.values(), strict=True)
        for name, each in of
        if name == who and each.value is not None
    ]
    return f"{who} gets right {listed(shares)}"
