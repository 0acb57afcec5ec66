"""What alternative networks get right: drawn at random, searched for, and attacked."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import findings_of
from gnomon.audit.subject import Subject
from gnomon.report.picture import (
    COLOURS,
    INK,
    Picture,
    house_style,
    new_figure,
)
from gnomon.report.prose import listed, percent

TOPIC = "Perturbed parameters"
_INSIDE, _VERTICES, _WORST, _ATTACKED = COLOURS[0], COLOURS[2], COLOURS[1], COLOURS[3]
_Row = tuple[str, Finding, Finding]


def alternative_networks(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    """One row per set of parameters and network, where any was asked."""
    worst = {
        (name, each.condition): each
        for name, each in findings_of(examined, "parameter_attacked_accuracy")
    }
    rows = [
        (
            f"{name}: {each.condition}" if len(examined) > 1 else each.condition,
            each,
            worst[name, each.condition],
        )
        for name, each in findings_of(examined, "alternative_accuracy")
        if each.value is not None
    ]
    return [_picture(rows)] if rows else []


def _picture(rows: Sequence[_Row]) -> Picture:
    with house_style():
        figure = new_figure(1.5 + 0.55 * len(rows))
        axes = figure.subplots()
        for row, (_, alternatives, worst) in enumerate(rows):
            _draw(axes, row, alternatives.details, worst)
        axes.set_yticks(range(len(rows)), [label for label, _, _ in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel("accuracy in %")
        axes.grid(axis="x")
        figure.legend(handles=_legend(rows), loc="outside lower center", ncols=2)
    said = listed([_said(*row) for row in rows])
    return Picture(
        key="alternative-networks",
        topic=TOPIC,
        title="Accuracy of alternative networks",
        figure=figure,
        caption="Each mark is a network with other parameters in the set; the thin line is the "
        "network itself. Of the examples are right, with random parameters on average and with "
        f"the worst found: {said}.",
        alt=f"Marks of the accuracy of alternative networks, a row for each set: {said}.",
        definition="alternative-network",
        doubts=tuple(dict.fromkeys(doubt for _, _, each in rows for doubt in each.doubts)),
    )


def _draw(axes: Axes, row: int, details: Any, worst: Finding) -> None:  # noqa: ANN401 - JSON
    """Upper half of a row: as they are; lower half: under attack on inputs."""
    above, below = row - 0.17, row + 0.17
    for key, colour, marker, lift in (
        ("inside", _INSIDE, "o", -0.06),
        ("vertices", _VERTICES, "^", 0.06),
    ):
        shares = [100 * share for share in details[key]["accuracy"]]
        places = [above + lift] * len(shares)
        axes.scatter(shares, places, s=22, color=colour, marker=marker, alpha=0.6, linewidths=0)
    assert worst.value is not None
    axes.scatter(100 * worst.value, above, s=55, color=_WORST, marker="X", linewidths=0)
    _tick(axes, details["clean"], above)
    attacked = details["attacked"]
    if attacked is not None:
        shares = [100 * share for share in attacked["accuracy"]]
        axes.scatter(
            shares, [below] * len(shares), s=24, facecolors="none", edgecolors=_ATTACKED
        )
        _tick(axes, attacked["clean"], below)


def _tick(axes: Axes, share: float, height: float) -> None:
    axes.plot(
        [100 * share] * 2, [height - 0.15, height + 0.15], color=INK, linewidth=1, zorder=0
    )


def _legend(rows: Sequence[_Row]) -> list[Line2D]:
    def mark(marker: str, colour: str, label: str, face: str | None = None) -> Line2D:
        return Line2D(
            [],
            [],
            linestyle="none",
            marker=marker,
            color=colour,
            markerfacecolor=face or colour,
            label=label,
        )

    handles = [
        mark("o", _INSIDE, "random inside"),
        mark("^", _VERTICES, "random vertices"),
        mark("X", _WORST, "worst found"),
    ]
    attacked = next((each.details["attacked"] for _, each, _ in rows), None)
    if attacked is not None:
        words = f"inside, inputs attacked ({attacked['condition']})"
        handles.append(mark("o", _ATTACKED, words, "none"))
    return handles


def _said(label: str, alternatives: Finding, worst: Finding) -> str:
    assert alternatives.value is not None
    assert worst.value is not None
    return f"{percent(alternatives.value)} and {percent(worst.value)} ({label})"
