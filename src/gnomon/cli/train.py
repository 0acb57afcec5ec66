"""Defines `gnomon train`: from a configuration to a run folder."""

from pathlib import Path
from typing import Annotated

import typer

from gnomon.cli.exits import ending_clearly
from gnomon.cli.options import ConfigFile, Device, Settings


@ending_clearly
def train(
    config: ConfigFile,
    settings: Settings = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="RUN", help="The run folder; runs/CONFIG by default."
        ),
    ] = None,
    device: Device = "auto",
) -> None:
    """Train a network as a configuration says.

    The same command again resumes a run that was stopped. The run folder holds the
    configuration, the weights, the history, checkpoints, and TensorBoard events.
    """
    from gnomon.cli.display import TrainingDisplay, say
    from gnomon.data import Store
    from gnomon.training import train as train_network
    from gnomon.words.config import as_device, experiment, read_config

    planned = experiment(read_config(config, settings or []))
    folder = output or Path("runs") / config.stem
    data = planned.data(planned.seed, Store.default())
    say(
        f"{data.title}: {len(data.train)} training, {len(data.validation)} validation, "
        f"{len(data.test)} test examples"
    )
    with TrainingDisplay() as display:
        run = train_network(planned, data, folder, display, as_device(device))
    if not run.epochs_trained:
        say(f"{folder}: this run was finished already; nothing was changed.")
    say(f"{folder}: {run.facts.reason} Next: gnomon audit {folder}")
