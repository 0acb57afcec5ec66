"""Defines `gnomon range-test`: from a configuration to its usable learning rates."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer

from gnomon.cli.exits import ending_clearly
from gnomon.cli.options import ConfigFile, Settings


@ending_clearly
def range_test(
    config: ConfigFile,
    settings: Settings = None,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FOLDER", help="Where the curve is written."),
    ] = Path("range-test"),
    steps: Annotated[int, typer.Option(help="Optimiser steps, each at a higher rate.")] = 100,
) -> None:
    """Suggest a learning rate (learning-rate range test).

    The rate rises from step to step on a copy of the network until training breaks; the
    suggestion is where the loss falls most steeply. Writes learning-rate.svg, learning-rate.png
    and learning-rate.json; no run is started.
    """
    from gnomon.cli.display import say
    from gnomon.data import Store
    from gnomon.files import write_text
    from gnomon.training import LearningRateRangeTest, build
    from gnomon.words.config import experiment, read_config

    planned = experiment(read_config(config, settings or []))
    data = planned.data(planned.seed, Store.default())
    test = LearningRateRangeTest(steps=steps)
    curve = test(build(planned, data), data.train, planned.training, planned.seed)
    plain = json.dumps(dataclasses.asdict(curve), indent=1)
    write_text(output / "learning-rate.json", plain + "\n")
    _draw(curve.rates, curve.losses, curve.smoothed, curve.suggestion, output)
    if curve.suggestion is None:
        print("no suggestion: the loss never falls")
    else:
        print(f"suggested learning rate: {curve.suggestion:.2g}")
    say(f"{output}: learning-rate.svg, .png, .json (the sweep ended: {curve.stopped})")


def _draw(
    rates: tuple[float, ...],
    losses: tuple[float, ...],
    smoothed: tuple[float, ...],
    suggestion: float | None,
    folder: Path,
) -> None:
    """Draws loss against learning rate, as SVG and PNG."""
    from matplotlib.figure import Figure

    from gnomon.files import replacing

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(rates, losses, color="0.7", label="loss of the step's batch")
    axes.plot(rates, smoothed, color="#0072b2", label="smoothed")
    if suggestion is not None:
        axes.axvline(
            suggestion, color="#d55e00", linestyle="--", label=f"suggestion {suggestion:.2g}"
        )
    axes.set(
        xscale="log",
        xlabel="learning rate",
        ylabel="loss",
        ylim=(0, 2 * max(smoothed[0], 1e-12)),
    )
    axes.legend()
    for ending in ("svg", "png"):
        with replacing(folder / f"learning-rate.{ending}") as temporary:
            figure.savefig(temporary, format=ending, dpi=150)
