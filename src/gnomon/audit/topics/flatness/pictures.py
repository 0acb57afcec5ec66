"""Pictures of the loss around a network's parameters: along directions, and on a plane."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import Examined, Named, findings_of
from gnomon.audit.topics.flatness.probe import Losses, landscapes_of
from gnomon.report.charts import (
    WIDTH,
    Axis,
    Chart,
    ColourBar,
    Contours,
    Curve,
    Look,
    Mark,
    Panel,
    Points,
    Rule,
    looks_of,
)
from gnomon.report.picture import Picture
from gnomon.report.prose import file_stem, listed

TOPIC = "Loss landscape"
_LEAST = 1e-4
"""Smaller losses, in nats, are drawn as this."""
_LINES = {"random": "a random direction", "steepest": "the steepest direction"}
Line = Literal["--", "-"]
KINDS: tuple[tuple[str, Line], ...] = (("as they are", "--"), ("perturbed", "-"))
"""The words for inputs of the two losses of a landscape, and the lines that are drawn."""
_ITSELF = Points([0], [0], Look("#ffffff", "+", width=1.6, size=9))
"""The network itself, in the middle of a plane."""


def landscapes(examined: Examined) -> list[Picture]:
    """The loss along two directions for all networks; on a plane, for each."""
    named = [
        (name, finding)
        for name, finding in findings_of(examined, "average_flatness")
        if landscapes_of(finding)
    ]
    if not named:
        return []
    worst = {
        (name, finding.condition): finding
        for name, finding in findings_of(examined, "worst_flatness")
    }
    return [_along(named, worst), *(_on_a_plane(name, finding) for name, finding in named)]


def losses_of(finding: Finding, direction: str) -> Losses:
    """The losses of a finding that has landscapes, along "random", "steepest" or "plane"."""
    return getattr(landscapes_of(finding), direction)


def kinds_of(losses: Losses) -> list[tuple[Sequence[float | None], str, Line]]:
    """The losses that exist, for inputs as they are and perturbed, with words and lines."""
    pairs = zip((losses.loss, losses.attacked_loss), KINDS, strict=True)
    return [(of, words, line) for of, (words, line) in pairs if of is not None]


def shown_losses(losses: Sequence[float | None]) -> NDArray[np.float64]:
    """Losses as they are drawn on a logarithmic scale; a gap where one is infinite."""
    return np.maximum(as_numbers(losses), _LEAST)


def as_numbers(losses: Sequence[float | None]) -> NDArray[np.float64]:
    """The losses; NaN where one is infinite."""
    return np.array([np.nan if each is None else each for each in losses])


def _along(named: Named, worst: dict[tuple[str, str], Finding]) -> Picture:
    looks = {
        name: replace(look, marker="", width=1.4)
        for name, look in looks_of(name for name, _ in named).items()
    }
    panels = [
        Panel(
            [
                Rule(0),
                *(
                    curve
                    for name, finding in named
                    for curve in _curves(losses_of(finding, key), looks[name])
                ),
            ],
            Axis(f"distance s along {words}", ticks=5),
            Axis("loss in nats", log=True, grid=True),
        )
        for key, words in _LINES.items()
    ]
    attacked = any(losses_of(each, "random").attacked_loss for _, each in named)
    dashes = [(f"inputs {words}", Look(line=line)) for words, line in KINDS[: 1 + attacked]]
    rises = ". ".join(_rise(name, finding, worst) for name, finding in named)
    return Picture(
        key="landscape",
        topic=TOPIC,
        title="The loss along directions of parameters",
        chart=Chart([[panel] for panel in panels], 5.6, legend=(*looks.items(), *dashes)),
        caption="The mean loss of networks moved by s times a direction whose filters are as "
        f"long as the network's own{_perturbed(named[0][1])}. {rises}.",
        alt=f"Curves of the loss along two directions through the parameters. {rises}.",
        definition="flatness",
    )


def _curves(line: Losses, look: Look) -> list[Mark]:
    """The losses of one network along a direction."""
    at = [place for (place,) in line.positions]
    return [
        Curve(at, shown_losses(losses), replace(look, line=style))
        for losses, _, style in kinds_of(line)
    ]


def _on_a_plane(name: str, finding: Finding) -> Picture:
    plane = losses_of(finding, "plane")
    kinds = [(losses, words) for losses, words, _ in kinds_of(plane)]
    at = sorted({first for first, _ in plane.positions})
    logs = [np.log10(shown_losses(losses)).reshape(len(at), len(at)).T for losses, _ in kinds]
    low, high = (float(of([of(each) for each in logs])) for of in (np.nanmin, np.nanmax))
    levels = np.linspace(low - 1e-9, max(high, low + 0.1) + 1e-9, 15)
    panels = [
        Panel(
            [Contours(at, at, heights, levels), _ITSELF],
            Axis("s₁"),
            Axis("s₂"),
            title=f"inputs {words}",
            equal=True,
        )
        for heights, (_, words) in zip(logs, kinds, strict=True)
    ]
    decades = [float(tick) for tick in range(math.ceil(low), math.floor(high) + 1)]
    ticks = decades if len(decades) > 1 else [low, high]
    bar = ColourBar("loss in nats", [(tick, f"{10.0**tick:.3g}") for tick in ticks])
    ranges = listed([_range(losses, words) for losses, words in kinds])
    return Picture(
        key=f"landscape-plane-{file_stem(name)}",
        topic=TOPIC,
        title=f"Loss landscape of {name}",
        chart=Chart(
            [panels], 3.4, WIDTH if len(kinds) == 2 else 0.6 * WIDTH, share_y="all", bar=bar
        ),
        caption=f"{name}: the loss over two random directions of parameters, the network "
        f"itself in the middle{_perturbed(finding)}; {ranges}.",
        alt=f"Contours of the loss of {name} on a plane of parameters; {ranges}.",
        definition="flatness",
    )


def _perturbed(finding: Finding) -> str:
    """A clause on how inputs were perturbed, where they were."""
    if losses_of(finding, "random").attacked_loss is None:
        return ""
    return f", with inputs perturbed within {finding.condition} anew for each network"


def _range(losses: Sequence[float | None], words: str) -> str:
    shown = shown_losses(losses)
    return (
        f"for inputs {words} from {np.nanmin(shown):.2g} to {np.nanmax(shown):.2g} nats, "
        f"{shown[len(shown) // 2]:.2g} in the middle"
    )


def _rise(name: str, average: Finding, worst: dict[tuple[str, str], Finding]) -> str:
    parts: list[str] = []
    if average.value is not None:
        parts.append(
            f"by {average.value:.2g} nats on average over the layer-wise ball of size "
            f"{average.details.size:g}"
        )
    most = worst.get((name, average.condition))
    if most is not None and most.value is not None:
        parts.append(f"by {most.value:.2g} at worst within {most.details.size:g}")
    if not parts:
        return f"The loss of {name} is infinite at some networks"
    return f"The loss of {name} ({average.condition}) rises {listed(parts)}"
