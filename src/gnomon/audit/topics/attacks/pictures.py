"""Pictures of accuracy against the radius of perturbations: attacks and noise together."""

from dataclasses import replace

from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import Examined, Named, doubts_of, findings_of
from gnomon.report.charts import (
    ACCURACY,
    INK,
    Axis,
    Curve,
    Look,
    Mark,
    Panel,
    Rule,
    look,
    looks_of,
    one,
    percents,
)
from gnomon.report.picture import Picture
from gnomon.report.prose import NORMS, interval, listed, percent

_NOISES = (
    Look(INK, "x", "--", width=1.1),
    Look(INK, "+", ":", width=1.1),
)
"""The looks of uniform and of Gaussian noise in the picture of one subject."""


def accuracy_against_radii(examined: Examined) -> list[Picture]:
    """One picture for each norm in which accuracy was examined against the radius.

    One subject: every attack and noise. Several: worst case and uniform noise of each.
    """
    attacked = findings_of(examined, "attacked_accuracy")
    noisy = findings_of(examined, "noise_accuracy")
    clean = findings_of(examined, "clean_accuracy")
    norms = dict.fromkeys(str(each.details["norm"]) for _, each in [*attacked, *noisy])
    return [
        _picture(norm, _of_norm(attacked, norm), _of_norm(noisy, norm), clean) for norm in norms
    ]


def _picture(norm: str, attacked: Named, noisy: Named, clean: Named) -> Picture:
    subjects = list(dict.fromkeys(name for name, _ in [*clean, *attacked, *noisy]))
    draw = _of_one if len(subjects) == 1 else _of_several
    radii = sorted({each.details["radius"] for _, each in [*attacked, *noisy]})
    worst = " ".join(
        _worst_case(name, finding) for name, finding in _first_of_each(attacked).items()
    )
    panel = Panel(
        [*(Rule(radius) for radius in radii), *draw(attacked, noisy)],
        Axis(f"radius ε in {NORMS[norm]}, in the data's units", low=0),
        ACCURACY,
    )
    return Picture(
        key=f"accuracy-against-{norm.lower()}-radius",
        topic="Perturbed inputs",
        title=f"Accuracy against the {NORMS[norm]} radius",
        chart=one(panel, 3.6),
        caption=_caption(norm, radii[-1], attacked, noisy, clean),
        alt=f"Curves that fall from the clean accuracy as the {NORMS[norm]} radius grows. "
        f"{worst}",
        definition="attacked-accuracy",
        doubts=doubts_of(finding for _, finding in attacked),
    )


def _of_norm(named: Named, norm: str) -> Named:
    return [pair for pair in named if pair[1].details["norm"] == norm]


def _first_of_each(named: Named) -> dict[str, Finding]:
    """The first finding of each subject; those of one norm share their curves."""
    first: dict[str, Finding] = {}
    for name, finding in named:
        first.setdefault(name, finding)
    return first


def _of_one(attacked: Named, noisy: Named) -> list[Mark]:
    marks: list[Mark] = []
    for _, finding in attacked[:1]:
        radii, (_, *others) = finding.details["radii"], finding.details["curves"]
        bold = replace(look(0), width=2.4, marker="")
        marks.append(_worst(finding, bold, "worst case (95 %)"))
        marks += [
            Curve(
                radii,
                percents(curve["accuracy"]),
                replace(look(place), width=1.1),
                curve["attack"],
            )
            for place, curve in enumerate(others[:-1], start=1)
        ]
    kinds = {finding.details["kind"]: finding for _, finding in reversed(noisy)}
    for kind, style in zip(sorted(kinds, reverse=True), _NOISES, strict=False):
        marks.append(_noise(kinds[kind], style, f"{kind} noise"))
    return marks


def _of_several(attacked: Named, noisy: Named) -> list[Mark]:
    worst, noise = _first_of_each(attacked), _first_of_each(noisy)
    marks: list[Mark] = []
    for name, own in looks_of([*worst, *noise]).items():
        if name in worst:
            marks.append(_worst(worst[name], replace(own, width=2), f"{name}: worst case"))
        if name in noise:
            dashed = replace(own, line="--", width=1.1, size=4, hollow=True)
            kind = noise[name].details["kind"]
            marks.append(_noise(noise[name], dashed, f"{name}: {kind} noise"))
    return marks


def _worst(finding: Finding, style: Look, label: str) -> Curve:
    """The worst case of all attacks, with its 95 % intervals point by point."""
    worst = finding.details["curves"][0]
    low, high = (percents([ends[side] for ends in worst["error"]]) for side in (0, 1))
    shares = percents(worst["accuracy"])
    return Curve(finding.details["radii"], shares, style, label, band=(low, high))


def _noise(finding: Finding, style: Look, label: str) -> Curve:
    return Curve(finding.details["radii"], percents(finding.details["accuracy"]), style, label)


def _caption(norm: str, radius: float, attacked: Named, noisy: Named, clean: Named) -> str:
    """A sentence on the largest radius, beside noise of its size and no perturbation."""
    at_radius = [pair for pair in attacked if pair[1].details["radius"] == radius]
    uniform = [
        pair
        for pair in noisy
        if (pair[1].details["kind"], pair[1].details["radius"]) == ("uniform", radius)
    ]
    several = len({name for name, _ in [*attacked, *noisy, *clean]}) > 1
    beside = [f"{_values(clean, several)} as they are"] if clean else []
    if uniform:
        values = _values(uniform, several)
        beside.append(f"{values} under uniform noise of the size that belongs to it")
    start = f"Within {NORMS[norm]} radius {radius:.3g}"
    if not at_radius:
        return f"{start}, of the examples are right: {listed(beside)}."
    against = f", against {listed(beside)}" if beside else ""
    worst = _values(at_radius, several)
    return (
        f"{start} the worst perturbation found leaves {worst} of the examples right{against}."
    )


def _values(named: Named, several: bool) -> str:  # noqa: FBT001 - private
    """The accuracies in words, with the interval of what is attacked."""
    return listed(
        [
            f"{f'{name} ' if several else ''}{percent(finding.value)}"
            + (f" ({interval(finding.error)})" if finding.name == "attacked_accuracy" else "")
            for name, finding in named
            if finding.value is not None
        ]
    )


def _worst_case(name: str, finding: Finding) -> str:
    """The worst case at each radius, as text."""
    points = [
        f"{percent(share)} at {radius:g}"
        for radius, share in zip(
            finding.details["radii"], finding.details["curves"][0]["accuracy"], strict=True
        )
    ]
    return f"Worst case of {name}: {', '.join(points)}."
