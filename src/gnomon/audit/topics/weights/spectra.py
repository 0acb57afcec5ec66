"""Pictures of the spectra of the weight matrices, and of their norms through training."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import Examined, Named, evenly, findings_of
from gnomon.audit.topics.weights.pictures import layer_name
from gnomon.report.charts import (
    COLOURS,
    WIDTH,
    Axis,
    Chart,
    Curve,
    Line,
    Look,
    Mark,
    Panel,
    Points,
    Rule,
    in_rows,
    look,
)
from gnomon.report.picture import Picture
from gnomon.report.prose import file_stem, listed, shortened

_MOST_PLANES = 8
"""Largest number of planes in one picture."""
_MOST_CURVES = 8
"""Largest number of matrices of one subject in a picture of curves."""
_DECADES = 6
"""So many powers of ten are drawn below the largest singular value."""
_LINES: tuple[Line, ...] = ("-", "--", ":", "-.")
_ZERO = Look(width=0.5, opacity=0.35)
_CIRCLE = Look(line="--", width=1)
_EIGENVALUES = {
    "eigenvalue": Look(COLOURS[0], "o", size=3.5, opacity=0.85),
    "outlier": Look(COLOURS[1], "D", size=5.5, opacity=0.85),
}
_TURN = [math.tau * step / 180 for step in range(181)]

_Looks = Mapping[str, Look]


def eigenvalues_on_the_plane(examined: Examined) -> list[Picture]:
    """For each subject with square weight matrices their eigenvalues and the law's circle."""
    return [
        _planes(name, finding)
        for name, finding in findings_of(examined, "eigenvalue_spread")
        if finding.details["layers"]
    ]


def singular_values_by_rank(examined: Examined) -> list[Picture]:
    """The singular values of the weight matrices, the subjects side by side."""
    named = [
        (name, finding)
        for name, finding in findings_of(examined, "spectral_norm")
        if any(_has_curve(finding.details["layers"][layer]) for layer in _chosen(finding))
    ]
    if not named:
        return []
    looks = _looks_of(named)
    panels = [
        Panel(
            _singular_values(finding, looks),
            Axis("rank, in % of the last", 0, 103),
            Axis("singular value", log=True, grid=True),
            title=_title(name, named),
        )
        for name, finding in named
    ]
    stretches = " ".join(_stretched(*pair) for pair in named)
    return [
        Picture(
            key="singular-values",
            topic="Weights",
            title="Singular values of the weight matrices",
            chart=_side_by_side([panels], 3.2, looks),
            caption="How strongly each weight matrix stretches its principal directions, from "
            f"the strongest on. {stretches}",
            alt="Falling curves of the singular values against their rank, one for each weight "
            f"matrix. {stretches}",
            definition="singular-value",
            wide=len(named) > 1,
        )
    ]


def norms_through_training(examined: Examined) -> list[Picture]:
    """Frobenius and spectral norm of each matrix in each snapshot, subjects side by side."""
    frobenius = _with_history(findings_of(examined, "frobenius_norm"))
    spectral = _with_history(findings_of(examined, "spectral_norm"))
    if not frobenius:
        return []
    looks = _looks_of(frobenius)
    above = [
        Panel(
            _history(finding, looks),
            Axis(ticks=4, integer=True),
            Axis("Frobenius norm", low=0, grid=True),
            title=_title(name, frobenius),
        )
        for name, finding in frobenius
    ]
    below = [
        Panel(
            _history(finding, looks),
            Axis("epoch", ticks=4, integer=True),
            Axis("spectral norm", low=0, grid=True),
        )
        for _, finding in spectral
    ]
    growth = " ".join(_growth(*pair) for pair in frobenius)
    return [
        Picture(
            key="norms-through-training",
            topic="Weights",
            title="Norms of the weight matrices through training",
            chart=_side_by_side([above, below], 4.6, looks),
            caption="The size of each weight matrix after each kept epoch: of all its entries "
            f"together (above), and its strongest stretch (below). {growth}",
            alt="Curves of the Frobenius and the spectral norm of each weight matrix against "
            f"the epoch. {growth}",
            definition="weight-norm",
            wide=len(frobenius) > 1,
        )
    ]


