"""The command line in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path


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


def refused(status: int, errors: str) -> str:
    """The one line on standard error of a command that ended with status 2."""
    assert status == 2, errors
    assert "Traceback" not in errors
    lines = [line for line in errors.splitlines() if line.startswith("gnomon: ")]
    assert len(lines) == 1, errors
    return lines[0]
