"""Puts tables and figures into brackets.md: python docs/bracket_tables.py FOLDER.

FOLDER holds what `gnomon study mnist-brackets --small -o FOLDER/mnist-brackets` and the same of
`app-table` leave. In brackets.md the lines between `% table NAME` and `% end` are replaced. For
MNIST each network is certified once more, on all test images by intervals and on the first 100
by CROWN. One thread, about ten minutes.
"""

import json
import shutil
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from pyarrow import parquet
from torch import Tensor, nn

import gnomon as gn
from gnomon.bounds import CROWN, IBP, BoundMethod
from gnomon.data import MNIST, Store
from gnomon.report.charts import (
    ACCURACY,
    Axis,
    Chart,
    Curve,
    Look,
    Panel,
    look,
    percents,
)
from gnomon.report.charts.draw_matplotlib import draw_matplotlib
from gnomon.sets import Linf, ParameterBox
from gnomon.sets.radius import Relative

PAGE = Path(__file__).parent / "brackets.md"
FIGURES = Path(__file__).parent / "_static" / "brackets"
NAMES = {
    "standard": "standard",
    "pgd_at": "PGD-AT",
    "at_awp": "AT-AWP",
    "ibp": "IBP",
    "app": "APP",
}
INPUTS, PARAMETERS = "linf:0.1", "relative:0.01"
SIZES = (0.01, 0.02, 0.03, 0.04, 0.05)
PUBLISHED = {  # right; right under AutoAttack, in percent (szasz2024)
    "0.001": ((68.15, 42.75), (59.48, 36.08), (59.88, 39.01)),
    "0.005": ((67.17, 49.92), (60.15, 44.92), (61.90, 43.33)),
    "2/255": ((63.80, 49.63), (52.71, 42.85), (60.68, 44.16)),
    "0.01": ((60.77, 48.18), (48.81, 41.94), (58.10, 43.70)),
}
KINDS = ("APP, tanh", "APP, relative", "AT-AWP")

Found = dict[str, list[float]]
"""By finding, what each seed gave."""


def main(folder: Path) -> None:
    """Replaces what there are results for."""
    FIGURES.mkdir(exist_ok=True)
    parts: dict[str, Callable[[Path], dict[str, str]]] = {
        "mnist-brackets": mnist,
        "app-table": app_table,
    }
    for name, make in parts.items():
        if (folder / name / "results.parquet").is_file():
            for key, table in make(folder / name).items():
                page = PAGE.read_text(encoding="utf-8")
                before, _, rest = page.partition(f"% table {key}\n")
                after = rest.partition("% end")[2]
                text = f"{before}% table {key}\n\n{table}\n\n% end{after}"
                PAGE.write_text(text, encoding="utf-8")


def mnist(folder: Path) -> dict[str, str]:
    """The brackets of five networks; the curve; who is certified by what."""
    found = by_method(folder)
    certified = {name: certify(folder / "trials" / trial) for name, (trial, _) in found.items()}
    draw_curve({name: of for name, (_, of) in found.items()}, certified)
    for picture in ("random", "steepest"):
        shutil.copy(
            folder / "figures" / f"landscapes-{picture}.png",
            FIGURES / f"mnist-landscape-{picture}.png",
        )
    joint = f"{INPUTS} × {PARAMETERS}"
    rows = [
        [
            NAMES[name],
            *(share(of[key]) for key in ("clean_accuracy", f"attacked_accuracy[{INPUTS}]")),
            share(of[f"autoattack_accuracy[{INPUTS}]"]),
            *(bracket(of, threat) for threat in (INPUTS, PARAMETERS, joint)),
        ]
        for name, (_, of) in found.items()
    ]
    head = ["training", "right", "PGD-40", "AutoAttack", "inputs", "parameters", "both"]
    all_images = [
        [NAMES[name], *(f"{100 * of[key]:.2f}" for key in of)] for name, of in certified.items()
    ]
    return {
        "mnist": markdown(head, rows),
        "mnist-all": markdown(["training", *next(iter(certified.values()))], all_images),
    }


def by_method(folder: Path) -> dict[str, tuple[str, Found]]:
    """Of each method the trial of its first seed, and the findings."""
    found: dict[str, tuple[str, Found]] = {}
    for row in parquet.read_table(folder / "results.parquet").to_pylist():
        name = name_of(row["training.method"])
        _, values = found.setdefault(name, (row["trial"], {}))
        values.setdefault(row["finding"], []).append(row["value"])
    return {name: found[name] for name in NAMES if name in found}


def name_of(method: str) -> str:
    """Of the text that a table of results has for a method."""
    return json.loads(method)["name"] if method.startswith("{") else method


@torch.no_grad()
def certify(run: Path) -> dict[str, float]:
    """Shares of all test images, by intervals, and of the first 100 by CROWN."""
    torch.set_num_threads(1)
    network = gn.load_network(run).eval()
    test = MNIST()(0, Store.default()).test
    few = test.inputs[:100], test.labels[:100]
    every = test.inputs, test.labels
    right = float((network(every[0]).argmax(1) == every[1]).double().mean())
    found = {"right": right}
    threats = {"inputs": (0.1, 0.0), "parameters": (0.0, 0.01), "both": (0.1, 0.01)}
    for name, threat in threats.items():
        found[name] = certified(IBP(), network, every, *threat, batch=500)
    for name, threat in threats.items():
        found[f"{name}, CROWN"] = certified(CROWN(), network, few, *threat, batch=10)
    for size in SIZES[1:]:
        found[f"both, {size:g}"] = certified(IBP(), network, every, 0.1, size, batch=500)
    print(run.name, found, flush=True)
    return found


