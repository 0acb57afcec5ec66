"""Accuracy of networks with rounded, inverted and noisy weights, as curves."""

from collections.abc import Sequence
from dataclasses import replace

from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import Examined, Named, findings_of
from gnomon.audit.topics.parameters.pictures import TOPIC
from gnomon.report.charts import (
    ACCURACY,
    Axis,
    Chart,
    Curve,
    Look,
    Mark,
    Panel,
    looks_of,
    numbers,
    percents,
)
from gnomon.report.picture import Picture
from gnomon.report.prose import listed, percent

_WORDS = {
    "quantised_accuracy": "with 8-bit weights",
    "bit_flip_accuracy": "after the worst bit flips",
    "noisy_parameter_accuracy": "with noisy parameters",
    "single_fault_accuracy": "with the worst single fault",
}
"""The findings, and how their values are said."""
_LEGEND = (
    ("one scale; flips searched", Look()),
    ("scales by channel; at random", Look(line="--")),
)


def fault_curves(examined: Examined) -> list[Picture]:
    """Three panels: bits, flips, noise; nothing where no fault could be made."""
    named = {name: findings_of(examined, name, known=True) for name in _WORDS}
    return [_picture(named)] if any(named.values()) else []


def _picture(named: dict[str, Named]) -> Picture:
    looks = looks_of(who for pairs in named.values() for who, _ in pairs)
    solid = {who: replace(own, width=1.3, size=4.5) for who, own in looks.items()}
    bits, flips, noise = (
        [mark for who, finding in named[name] for mark in curves(finding, solid[who])]
        for name, curves in (
            ("quantised_accuracy", _of_bits),
            ("bit_flip_accuracy", _of_flips),
            ("noisy_parameter_accuracy", _of_noise),
        )
    )
    panels = [
        Panel(bits, Axis("bits of each weight", reversed=True), ACCURACY),
        Panel(flips, _logarithmic("inverted bits", flips), ACCURACY),
        Panel(noise, _logarithmic("noise in % of the root mean square", noise), ACCURACY),
    ]
    shares = listed([_shares(who, named) for who in looks])
    return Picture(
        key="faults",
        topic=TOPIC,
        title="Rounded, inverted and noisy weights",
        chart=Chart([[panel] for panel in panels], 7.4, legend=(*looks.items(), *_LEGEND)),
        caption="Accuracy against the bits of each weight (with one scale for each tensor, and "
        "dashed for each channel), the number of inverted bits in 8-bit weights (searched: the "
        "worst bit each time; dashed at random), and Gaussian noise relative to "
        f"each tensor's root mean square (shaded down to the worst draw). {shares}.",
        alt=f"Three panels of curves of accuracy under faults of the weights. {shares}.",
        definition="fault",
    )


def _dashed(style: Look) -> Look:
    return replace(style, line="--", hollow=True)


def _of_bits(finding: Finding, style: Look) -> list[Curve]:
    quantised = finding.details
    return [
        Curve(quantised.bits, percents(quantised.per_tensor), style),
        Curve(quantised.bits, percents(quantised.per_channel), _dashed(style)),
    ]


def _of_flips(finding: Finding, style: Look) -> list[Curve]:
    search, random = finding.details.search, finding.details.random
    return [
        Curve(search.flips, percents(search.accuracy), style),
        Curve(random.flips, percents(random.mean), _dashed(style)),
    ]


def _of_noise(finding: Finding, style: Look) -> list[Curve]:
    noisy = finding.details
    least, mean = percents(noisy.minimum), percents(noisy.mean)
    return [Curve(percents(noisy.sizes), mean, style, band=(least, mean))]


def _logarithmic(label: str, curves: Sequence[Mark]) -> Axis:
    """A logarithmic axis with ticks where curves were measured, unless they would crowd it."""
    ticks: set[float] = set()
    for curve in curves:
        assert isinstance(curve, Curve)
        at = numbers(curve.x).tolist()
        crowding = {2.0, 3.0, 7.0} if max(at) > 100 or 7 in at else set[float]()
        ticks |= set(at) - crowding
    return Axis(label, log=True, ticks=[(at, f"{at:g}") for at in sorted(ticks)])


def _shares(who: str, named: dict[str, Named]) -> str:
    shares = [
        f"{percent(finding.value)} {_WORDS[name]}"
        for name, pairs in named.items()
        for subject, finding in pairs
        if subject == who and finding.value is not None
    ]
    return f"{who} gets right {listed(shares)}"
