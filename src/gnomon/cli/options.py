"""Defines the options that several commands share, each once."""

from pathlib import Path
from typing import Annotated

import typer

ConfigFile = Annotated[
    Path, typer.Argument(metavar="CONFIG.toml", help="What to train, on what, and how.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Put a value into the configuration, such as training.epochs=3. May be repeated.",
    ),
]
Device = Annotated[str, typer.Option(help="Where to run: auto, cpu or cuda.")]
