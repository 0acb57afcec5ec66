"""Defines `gnomon audit`: from a network and data to findings and a report."""

from pathlib import Path
from typing import Annotated

import typer

from gnomon.cli.exits import REQUIREMENT_FAILED, ending_clearly
from gnomon.cli.options import Device, Settings

_Target = Annotated[
    str,
    typer.Argument(
        metavar="TARGET",
        help="A run folder, a .safetensors file with its .toml, or package.module:factory.",
    ),
]
_Data = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="A known data set, or a path; a run's own by default."),
]
_Inputs = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NORM:RADIUS",
        help="A set of perturbed inputs, such as linf:2/255 or l2:0.5. May be repeated.",
    ),
]
_Parameters = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LAW:SIZE",
        help="A set of alternative networks, such as relative:0.01 or ball:0.01. May be "
        "repeated.",
    ),
]
_Probes = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Which probes, such as accuracy,attacks or my_package.probes:Mine; by default all "
        "but autoattack and resistance, which are slow.",
    ),
]
_Samples = Annotated[int | None, typer.Option(help="How many test examples; all by default.")]
_Seed = Annotated[int, typer.Option(help="Everything random in the audit depends on it.")]
_Require = Annotated[
    list[str] | None,
    typer.Option(
        metavar="REQUIREMENT",
        help='Exit with 3 unless it holds: "clean_accuracy >= 0.95". May be repeated.',
    ),
]
_Weights = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Weights for a factory's network.")
]
_Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FOLDER", help="By default RUN/audit, or report."),
]


@ending_clearly
def audit(
    target: _Target,
    data: _Data = None,
    inputs: _Inputs = None,
    parameters: _Parameters = None,
    probes: _Probes = None,
    samples: _Samples = None,
    seed: _Seed = 0,
    require: _Require = None,
    weights: _Weights = None,
    settings: Settings = None,
    output: _Output = None,
    device: Device = "auto",
) -> None:
    """Examine a network: what it gets right, and what it withstands.

    Writes report.html, audit.json and figures/.
    """
    from gnomon.audit import examine, parse_requirement
    from gnomon.audit.report import write_report
    from gnomon.cli.display import announcing, say, show_findings
    from gnomon.words.request import Request, prepare

    requirements = [parse_requirement(text) for text in require or []]
    names = tuple(name.strip() for name in probes.split(",")) if probes else None
    request = Request(
        target=target,
        weights=weights,
        data=data,
        settings=tuple(settings or ()),
        within=tuple(inputs or ()),
        parameters=tuple(parameters or ()),
        probes=names,
        samples=samples,
        seed=seed,
        device=device,
    )
    subject, chosen = prepare(request)
    with announcing() as announce:
        result = examine(subject, chosen, seed, announce)
        announce("report")
        folder, examined = output or _folder(target), [(subject, result)]
        page = write_report(folder, examined)  # before a requirement can be found wrong
        if verdicts := [requirement.check(result) for requirement in requirements]:
            write_report(folder, examined, verdicts)
    show_findings(result)
    say(f"report: {page}")
    _end([str(verdict) for verdict in verdicts if not verdict.holds])


def _end(failing: list[str]) -> None:
    """Says which requirements fail, and sets the exit status."""
    from gnomon.cli.display import say

    for verdict in failing:
        say(f"gnomon: {verdict}")
    if failing:
        raise typer.Exit(REQUIREMENT_FAILED)


def _folder(target: str) -> Path:
    path = Path(target)
    return path / "audit" if path.is_dir() else Path("report")
