"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest
import torch
from hypothesis import settings

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_runtest_setup() -> None:
    """Layers that a test makes have the same weights each time, whichever tests ran before."""
    torch.manual_seed(0)  # noqa: TID251 (layers take no generator)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real data sets; without it a test skips, or fails where CI=true."""
    folder = os.environ.get("GNOMON_DATA", "")
    if folder and Path(folder).is_dir():
        return Path(folder)
    reason = "real data sets: set GNOMON_DATA to the folder that holds them"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
