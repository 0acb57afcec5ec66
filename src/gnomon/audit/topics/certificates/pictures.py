"""Brackets: what is certified, what is fooled, and what is open, threat by threat."""

from collections.abc import Sequence

from matplotlib.patches import Patch

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.report.picture import (
    COLOURS,
    INK,
    Picture,
    house_style,
    new_figure,
)
from gnomon.report.prose import listed, percent

_CERTIFIED, _FOOLED = COLOURS[2], COLOURS[1]


def brackets(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    """One bar per threat and network, where anything was asked to be certified."""
    found = [
        (audit.name, each)
        for _, audit in examined
        for each in audit.findings
        if each.name == "certified_accuracy"
    ]
    return [_picture(found, several=len(examined) > 1)] if found else []


def _picture(found: Sequence[tuple[str, Finding]], *, several: bool) -> Picture:
    labels = [
        f"{name}: {each.condition}" if several else each.condition for name, each in found
    ]
    with house_style():
        figure = new_figure(1.1 + 0.42 * len(found))
        axes = figure.subplots()
        for row, (_, each) in enumerate(found):
            certified, attacked = (100 * each.details[key] for key in ("certified", "attacked"))
            axes.barh(row, certified, color=_CERTIFIED, height=0.6)
            axes.barh(
                row,
                attacked - certified,
                left=certified,
                color="none",
                edgecolor=INK,
                linewidth=0.7,
                hatch="///",
                alpha=0.5,
                height=0.6,
            )
            axes.barh(row, 100 - attacked, left=attacked, color=_FOOLED, height=0.6)
        axes.set_yticks(range(len(labels)), labels)
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("examples in %")
        handles = [
            Patch(color=_CERTIFIED, label="certified"),
            Patch(facecolor="none", edgecolor=INK, hatch="///", label="open"),
            Patch(color=_FOOLED, label="fooled"),
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=3)
    said = listed([_said(label, each) for label, (_, each) in zip(labels, found, strict=True)])
    return Picture(
        key="brackets",
        topic="Certificates",
        title="What is certified, and what is fooled",
        figure=figure,
        caption=f"The worst-case accuracy lies between what is certified and what no search "
        f"could fool: {said}.",
        alt=f"Bars of certified, open and fooled examples: {said}.",
        definition="bracket",
        doubts=tuple(dict.fromkeys(doubt for _, each in found for doubt in each.doubts)),
    )


def _said(label: str, each: Finding) -> str:
    low, high = (percent(each.details[key]) for key in ("certified", "attacked"))
    return f"{low} to {high} for {label}"
