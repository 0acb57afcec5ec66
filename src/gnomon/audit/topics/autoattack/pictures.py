"""Which part of an ensemble of attacks was the first to fool how many examples."""

from collections.abc import Sequence

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

_RESISTING, _WRONG = COLOURS[2], "#c8c8c8"
_PARTS = [colour for colour in COLOURS if colour != _RESISTING]


def fooled_by_parts(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    """One bar per set and network, where an ensemble was asked."""
    found = [
        (audit.name, each)
        for _, audit in examined
        for each in audit.findings
        if each.name == "autoattack_accuracy"
    ]
    return [_picture(found, several=len(examined) > 1)] if found else []


def _picture(found: Sequence[tuple[str, Finding]], *, several: bool) -> Picture:
    labels = [
        f"{name}: {each.condition}" if several else each.condition for name, each in found
    ]
    names = list(dict.fromkeys(name for _, each in found for name, _ in _parts(each)))
    colours = {
        "resisted all": _RESISTING,
        "wrong anyway": _WRONG,
        **{name: _PARTS[place % len(_PARTS)] for place, name in enumerate(names)},
    }
    with house_style():
        figure = new_figure(1.1 + 0.42 * len(found))
        axes = figure.subplots()
        for row, (_, each) in enumerate(found):
            left = 0.0
            for name, share in _segments(each):
                axes.barh(
                    row,
                    100 * share,
                    left=left,
                    color=colours[name],
                    edgecolor=INK,
                    linewidth=0.3,
                    height=0.6,
                )
                left += 100 * share
        for name, colour in colours.items():
            axes.barh(0, 0, color=colour, label=name)
        axes.set_yticks(range(len(labels)), labels)
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("examples in %")
        figure.legend(loc="outside lower center", ncols=min(len(colours), 4))
    said = listed([_said(label, each) for label, (_, each) in zip(labels, found, strict=True)])
    skipped = [words for _, each in found for words in each.details["skipped"]]
    return Picture(
        key="autoattack",
        topic="Attacks",
        title="What AutoAttack fooled, part by part",
        figure=figure,
        caption=" ".join(
            [
                f"Each part attacks the examples that the parts before it left: {said}.",
                *skipped,
            ]
        ),
        alt=f"Bars of examples by the part that fooled them: {said}.",
        definition="autoattack",
        doubts=tuple(dict.fromkeys(doubt for _, each in found for doubt in each.doubts)),
    )


def _parts(finding: Finding) -> list[tuple[str, float]]:
    return [(part["part"], part["fooled"]) for part in finding.details["parts"]]


def _segments(finding: Finding) -> list[tuple[str, float]]:
    """The shares of a bar from left to right; they sum to 1."""
    return [
        ("resisted all", finding.details["resisting"]),
        *reversed(_parts(finding)),
        ("wrong anyway", finding.details["wrong"]),
    ]


def _said(label: str, finding: Finding) -> str:
    parts = [f"{name} fooled {percent(share)}" for name, share in _parts(finding) if share]
    shares = listed([f"{percent(finding.details['resisting'])} resist", *parts])
    return f"within {label} {shares}"