def certified(
    bound: BoundMethod,
    network: nn.Module,
    examples: tuple[Tensor, Tensor],
    radius: float,
    size: float,
    batch: int,
) -> float:
    """The share of the examples that the bound shows to be right throughout."""
    within = Linf(radius, (0.0, 1.0)) if radius else None
    region = ParameterBox(Relative(size)).of(network).detach() if size else None
    parts = zip(*(each.split(batch) for each in examples), strict=True)
    shown = [bound(network, x, y, within, region).certified for x, y in parts]
    return float(torch.cat(shown).double().mean())


def draw_curve(found: dict[str, Found], certified: dict[str, dict[str, float]]) -> None:
    """The joint bracket over the size of the boxes of parameters."""
    at = [0.0, *SIZES]
    keys = [INPUTS, *(f"{INPUTS} × relative:{size:g}" for size in SIZES)]
    marks: list[Curve] = []
    for place, (name, of) in enumerate(found.items()):
        shares, solid = certified[name], replace(look(place), marker="")
        low = [
            shares["inputs"],
            shares["both"],
            *(shares[f"both, {size:g}"] for size in SIZES[1:]),
        ]
        high = [of[f"certified_accuracy[{key}]/attacked"][0] for key in keys]
        marks.append(Curve(at, percents(low), solid, NAMES[name]))
        marks.append(Curve(at, percents(high), replace(solid, line="--")))
    across = Axis("λ: each parameter may change by this share of itself")
    upwards = replace(ACCURACY, label="% of images right throughout")
    kinds = [("certified", Look()), ("attacked", Look(line="--"))]
    chart = Chart([[Panel(marks, across, upwards)]], 3.6, legend=kinds, legend_columns=4)
    draw_matplotlib(chart).savefig(FIGURES / "mnist-curve.png", dpi=150)


def app_table(folder: Path) -> dict[str, str]:
    """Ours beside the published figures, and what else was measured."""
    cells: dict[tuple[str, str], Found] = {}
    for row in parquet.read_table(folder / "results.parquet").to_pylist():
        method: dict[str, Any] = json.loads(row["training.method"])
        radius = row["training.method.within"].removeprefix("linf:")
        law = method.get("radius", "").partition(":")[0]
        kind = {"tanh": KINDS[0], "relative": KINDS[1]}.get(law, KINDS[2])
        values = cells.setdefault((radius, kind), {})
        values.setdefault(row["finding"], []).append(row["value"])
    found = [(radius, place, kind) for radius in PUBLISHED for place, kind in enumerate(KINDS)]
    attacked = "autoattack_accuracy[linf:0.00784314]"
    both = "linf:0.00784314 × relative:0.01"
    beside = [
        [
            radius,
            kind,
            "{:.1f}, {:.1f}".format(*PUBLISHED[radius][place]),
            *(share(cells[radius, kind][key]) for key in ("clean_accuracy", attacked)),
        ]
        for radius, place, kind in found
    ]
    further = [
        [
            radius,
            kind,
            share(of["alternative_accuracy[relative:0.01]"]),
            share(of["alternative_accuracy[relative:0.01]/attacked/accuracy/0"]),
            *(bracket(of, threat) for threat in ("linf:0.00784314", "relative:0.01", both)),
            *(number(of[f"adversarial_rate[relative:{size}]"]) for size in (0.02, 0.06, 0.1)),
            number(of["average_flatness[linf:0.00784314]"]),
            number(of["worst_flatness[linf:0.00784314]"]),
        ]
        for radius, _, kind in found
        for of in [cells[radius, kind]]
    ]
    head = ["alternatives", "… attacked", "inputs", "parameters", "both"]
    head += ["rate 0.02", "rate 0.06", "rate 0.1", "flatness, average", "worst"]
    return {
        "app": markdown(["row", "training", "published", "right", "AutoAttack"], beside),
        "app-further": markdown(["row", "training", *head], further),
    }


def share(values: Sequence[float]) -> str:
    """In percent: the mean and, of several seeds, the standard error."""
    return number([100 * each for each in values], digits=1)


def number(values: Sequence[float], digits: int = 2) -> str:
    """The mean and, of several seeds, the standard error."""
    mean = statistics.fmean(values)
    if len(values) == 1:
        return f"{mean:.{digits}f}"
    error = statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:.{digits}f} ± {error:.{digits}f}"


def bracket(found: Found, threat: str) -> str:
    """Certified and attacked, in percent."""
    key = f"certified_accuracy[{threat}]"
    low, high = (100 * statistics.fmean(found[each]) for each in (key, f"{key}/attacked"))
    return f"{low:.1f} to {high:.1f}"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} FOLDER")
    main(Path(sys.argv[1]))
