"""`gnomon study` and `gnomon compare` as a user meets them."""

import json
import re
from pathlib import Path

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from gnomon.cli.main import app
from reference.command_line import gnomon, gnomon_here, refused

STUDY = """
title = "Two activations"
question = "Do norms of weights grow with entanglement?"
seeds = 6
[config]
data = { name = "spiral", points = 60 }
network = { architecture = "mlp", hidden = [8] }
training = { epochs = 2, batch_size = 20 }
[[axes]]
key = "data.entanglement"
values = [1.0, 2.0, 3.0]
[examine]
probes = ["accuracy", "weights"]
[[hypotheses]]
kind = "rises"
name = "H1"
finding = "frobenius_norm"
along = "data.entanglement"
[small]
seeds = 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study, carried out."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "norms.toml").write_text(STUDY, encoding="utf-8")
    ended = gnomon("study", "norms.toml", "-o", "out", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    (folder / "first.txt").write_text(ended.stdout + "\n---\n" + ended.stderr)
    return folder


def test_a_study_ends_in_verdicts_a_table_and_a_report(folder: Path) -> None:
    verdicts, said = (folder / "first.txt").read_text().split("\n---\n")
    assert re.match(r"H1: .*: (supported|refuted|undecided) at 6 seeds", verdicts)
    assert "18 trials, 18 to do in 2 groups" in said
    assert "report: out/report.html" in said
    table = parquet.read_table(folder / "out" / "results.parquet")
    assert len(set(table.column("trial").to_pylist())) == 18
    assert (folder / "out" / "report.html").stat().st_size > 10_000
    assert list((folder / "out" / "tables").glob("*.tex"))
    assert list((folder / "out" / "figures").glob("*.pdf"))


def test_the_same_command_does_only_what_is_new(folder: Path) -> None:
    again = gnomon_here("study", "norms.toml", "-o", "out", cwd=folder)
    assert "18 trials, 18 done before, 0 to do" in again.stderr
    more = STUDY.replace("seeds = 6", "seeds = 7")
    (folder / "more.toml").write_text(more, encoding="utf-8")
    ended = gnomon_here("study", "more.toml", "-o", "out", cwd=folder)
    assert "21 trials, 18 done before, 3 to do in 1 group" in ended.stderr
    assert "at 7 seeds" in ended.stdout


def test_a_dry_run_trains_nothing_that_stays(folder: Path) -> None:
    ended = gnomon_here("study", "norms.toml", "-o", "dry", "--small", "--dry-run", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    assert "6 trials, 6 to do" in ended.stderr
    assert ended.stdout.splitlines()[0].startswith("time: about")
    assert ended.stdout.splitlines()[1].startswith("space: about")
    assert not (folder / "dry").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nothing.toml"],
            "expected the path of a study's TOML file, or the name of a shipped",
        ),
        (["norms.toml", "-o", "elsewhere", "--workers", "0"], "workers: expected 1 or more"),
        (["norms.toml", "-o", "s3://x/y"], "a URL that fsspec knows"),
        (["million.toml"], "expected at most 10,000 trials, got 1,000,000"),
        (["typo.toml"], "data.entanglment: there is no such key. Did you mean 'entanglement'"),
        (["norms.toml", "-o", "."], "expected an empty folder or one of this study"),
    ],
    ids=["name", "workers", "url", "million", "axis", "folder"],
)
def test_bad_input_gets_one_clear_line(
    folder: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    million = STUDY.replace("values = [1.0, 2.0, 3.0]", "low = 1.0\nhigh = 9.0\ncount = 1000")
    (folder / "million.toml").write_text(million.replace("seeds = 6", "seeds = 1000"))
    (folder / "typo.toml").write_text(
        STUDY.replace('key = "data.entanglement"', 'key = "data.entanglment"').replace(
            'along = "data.entanglement"', 'along = "data.entanglment"'
        )
    )
    monkeypatch.chdir(folder)
    ended = CliRunner().invoke(app, ["study", *arguments])
    assert message in refused(ended.exit_code, ended.stderr)


def test_two_runs_are_compared(folder: Path) -> None:
    trials = sorted((folder / "out" / "trials").iterdir())[:2]
    ended = gnomon("compare", *trials, "-o", "comparison", cwd=folder)
    assert ended.returncode == 0, ended.stderr
    page = (folder / "comparison" / "report.html").read_text(encoding="utf-8")
    audits = [json.loads((trial / "audit.json").read_text()) for trial in trials]
    assert all(audit["subject"]["name"] in page for audit in audits)


def test_a_run_without_an_audit_cannot_be_compared(folder: Path) -> None:
    ended = gnomon_here("compare", "out", cwd=folder)
    assert "Make one: gnomon audit out" in refused(ended.returncode, ended.stderr)
