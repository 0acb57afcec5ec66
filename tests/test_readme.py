"""What the README promises can be typed as it stands."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import typer.main

from gnomon.cli.main import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [line for line in README.splitlines() if line.startswith("gnomon ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_understood(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    _, name, *arguments = shlex.split(line)
    group = cast("Any", typer.main.get_command(app))
    context = group.commands[name].make_context(name, arguments)
    for value in context.params.values():
        if str(value).startswith("examples/"):
            assert Path(str(value)).is_file()


@pytest.mark.slow
def test_the_program_runs_as_it_stands(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert blocks
    for block in blocks:
        subprocess.run([sys.executable, "-c", block], cwd=tmp_path, check=True)
    assert (tmp_path / "report" / "report.html").is_file()
