"""Accuracy kept and robustness lost under attacks on parameters."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

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

_KINDS = {
    "relative": "largest change of each parameter, γ in %",
    "share": "changed weights, p in %",
}
_Named = Sequence[tuple[str, Finding]]


def resistance_to_attacks(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    """One picture for each kind of change that was asked: all parameters, or few."""
    found = [
        (name, each)
        for name, each in findings_of(examined, "adversarial_rate")
        if each.value is not None
    ]
    kinds = {kind: [pair for pair in found if _kind(pair[1]) == kind] for kind in _KINDS}
    return [_picture(kind, named) for kind, named in kinds.items() if named]


def _picture(kind: str, named: _Named) -> Picture:
    subjects = list(dict.fromkeys(name for name, _ in named))
    with house_style():
        figure = new_figure(5.6)
        above, below = figure.subplots(2, sharex=True)
        for place, who in enumerate(subjects):
            own = sorted((each for name, each in named if name == who), key=_size)
            colour, marker = COLOURS[place % 8], MARKERS[place % 8]
            _draw_shares(above, own, colour, marker)
            _draw_rates(below, own, colour, marker)
        for axes, label in ((above, "accuracy in %"), (below, "adversarial rate")):
            axes.set_ylabel(label)
            axes.grid(axis="y")
        above.set_ylim(-2, 102)
        below.set_ylim(-0.02, max(1.02, below.get_ylim()[1]))
        below.set_xlabel(_KINDS[kind])
        below.set_xlim(left=0)
        figure.legend(handles=_legend(subjects, kind), loc="outside lower center", ncols=2)
    inputs = named[0][1].details["inputs"]
    said = listed([_said(who, named) for who in subjects])
    return Picture(
        key=f"resistance-{kind}",
        topic=TOPIC,
        title="Parameters changed to destroy robustness unnoticed"
        if kind == "relative"
        else "Few weights changed to destroy robustness unnoticed",
        figure=figure,
        caption=f"Above, what the changed network gets right as it is and under attack on "
        f"inputs ({inputs}); below, the share of accuracy kept times the share of robustness "
        f"lost, with 95 % intervals. At {_largest(named).condition} {said}.",
        alt=f"Curves of accuracy, attacked accuracy and adversarial rate. At "
        f"{_largest(named).condition} {said}.",
        definition="adversarial-rate",
        doubts=tuple(dict.fromkeys(doubt for _, each in named for doubt in each.doubts)),
    )


def _draw_shares(axes: Axes, own: Sequence[Finding], colour: str, marker: str) -> None:
    for key, style, face in (
        ("accuracy", "-", colour),
        ("attacked_accuracy", "--", "none"),
    ):
        before = own[0].details[key][0]
        axes.plot(
            [0.0, *(_size(each) for each in own)],
            [100 * before, *(100 * each.details[key][1] for each in own)],
            color=colour,
            marker=marker,
            markersize=5,
            linestyle=style,
            markerfacecolor=face,
        )


def _draw_rates(axes: Axes, own: Sequence[Finding], colour: str, marker: str) -> None:
    at = [0.0, *(_size(each) for each in own)]
    rates = [0.0, *(each.value or 0.0 for each in own)]
    ends = [(0.0, 0.0), *(each.error or (0.0, 0.0) for each in own)]
    axes.plot(at, rates, color=colour, marker=marker, markersize=5)
    axes.fill_between(
        at, [low for low, _ in ends], [high for _, high in ends], color=colour, alpha=0.15
    )
    random = [each.details["random_rate"] for each in own]
    if None not in random:
        axes.plot(at, [0.0, *random], color=colour, linestyle=":", linewidth=1.2)


def _legend(subjects: Sequence[str], kind: str) -> list[Line2D]:
    handles = [
        Line2D([], [], color=COLOURS[place % 8], marker=MARKERS[place % 8], label=who)
        for place, who in enumerate(subjects)
    ]
    handles.append(Line2D([], [], color=INK, linestyle="-", label="as it is"))
    handles.append(Line2D([], [], color=INK, linestyle="--", label="inputs attacked"))
    if kind == "relative":
        handles.append(Line2D([], [], color=INK, linestyle=":", label="random vertex"))
    return handles


def _said(who: str, named: _Named) -> str:
    last = _largest([(name, each) for name, each in named if name == who])
    (before, after), (robust, left) = (
        last.details[key] for key in ("accuracy", "attacked_accuracy")
    )
    return (
        f"{who} keeps {percent(after)} of {percent(before)} accuracy, {percent(left)} of "
        f"{percent(robust)} under attack"
    )


def _largest(named: _Named) -> Finding:
    return max((each for _, each in named), key=_size)


def _kind(finding: Finding) -> str:
    return finding.condition.partition(":")[0]


def _size(finding: Finding) -> float:
    """In per cent."""
    return 100 * float(finding.condition.partition(":")[2])
