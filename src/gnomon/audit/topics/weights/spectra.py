"""Eigenvalues and singular values of the weight matrices, and their norms through training."""

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.report.selection import evenly, findings_of
from gnomon.audit.subject import Subject
from gnomon.audit.topics.weights.pictures import layer_name
from gnomon.report.picture import (
    COLOURS,
    INK,
    MARKERS,
    WIDTH,
    Picture,
    house_style,
    new_figure,
)
from gnomon.report.prose import file_stem, listed, shortened

_MOST_PLANES = 8
_MOST_CURVES = 8
_DECADES = 6
"""So many powers of ten are drawn below the largest singular value."""

_Examined = Sequence[tuple[Subject, Audit]]
_Named = tuple[str, Finding]
_Styles = dict[str, dict[str, Any]]


def eigenvalues_on_the_plane(examined: _Examined) -> list[Picture]:
    """For each subject with square weight matrices their eigenvalues and the law's circle."""
    return [
        _planes(name, finding)
        for name, finding in findings_of(examined, "eigenvalue_spread")
        if finding.details["layers"]
    ]


def singular_values_by_rank(examined: _Examined) -> list[Picture]:
    """The singular values of the weight matrices, the subjects side by side."""
    found = [
        (name, finding)
        for name, finding in findings_of(examined, "spectral_norm")
        if any(_has_curve(finding.details["layers"][layer]) for layer in _chosen(finding))
    ]
    if not found:
        return []
    with house_style():
        figure, panels = _panels(found, rows=1, height=3.2)
        styles = _styles(found)
        for (axes,), (_, finding) in zip(panels, found, strict=True):
            _draw_singular_values(axes, finding, styles)
            axes.set_xlabel("rank, in % of the last")
        panels[0][0].set_ylabel("singular value")
        _name_curves(figure, styles)
    said = " ".join(_stretched(*each) for each in found)
    return [
        Picture(
            key="singular-values",
            topic="Weights",
            title="Singular values of the weight matrices",
            chart=figure,
            caption="How strongly each weight matrix stretches its principal directions, from "
            f"the strongest on. {said}",
            alt="Falling curves of the singular values against their rank, one for each weight "
            f"matrix. {said}",
            definition="singular-value",
            wide=len(found) > 1,
        )
    ]


def norms_through_training(examined: _Examined) -> list[Picture]:
    """Frobenius and spectral norm of each matrix in each snapshot, subjects side by side."""
    frobenius = _with_history(findings_of(examined, "frobenius_norm"))
    spectral = _with_history(findings_of(examined, "spectral_norm"))
    if not frobenius:
        return []
    with house_style():
        figure, panels = _panels(frobenius, rows=2, height=4.6)
        styles = _styles(frobenius)
        for row, found in enumerate((frobenius, spectral)):
            for axes, (_, finding) in zip(panels, found, strict=True):
                _draw_history(axes[row], finding, styles)
        for axes, label in zip(panels[0], ("Frobenius norm", "spectral norm"), strict=True):
            axes.set_ylabel(label)
            axes.set_ylim(bottom=0)
        for _, below in panels:
            below.set_xlabel("epoch")
        _name_curves(figure, styles)
    said = " ".join(_growth(*each) for each in frobenius)
    return [
        Picture(
            key="norms-through-training",
            topic="Weights",
            title="Norms of the weight matrices through training",
            chart=figure,
            caption="The size of each weight matrix after each kept epoch: of all its entries "
            f"together (above), and its strongest stretch (below). {said}",
            alt="Curves of the Frobenius and the spectral norm of each weight matrix against "
            f"the epoch. {said}",
            definition="weight-norm",
            wide=len(frobenius) > 1,
        )
    ]


def _has_curve(layer: dict[str, Any]) -> bool:
    """Whether a matrix that is not zero has more than one singular value."""
    return bool(layer["spectral_norm"]) and len(layer["singular_values"]["values"]) > 1


