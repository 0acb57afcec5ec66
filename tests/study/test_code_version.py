"""The version of the code: what a trial's results may depend on, and nothing else."""

import re
from pathlib import Path

import pytest

from gnomon.study.code_version import code_fingerprint, code_version

CODE = '''"""A module."""

RATE = 0.1  # per step
TEXT = "not a docstring"


def step(value: float) -> float:
    """One step.

    >>> step(1.0)
    """
    # a comment
    return value * RATE
'''


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name in (
        "training/loop.py",
        "audit/topics/noise/probe.py",
        "audit/topics/noise/pictures.py",
        "audit/topics/noise/terms.py",
        "audit/report/report.py",
        "report/charts/chart.py",
        "study/report/page.py",
        "study/tasks.py",
        "cli/main.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(CODE, encoding="utf-8")
    return tmp_path


def edited(package: Path, name: str, old: str, new: str) -> bool:
    """Whether the edit makes another version."""
    before = code_fingerprint(package)
    file = package / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    return code_fingerprint(package) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""A module."""', '"""Another sentence,\n\non three lines."""'),
        ("One step.", "One step of descent."),
        ("    # a comment\n", "\n\n    # another\n"),
    ],
    ids=["docstring", "docstring within", "comment"],
)
def test_words_make_no_other_version(package: Path, old: str, new: str) -> None:
    assert not edited(package, "training/loop.py", old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [("0.1", "0.2"), ("value * RATE", "value + RATE"), ('"not a', '"no')],
    ids=["constant", "formula", "text"],
)
@pytest.mark.parametrize(
    "name", ["training/loop.py", "audit/topics/noise/probe.py", "study/tasks.py"]
)
def test_code_makes_another_version(package: Path, name: str, old: str, new: str) -> None:
    assert edited(package, name, old, new)


@pytest.mark.parametrize(
    "name",
    [
        "audit/topics/noise/pictures.py",
        "audit/topics/noise/terms.py",
        "audit/report/report.py",
        "report/charts/chart.py",
        "study/report/page.py",
        "cli/main.py",
    ],
)
def test_what_no_trial_runs_makes_no_other_version(package: Path, name: str) -> None:
    assert not edited(package, name, "0.1", "0.2")


def test_a_file_more_or_under_another_name_makes_another_version(package: Path) -> None:
    first = code_fingerprint(package)
    (package / "training" / "loop.py").rename(package / "training" / "steps.py")
    second = code_fingerprint(package)
    (package / "training" / "empty.py").touch()
    assert len({first, second, code_fingerprint(package)}) == 3


def test_the_version_is_that_of_the_package_and_of_its_code() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{8}", code_version())
