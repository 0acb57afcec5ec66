"""Defines `gnomon demo`: training, audit and report on the spiral, in under a minute."""

from pathlib import Path
from typing import Annotated

import typer

from gnomon.cli.exits import ending_clearly


@ending_clearly
def demo(
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="Where runs and report are written."
        ),
    ] = Path("demo"),
) -> None:
    """Train, audit and compare two networks on the spiral.

    One with relu, one with tanh, five hidden layers of 50 each; both are audited, and
    report.html shows them side by side. Under a minute on two cores; runs that are there
    already are not trained again.
    """
    import torch
    from threadpoolctl import threadpool_limits

    from gnomon.cli.display import TrainingDisplay, say
    from gnomon.demonstration import demonstrate

    def watch(name: str) -> TrainingDisplay:
        say(f"training the {name} network")
        return TrainingDisplay(each_epoch=False)

    # At 50 × 50 numbers a second thread costs more than it brings: five times the processor
    # time in the fits of logistic regression, where threads wait for one another.
    torch.set_num_threads(1)
    with threadpool_limits(1, "blas"):
        report = demonstrate(output, watch, lambda topic: say(f"  audit: {topic}"))
    say(f"Open {report} in a browser.")