def _with_history(found: list[_Named]) -> list[_Named]:
    """Those with matrices and two snapshots or more: a single one is no course."""
    return [
        (name, finding)
        for name, finding in found
        if finding.details["layers"]
        and len((finding.details["history"] or {}).get("epochs", [])) > 1
    ]


def _planes(name: str, finding: Finding) -> Picture:
    layers = finding.details["layers"]
    shown = list(layers)[:_MOST_PLANES]
    columns = min(2, len(shown))
    rows = -(-len(shown) // columns)
    limit = 1.1 * max(map(_reach, (layers[each] for each in shown))) or 1.0
    with house_style():
        figure = new_figure(0.7 + rows * 4.2 / columns)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes in grid.flat[len(shown) :]:
            axes.set_axis_off()
        for axes, each in zip(grid.flat, shown, strict=False):
            _draw_plane(axes, layers[each])
            axes.set_title(layer_name(each), pad=4)
            axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
        for axes in grid[:, 0]:
            axes.set_ylabel("imaginary part")
        for column in range(columns):
            lowest = grid[(len(shown) - 1 - column) // columns, column]
            lowest.set_xlabel("real part")
            lowest.tick_params(labelbottom=True)
        figure.legend(
            *grid[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=3
        )
    return Picture(
        key=f"eigenvalues-{file_stem(name)}",
        topic="Weights",
        title=f"Eigenvalues of the square weight matrices of {name}",
        chart=figure,
        caption=_caption(name, layers, shown),
        alt="Points on the complex plane, symmetric about the real line, in and around a "
        f"circle. {_caption(name, layers, shown)}",
        definition="eigenvalue",
    )


def _reach(layer: dict[str, Any]) -> float:
    values = layer["eigenvalues"]
    return max(layer["radius"], *map(abs, values["real"]), *map(abs, values["imaginary"]))


def _draw_plane(axes: Axes, layer: dict[str, Any]) -> None:
    values = list(
        zip(layer["eigenvalues"]["real"], layer["eigenvalues"]["imaginary"], strict=True)
    )
    outside = [abs(complex(*value)) > layer["threshold"] for value in values]
    axes.axhline(0, color=INK, linewidth=0.5, alpha=0.35)
    axes.axvline(0, color=INK, linewidth=0.5, alpha=0.35)
    axes.plot([], [], color=INK, linestyle="--", linewidth=1, label="circular law")
    axes.add_patch(Circle((0, 0), layer["radius"], fill=False, ec=INK, ls="--", lw=1))
    for wanted, colour, marker, size, label in (
        (False, COLOURS[0], "o", 3.5, "eigenvalue"),
        (True, COLOURS[1], "D", 5.5, "outlier"),
    ):
        chosen = [
            value for value, is_out in zip(values, outside, strict=True) if is_out == wanted
        ]
        axes.plot(
            [real for real, _ in chosen],
            [imaginary for _, imaginary in chosen],
            color=colour,
            marker=marker,
            markersize=size,
            linestyle="none",
            markeredgewidth=0,
            alpha=0.85,
            label=label,
        )


def _caption(name: str, layers: dict[str, Any], shown: list[str]) -> str:
    outliers = {each: layers[each]["outliers"] for each in shown}
    found = [f"{count} in {layer_name(each)}" for each, count in outliers.items() if count]
    more = f" (the first {len(shown)} of {len(layers)})" if len(shown) < len(layers) else ""
    values = [layers[each]["eigenvalues"] for each in shown]
    some = any(len(each["real"]) < each["of"] for each in values)
    selected = ", a selection where there are many" if some else ""
    out = f"outliers: {listed(found)}" if found else "no outlier here"
    return (
        f"{name}: the eigenvalues of its square weight matrices{more}{selected}; those of "
        "independent random entries of the same size fill the dashed circle and hardly ever "
        f"lie well outside; {out}."
    )


def _panels(found: list[_Named], rows: int, height: float) -> tuple[Figure, list[list[Axes]]]:
    """For each subject `rows` axes, one above the other, titled with its name."""
    columns = min(3, len(found))
    blocks = -(-len(found) // columns)
    figure = new_figure(height * blocks, WIDTH if len(found) == 1 else 1.25 * WIDTH)
    grid = figure.subplots(rows * blocks, columns, squeeze=False, sharey="row")
    panels: list[list[Axes]] = []
    for index in range(columns * blocks):
        block, column = divmod(index, columns)
        axes = list(grid[block * rows : (block + 1) * rows, column])
        if index >= len(found):
            for each in axes:
                each.set_axis_off()
            continue
        if len(found) > 1:
            axes[0].set_title(shortened(found[index][0]))
        panels.append(axes)
    return figure, panels


def _chosen(finding: Finding) -> list[str]:
    """The matrices that are drawn as curves: all, or some evenly among them."""
    return evenly(list(finding.details["layers"]), _MOST_CURVES)


def _styles(found: Iterable[_Named]) -> _Styles:
    """One look for each matrix; matrices of one name look alike in all subjects."""
    names = dict.fromkeys(layer for _, finding in found for layer in _chosen(finding))
    return {
        name: {
            "color": COLOURS[index % 8],
            "marker": MARKERS[index % 8],
            "linestyle": ("-", "--", ":", "-.")[index // 8 % 4],
            "linewidth": 1.4,
            "markersize": 4.5,
        }
        for index, name in enumerate(names)
    }


def _name_curves(figure: Figure, styles: _Styles) -> None:
    lines = [
        figure.axes[0].plot([], [], **style, label=layer_name(name, 14))[0]
        for name, style in styles.items()
    ]
    figure.legend(handles=lines, loc="outside lower center", ncols=min(4, len(lines)))


def _draw_singular_values(axes: Axes, finding: Finding, styles: _Styles) -> None:
    layers = {name: finding.details["layers"][name] for name in _chosen(finding)}
    top = max(layer["spectral_norm"] or 0.0 for layer in layers.values())
    for name, layer in layers.items():
        found = layer.get("singular_values", {"ranks": [], "values": []})
        # Zeros have no place on a logarithmic axis, and rounding errors would stretch it.
        points = [
            (100 * rank / found["ranks"][-1], value)
            for rank, value in zip(found["ranks"], found["values"], strict=True)
            if value > top * 10**-_DECADES
        ]
        if points:
            axes.plot(*zip(*points, strict=True), **styles[name], markevery=0.15)
    axes.set_yscale("log")
    axes.set_xlim(0, 103)
    axes.grid(axis="y")


def _draw_history(axes: Axes, finding: Finding, styles: _Styles) -> None:
    history = finding.details["history"]
    for name in _chosen(finding):
        values = history["layers"][name][finding.name]
        heights = [float("nan") if value is None else value for value in values]
        axes.plot(history["epochs"], heights, **styles[name])
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.grid(axis="y")


def _stretched(name: str, finding: Finding) -> str:
    """The strongest stretch, and how unevenly the most uneven matrix stretches."""
    layers = finding.details["layers"]
    known = {each: layer["spectral_norm"] or 0.0 for each, layer in layers.items()}
    most = max(known, key=known.__getitem__)
    conditions = {
        each: layer["condition"] for each, layer in layers.items() if layer["condition"]
    }
    said = f"{name}: {layer_name(most)} stretches most, {known[most]:.3g} times"
    if not conditions:
        return f"{said}."
    worst = max(conditions, key=conditions.__getitem__)
    return (
        f"{said}; {layer_name(worst)} is least even, its strongest stretch "
        f"{conditions[worst]:.3g} times its weakest."
    )


def _growth(name: str, finding: Finding) -> str:
    """How the norm of all matrices together changed, and what could not be drawn."""
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
