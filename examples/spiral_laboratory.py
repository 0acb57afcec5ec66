"""Decides, for one seed, what has been claimed of networks on the double spiral.

Trains a 5 × 50 network on spirals of entanglement 2 … 10 and a network of two hidden neurons,
each with relu and with tanh; examines all of them; prints each figure beside the claim, and
whether the claim holds here. About two minutes on two cores:

    python examples/spiral_laboratory.py FOLDER

What holds for one seed may fail for the next: the answer with many seeds is a study's.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from scipy.stats import spearmanr

import gnomon as gn
from gnomon.examination import Request, prepare

ENTANGLEMENTS = (2, 4, 6, 8, 10)
ACTIVATIONS = ("relu", "tanh")
WIDE, TWO = (50, 50, 50, 50, 50), (2,)
EPOCHS = {WIDE: 60, TWO: 300}
TWO_ENTANGLED = 5  # what two neurons were tried on in the source
PROBES = ("accuracy", "weights", "gradients", "mapping", "jacobians", "boundary")

COLLAPSED, ALIKE = 0.5, 0.8
"""A class has collapsed below the first share of the other's extent; above the second, not."""

Figures = Mapping[str, gn.Finding]


@dataclass(frozen=True)
class Claim:
    """What was claimed, the figures that decide it here, and whether they agree."""

    text: str
    figures: str
    holds: bool

    def __str__(self) -> str:
        return f"{'holds' if self.holds else 'fails'}: {self.text}\n    {self.figures}"


def main(folder: Path) -> None:
    """Trains what the folder does not hold yet, and prints the verdicts."""
    torch.set_num_threads(1)
    wide = {
        (activation, entanglement): examined(folder, activation, WIDE, entanglement)
        for activation in ACTIVATIONS
        for entanglement in ENTANGLEMENTS
    }
    two = {
        activation: examined(folder, activation, TWO, TWO_ENTANGLED)
        for activation in ACTIVATIONS
    }
    show(wide, two)
    claims = [
        *(grows(wide, name) for name in ("frobenius_norm", "eigenvalue_spread")),
        collapse("two hidden neurons", two),
        collapse("5 × 50", {each: wide[each, 8] for each in ACTIVATIONS}),
        outer_points(two),
        vanishing(wide, two),
        *(grows(wide, name) for name in ("boundary_density", "boundary_turning")),
    ]
    for claim in claims:
        print(claim)


def examined(
    folder: Path, activation: str, hidden: tuple[int, ...], entanglement: int
) -> Figures:
    """The figures of one trained network by name."""
    run = folder / f"{activation}-{len(hidden)}x{hidden[0]}-entanglement-{entanglement}"
    epochs = EPOCHS[hidden]
    planned = gn.experiment(
        {
            "seed": 0,
            "data": {"name": "spiral", "entanglement": float(entanglement), "points": 1000},
            "network": {
                "architecture": "mlp",
                "hidden": list(hidden),
                "activation": activation,
            },
            "training": {
                "epochs": epochs,
                "batch_size": 50,
                "learning_rate": 2e-3 if len(hidden) > 1 else 1e-2,
                "snapshots": [0, epochs],
            },
        }
    )
    data = planned.data(planned.seed, gn.Store.default(download=False))
    gn.train(planned, data, run, gn.describe(planned))
    subject, probes = prepare(Request(str(run), probes=PROBES, device="cpu"))
    audit = gn.examine(subject, probes)
    gn.write_report(run / "audit", [(subject, audit)])
    return {finding.name: finding for finding in audit.findings}


def show(wide: Mapping[tuple[str, int], Figures], two: Mapping[str, Figures]) -> None:
    """All figures, one line each, as a table."""
    columns = [f"{name} {entangled}" for name, entangled in wide]
    columns += [f"two {name}" for name in two]
    rows = [*wide.values(), *two.values()]
    print(f"{'':26}" + "".join(f"{column:>10}" for column in columns))
    for name in rows[0]:
        cells = [_said(row[name].value) for row in rows]
        print(f"{name:26}" + "".join(f"{cell:>10}" for cell in cells))


def grows(wide: Mapping[tuple[str, int], Figures], name: str) -> Claim:
    """Whether a figure rises with the entanglement, for both activations."""
    rho = {
        activation: float(
            spearmanr(
                ENTANGLEMENTS, [wide[activation, each][name].value for each in ENTANGLEMENTS]
            ).statistic
        )
        for activation in ACTIVATIONS
    }
    return Claim(
        f"{name} grows with entanglement (5 × 50)",
        "Spearman's ρ over five spirals: "
        + ", ".join(f"{key} {value:+.2f}" for key, value in rho.items()),
        all(value > 0.5 for value in rho.values()),
    )


def collapse(which: str, networks: Mapping[str, Figures]) -> Claim:
    """Whether, before the output, relu leaves one class less room than the other, tanh not.

    Room is spread (a point has none) and effective rank (a line has 1).
    """
    extents = {name: _extents(figures) for name, figures in networks.items()}
    alike = {
        name: min(min(each) / max(each) for each in extent) for name, extent in extents.items()
    }
    said = [
        f"{name}: spread {_all_said(spread)}, effective rank {_all_said(rank)}"
        for name, (spread, rank) in extents.items()
    ]
    return Claim(
        f"relu collapses one class, tanh treats both alike ({which})",
        "of the two classes, " + "; ".join(said),
        alike["relu"] < COLLAPSED and alike["tanh"] > ALIKE,
    )


def _extents(figures: Figures) -> tuple[list[float], list[float]]:
    """Spread and effective rank of each class in the last stage before the output."""
    stage = figures["linear_separability"].details["stages"][-2]
    return stage["spread"], stage["effective_rank"]


def outer_points(two: Mapping[str, Figures]) -> Claim:
    """Whether points further out are moved further by a network of two neurons."""
    rho = [figures["movement_across_layers"].value for figures in two.values()]
    return Claim(
        "outer points are moved further (two hidden neurons)",
        "rank correlation: "
        + ", ".join(f"{key} {_said(value)}" for key, value in zip(two, rho, strict=True)),
        all(value is not None and value > 0.5 for value in rho),
    )


def vanishing(wide: Mapping[tuple[str, int], Figures], two: Mapping[str, Figures]) -> Claim:
    """Whether gradients vanish in large networks and not in small ones."""
    large = [wide[each, 8]["vanishing_gradients"].value for each in ACTIVATIONS]
    small = [two[each]["vanishing_gradients"].value for each in ACTIVATIONS]
    return Claim(
        "more weight gradients vanish in large networks than in small ones",
        f"share vanishing, relu and tanh: 5 × 50 {_all_said(large)}; two neurons "
        f"{_all_said(small)}",
        min(_known(large), default=0) > max(_known(small), default=1),
    )


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _all_said(values: Sequence[float | None]) -> str:
    return " and ".join(map(_said, values))


def _said(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} FOLDER")
    main(Path(sys.argv[1]))