def _has_curve(layer: dict[str, Any]) -> bool:
    """True if a matrix that is not zero has more than one singular value."""
    return bool(layer["spectral_norm"]) and len(layer["singular_values"]["values"]) > 1


def _with_history(named: Named) -> Named:
    """Findings with matrices and two snapshots or more: a single one is no course."""
    return [
        (name, finding)
        for name, finding in named
        if finding.details["layers"]
        and len((finding.details["history"] or {}).get("epochs", [])) > 1
    ]


def _planes(name: str, finding: Finding) -> Picture:
    layers = finding.details["layers"]
    shown = list(layers)[:_MOST_PLANES]
    columns = min(2, len(shown))
    limit = 1.1 * max(map(_reach, (layers[layer] for layer in shown))) or 1.0
    rows = in_rows(
        [
            Panel(
                _eigenvalues(layers[layer]),
                Axis("real part", -limit, limit),
                Axis("imaginary part", -limit, limit),
                layer_name(layer),
                equal=True,
            )
            for layer in shown
        ],
        columns,
    )
    return Picture(
        key=f"eigenvalues-{file_stem(name)}",
        topic="Weights",
        title=f"Eigenvalues of the square weight matrices of {name}",
        chart=Chart(
            rows,
            0.7 + len(rows) * 4.2 / columns,
            share_x=True,
            share_y="all",
            legend_columns=3,
        ),
        caption=_caption(name, layers, shown),
        alt="Points on the complex plane, symmetric about the real line, in and around a "
        f"circle. {_caption(name, layers, shown)}",
        definition="eigenvalue",
    )


def _reach(layer: Mapping[str, Any]) -> float:
    values = layer["eigenvalues"]
    return max(layer["radius"], *map(abs, values["real"]), *map(abs, values["imaginary"]))


def _eigenvalues(layer: Mapping[str, Any]) -> list[Mark]:
    radius, values = layer["radius"], layer["eigenvalues"]
    circle = [radius * math.cos(t) for t in _TURN], [radius * math.sin(t) for t in _TURN]
    marks: list[Mark] = [
        Rule(0, "x", _ZERO),
        Rule(0, "y", _ZERO),
        Curve(*circle, _CIRCLE, "circular law"),
    ]
    for kind, style in _EIGENVALUES.items():
        chosen = [
            (real, imaginary)
            for real, imaginary in zip(values["real"], values["imaginary"], strict=True)
            if (math.hypot(real, imaginary) > layer["threshold"]) == (kind == "outlier")
        ]
        x, y = [real for real, _ in chosen], [imaginary for _, imaginary in chosen]
        marks.append(Points(x, y, style, kind))
    return marks


def _caption(name: str, layers: Mapping[str, Any], shown: list[str]) -> str:
    outliers = {each: layers[each]["outliers"] for each in shown}
    counts = [f"{count} in {layer_name(each)}" for each, count in outliers.items() if count]
    more = f" (the first {len(shown)} of {len(layers)})" if len(shown) < len(layers) else ""
    values = [layers[each]["eigenvalues"] for each in shown]
    some = any(len(each["real"]) < each["of"] for each in values)
    selected = ", a selection where there are many" if some else ""
    out = f"outliers: {listed(counts)}" if counts else "no outlier here"
    return (
        f"{name}: the eigenvalues of its square weight matrices{more}{selected}; those of "
        "independent random entries of the same size fill the dashed circle and hardly ever "
        f"lie well outside; {out}."
    )


