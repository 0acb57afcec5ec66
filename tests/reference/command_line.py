"""The command line, in a process of its own and in this one."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from gnomon.cli.main import app


def gnomon(*arguments: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gnomon", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "100", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


class Ended(NamedTuple):
    """What a command left behind, under the names of `subprocess`."""

    returncode: int
    stdout: str
    stderr: str


def gnomon_here(*arguments: object, cwd: Path) -> Ended:
    """The same in this process, which spares the imports of another."""
    with contextlib.chdir(cwd):
        ended = CliRunner(env={"COLUMNS": "100"}).invoke(app, [*map(str, arguments)])
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


def refused(status: int, errors: str) -> str:
    """The one line on standard error of a command that ended with status 2."""
    assert status == 2, errors
    assert "Traceback" not in errors
    lines = [line for line in errors.splitlines() if line.startswith("gnomon: ")]
    assert len(lines) == 1, errors
    return lines[0]
