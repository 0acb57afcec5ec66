"""The loss landscapes of a few audits side by side, as pictures of a page."""

from collections.abc import Sequence

import numpy as np

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.topics.flatness.panels import landscape_chart, middle_of
from gnomon.audit.topics.flatness.pictures import TOPIC, as_numbers, kinds_of, losses_of
from gnomon.audit.topics.flatness.probe import Losses, landscapes_of
from gnomon.report.picture import Picture
from gnomon.report.prose import listed

MOST_NETWORKS = 12
"""The first of so many are drawn."""
_ALONG = (
    ("random", "a random direction", "the same random numbers for networks of equal shapes"),
    ("steepest", "the steepest direction", "the gradient of each network's own loss"),
)


def landscape_pictures(audits: Sequence[tuple[str, Audit]], note: str = "") -> list[Picture]:
    """The loss along a random and along the steepest direction, a column for each network.

    None where no audit has landscapes: the probe `flatness` was not asked, or the networks have
    no filters.

    Args:
        audits: each with the label of its network; those without landscapes are left out.
        note: what else the captions say.
    """
    found = [
        (label, finding)
        for label, audit in audits
        for finding in audit.findings
        if finding.name == "average_flatness" and landscapes_of(finding)
    ]
    return [_picture(found, note, *each) for each in _ALONG] if found else []


def _picture(
    found: Sequence[tuple[str, Finding]], note: str, key: str, words: str, which: str
) -> Picture:
    shown = [(label, losses_of(finding, key)) for label, finding in found[:MOST_NETWORKS]]
    said = "; ".join(_said(*each) for each in shown)
    left_out = len(found) - len(shown)
    ends = [f"{said}.", f"{left_out} more networks are left out." if left_out else "", note]
    return Picture(
        key=f"landscapes-{key}",
        topic=TOPIC,
        title=f"The loss along {words}",
        chart=landscape_chart(shown),
        caption=f"Each network moved by s times {words} of parameters ({which}), whose filters "
        f"are as long as its own{_perturbed(found)}. Above: the loss, logarithmic. Below: its "
        "rise over that of the network itself, which is flat where it stays near 0. From the "
        "loss of the network itself to the largest: " + " ".join(each for each in ends if each),
        alt=f"Curves of the loss along {words}, a column for each network. From the loss of "
        f"the network itself to the largest: {said}.",
        definition="flatness",
        wide=True,
    )


def _perturbed(found: Sequence[tuple[str, Finding]]) -> str:
    """The sets in which inputs are perturbed; of whom, where they differ."""
    sets: dict[str, list[str]] = {}
    for label, each in found:
        if losses_of(each, "random").attacked_loss is not None:
            sets.setdefault(each.condition, []).append(label)
    if not sets:
        return ""
    parts = (
        list(sets)
        if len(sets) == 1
        else [f"{within} ({listed(labels)})" for within, labels in sets.items()]
    )
    return f", with inputs as they are and perturbed within {listed(parts)} for each point anew"


def _said(label: str, line: Losses) -> str:
    """The loss of the network itself, and the largest along the line."""
    parts = [
        f"{losses[middle_of(line)]:.2g} to {losses.max():.2g} nats with inputs {words}"
        for of, words, _ in kinds_of(line)
        for losses in [np.nan_to_num(as_numbers(of), nan=np.inf)]
    ]
    return f"{label}: {listed(parts)}"
