"""What all tests of training share."""

from collections.abc import Iterator

import pytest
import torch

from gnomon.training import recorder


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """These networks are so small that several threads would mostly wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every epoch is on the disk as it ends, so that a run may be killed after any."""
    monkeypatch.setattr(recorder, "SECONDS_BETWEEN_WRITES", 0.0)
