"""Defines the command `gnomon`: one thin file per subcommand parses, calls and shows."""

from typing import Annotated

import typer

import gnomon
from gnomon.cli.audit import audit
from gnomon.cli.compare import compare
from gnomon.cli.demo import demo
from gnomon.cli.range_test import range_test
from gnomon.cli.study import study
from gnomon.cli.train import train

app = typer.Typer(
    name="gnomon",
    help="Examines neural networks and makes them withstand more.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(train)
app.command()(audit)
app.command()(study)
app.command()(compare)
app.command()(demo)
app.command(name="range-test")(range_test)


def _show_version(wanted: bool) -> bool:  # noqa: FBT001 - typer calls it with the flag's value
    if wanted:
        print(f"gnomon {gnomon.__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Handles the options of `gnomon` itself."""


def main() -> None:
    """Runs the command line; the entry point of the console script."""
    app()