def _side_by_side(kinds: Sequence[Sequence[Panel]], height: float, looks: _Looks) -> Chart:
    """The panels of each kind one above the other, a column for each subject.

    Args:
        kinds: panels of each subject, for each kind of curve.
        height: of one row of subjects, in inches.
        looks: of the curves, by the names of matrices.
    """
    subjects = len(kinds[0])
    blocks = zip(*(in_rows(panels, min(3, subjects)) for panels in kinds), strict=True)
    rows = [row for block in blocks for row in block]
    return Chart(
        rows,
        height * len(rows) / len(kinds),
        WIDTH if subjects == 1 else 1.25 * WIDTH,
        share_y="row",
        legend=[(layer_name(name, 14), style) for name, style in looks.items()],
        legend_columns=4,
    )


def _title(name: str, named: Named) -> str:
    return shortened(name) if len(named) > 1 else ""


def _chosen(finding: Finding) -> list[str]:
    """The matrices that are drawn as curves: all, or some evenly among them."""
    return evenly(list(finding.details["layers"]), _MOST_CURVES)


def _looks_of(named: Named) -> _Looks:
    """One look for each matrix; matrices of one name look alike in all subjects."""
    names = dict.fromkeys(layer for _, finding in named for layer in _chosen(finding))
    return {
        name: replace(look(place), line=_LINES[place // 8 % 4], width=1.4, size=4.5)
        for place, name in enumerate(names)
    }


def _singular_values(finding: Finding, looks: _Looks) -> list[Mark]:
    layers = {name: finding.details["layers"][name] for name in _chosen(finding)}
    top = max(layer["spectral_norm"] or 0.0 for layer in layers.values())
    marks: list[Mark] = []
    for name, layer in layers.items():
        curve = layer.get("singular_values", {"ranks": [], "values": []})
        # Zeros have no place on a logarithmic axis, and rounding errors would stretch it.
        points = [
            (100 * rank / curve["ranks"][-1], value)
            for rank, value in zip(curve["ranks"], curve["values"], strict=True)
            if value > top * 10**-_DECADES
        ]
        x, y = [at for at, _ in points], [value for _, value in points]
        marks.append(Curve(x, y, looks[name], few_markers=True))
    return marks


def _history(finding: Finding, looks: _Looks) -> list[Mark]:
    history = finding.details["history"]
    return [
        Curve(history["epochs"], history["layers"][name][finding.name], looks[name])
        for name in _chosen(finding)
    ]


def _stretched(name: str, finding: Finding) -> str:
    """Sentences on the strongest stretch, and on the matrix that stretches least evenly."""
    layers = finding.details["layers"]
    known = {each: layer["spectral_norm"] or 0.0 for each, layer in layers.items()}
    most = max(known, key=known.__getitem__)
    conditions = {
        each: layer["condition"] for each, layer in layers.items() if layer["condition"]
    }
    strongest = f"{name}: {layer_name(most)} stretches most, {known[most]:.3g} times"
    if not conditions:
        return f"{strongest}."
    worst = max(conditions, key=conditions.__getitem__)
    return (
        f"{strongest}; {layer_name(worst)} is least even, its strongest stretch "
        f"{conditions[worst]:.3g} times its weakest."
    )


def _growth(name: str, finding: Finding) -> str:
    """A sentence on how the norm of all matrices together changed, and what is missing."""
    history = finding.details["history"]
    totals: dict[int, float] = {}
    for index, epoch in enumerate(history["epochs"]):
        norms = [layer["frobenius_norm"][index] for layer in history["layers"].values()]
        if all(norm is not None for norm in norms):
            totals[epoch] = sum(norm**2 for norm in norms) ** 0.5
    lost = len(history["epochs"]) - len(totals) + len(history["unreadable"])
    broken = (
        f"; {lost} of its snapshots have no finite norms or could not be read" if lost else ""
    )
    if not totals:
        return f"{name} has no snapshot with finite norms."
    first, last = min(totals), max(totals)
    return (
        f"{name}: from {totals[first]:.3g} after epoch {first} to {totals[last]:.3g} after "
        f"epoch {last}, all matrices together{broken}."
    )
