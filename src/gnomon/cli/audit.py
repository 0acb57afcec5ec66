"""`gnomon audit`: a network and data in, findings and a report out."""

from pathlib import Path
from typing import Annotated

import typer

from gnomon.cli.exits import REQUIREMENT_FAILED, ending_clearly
from gnomon.cli.options import Device, Settings


@ending_clearly
def audit(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="A run folder, a .safetensors file with its .toml, or package.module:factory.",
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A known data set, or a path; a run's own by default."
        ),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NORM:RADIUS",
            help="A set of perturbed inputs, such as linf:2/255 or l2:0.5. May be repeated.",
        ),
    ] = None,
    probes: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Which probes, as in accuracy,noise,attacks."),
    ] = None,
    samples: Annotated[
        int | None, typer.Option(help="How many test examples; all by default.")
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Everything random in the audit depends on it.")
    ] = 0,
    require: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REQUIREMENT",
            help='Exit with 3 unless it holds: "clean_accuracy >= 0.95". May be repeated.',
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights for a factory's network.")
    ] = None,
    settings: Settings = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="The report's folder; TARGET/audit for a run.",
        ),
    ] = None,
    device: Device = "auto",
) -> None:
    """Examine a network: what it gets right, and what it withstands.

    Writes report.html, audit.json and figures/.
    """
    from gnomon.audit import examine, parse_requirement
    from gnomon.audit.report import write_report
    from gnomon.cli.display import AuditDisplay, say
    from gnomon.examination import Request, prepare

    requirements = [parse_requirement(text) for text in require or []]
    request = Request(
        target=target,
        weights=weights,
        data=data,
        settings=tuple(settings or ()),
        inputs=tuple(inputs or ()),
        probes=tuple(name.strip() for name in probes.split(",")) if probes else None,
        samples=samples,
        seed=seed,
        device=device,
    )
    subject, chosen = prepare(request)
    folder = output or _default_folder(target)
    with AuditDisplay() as display:
        result = examine(subject, chosen, seed, display)
        display("report")
        verdicts = [requirement.check(result) for requirement in requirements]
        report = write_report(folder, [(subject, result)], verdicts)
    for finding in result.findings:
        interval = (
            f"  [{finding.error[0]:.4f}, {finding.error[1]:.4f}]" if finding.error else ""
        )
        print(f"{finding.title} = {finding.value:.4f}{interval}")
    say(f"report: {report}")
    failing = [verdict for verdict in verdicts if not verdict.holds]
    for verdict in failing:
        say(f"gnomon: {verdict}")
    if failing:
        raise typer.Exit(REQUIREMENT_FAILED)


def _default_folder(target: str) -> Path:
    path = Path(target)
    return path / "audit" if path.is_dir() else Path("report")
