"""Accuracy against the radius of the perturbations: attacks and noise together."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.report.picture import (
    COLOURS,
    INK,
    MARKERS,
    Picture,
    house_style,
    new_figure,
)
from gnomon.report.prose import NORMS, interval, listed, percent


def norms_of(audits: Sequence[Audit]) -> tuple[str, ...]:
    """The norms in which accuracy was examined against the radius."""
    found = [
        each
        for audit in audits
        for each in audit.findings
        if each.name in {"attacked_accuracy", "noise_accuracy"}
    ]
    return tuple(dict.fromkeys(str(each.details["norm"]) for each in found))


def accuracy_against_radius(audits: Sequence[Audit], norm: str) -> Picture:
    """One subject: every attack and noise. Several: worst case and uniform noise of each."""
    with house_style():
        figure = new_figure(3.6)
        axes = figure.subplots()
        if len(audits) == 1:
            _draw_one(axes, audits[0], norm)
        else:
            _draw_several(axes, audits, norm)
        _frame(axes, audits, norm)
        figure.legend(loc="outside lower center", ncols=2)
    findings = [each for audit in audits for each in _attacked(audit, norm)]
    return Picture(
        key=f"accuracy-against-{norm.lower()}-radius",
        topic="Perturbed inputs",
        title=f"Accuracy against the {NORMS[norm]} radius",
        figure=figure,
        caption=_caption(audits, norm),
        alt=f"Curves that fall from the clean accuracy as the {NORMS[norm]} radius grows. "
        + " ".join(_spoken(audit, norm) for audit in audits),
        definition="attacked-accuracy",
        doubts=tuple(dict.fromkeys(doubt for each in findings for doubt in each.doubts)),
    )


def _draw_one(axes: Axes, audit: Audit, norm: str) -> None:
    for finding in _attacked(audit, norm)[:1]:
        radii, (worst, *others) = finding.details["radii"], finding.details["curves"]
        _band(axes, radii, worst, COLOURS[0])
        axes.plot(
            radii, _shares(worst), color=COLOURS[0], linewidth=2.4, label="worst case (95 %)"
        )
        for index, curve in enumerate(others[:-1], start=1):
            axes.plot(
                radii,
                _shares(curve),
                color=COLOURS[index % 8],
                marker=MARKERS[index % 8],
                markersize=4.5,
                linewidth=1.1,
                label=curve["attack"],
            )
    for finding, style, marker in zip(
        _noise(audit, norm), ("--", ":"), ("x", "+"), strict=False
    ):
        details = finding.details
        axes.plot(
            details["radii"],
            _shares(details),
            color=INK,
            linestyle=style,
            marker=marker,
            markersize=5,
            linewidth=1.1,
            label=f"{details['kind']} noise",
        )


def _draw_several(axes: Axes, audits: Sequence[Audit], norm: str) -> None:
    for index, audit in enumerate(audits):
        colour, marker = COLOURS[index % 8], MARKERS[index % 8]
        for finding in _attacked(audit, norm)[:1]:
            radii, worst = finding.details["radii"], finding.details["curves"][0]
            _band(axes, radii, worst, colour)
            axes.plot(
                radii,
                _shares(worst),
                color=colour,
                marker=marker,
                markersize=5,
                linewidth=2,
                label=f"{audit.name}: worst case",
            )
        for finding in _noise(audit, norm)[:1]:
            details = finding.details
            axes.plot(
                details["radii"],
                _shares(details),
                color=colour,
                marker=marker,
                markersize=4,
                markerfacecolor="none",
                linestyle="--",
                linewidth=1.1,
                label=f"{audit.name}: {details['kind']} noise",
            )


def _frame(axes: Axes, audits: Sequence[Audit], norm: str) -> None:
    asked = {each.details["radius"] for audit in audits for each in _of_norm(audit, norm)}
    for radius in sorted(asked):
        axes.axvline(radius, color=INK, alpha=0.35, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.set_xlabel(f"radius ε in {NORMS[norm]}, in the data's units")
    axes.set_ylabel("accuracy in %")
    axes.set_ylim(-2, 102)
    axes.set_xlim(left=0)
    axes.grid(axis="y")


def _band(axes: Axes, radii: Sequence[float], curve: dict[str, Any], colour: str) -> None:
    """The 95 % intervals, point by point."""
    lower = [100 * low for low, _ in curve["error"]]
    upper = [100 * high for _, high in curve["error"]]
    axes.fill_between(radii, lower, upper, color=colour, alpha=0.18, linewidth=0)


def _caption(audits: Sequence[Audit], norm: str) -> str:
    """What the largest asked radius does, beside noise of its size and no perturbation."""
    radius = max(each.details["radius"] for audit in audits for each in _of_norm(audit, norm))
    worst = _values(audits, norm, radius, "attacked_accuracy")
    noise = _values(audits, norm, radius, "uniform")
    clean = _values(audits, norm, radius, "clean_accuracy")
    beside = [f"{clean} as they are"] if clean else []
    beside += [f"{noise} under uniform noise of the size that belongs to it"] if noise else []
    start = f"Within {NORMS[norm]} radius {radius:.3g}"
    if not worst:
        return f"{start}, of the examples are right: {listed(beside)}."
    against = f", against {listed(beside)}" if beside else ""
    return (
        f"{start} the worst perturbation found leaves {worst} of the examples right{against}."
    )


def _values(audits: Sequence[Audit], norm: str, radius: float, kind: str) -> str:
    """The values of one name, or of one kind of noise, for each subject, in words."""
    said: list[str] = []
    for audit in audits:
        for each in audit.findings:
            details = each.details
            here = (details.get("norm"), details.get("radius")) in {
                (norm, radius),
                (None, None),
            }
            if here and kind in {each.name, details.get("kind")} and each.value is not None:
                name = f"{audit.name} " if len(audits) > 1 else ""
                error = f" ({interval(each.error)})" if each.name == "attacked_accuracy" else ""
                said.append(f"{name}{percent(each.value)}{error}")
    return listed(said) if said else ""


def _spoken(audit: Audit, norm: str) -> str:
    """The worst case at each radius, as text."""
    for finding in _attacked(audit, norm)[:1]:
        radii, worst = finding.details["radii"], finding.details["curves"][0]
        points = [
            f"{percent(share)} at {radius:g}"
            for radius, share in zip(radii, worst["accuracy"], strict=True)
        ]
        return f"Worst case of {audit.name}: {', '.join(points)}."
    return ""


def _of_norm(audit: Audit, norm: str) -> list[Finding]:
    return [each for each in audit.findings if each.details.get("norm") == norm]


def _attacked(audit: Audit, norm: str) -> list[Finding]:
    return [each for each in _of_norm(audit, norm) if each.name == "attacked_accuracy"]


def _noise(audit: Audit, norm: str) -> list[Finding]:
    """The first noise finding of each kind; those of one kind share their curve."""
    found = [each for each in _of_norm(audit, norm) if each.name == "noise_accuracy"]
    kinds = {each.details["kind"]: each for each in reversed(found)}
    return sorted(kinds.values(), key=lambda each: each.details["kind"], reverse=True)


def _shares(curve: Any) -> list[float]:  # noqa: ANN401 - the JSON value of a finding's details
    return [100 * share for share in curve["accuracy"]]
