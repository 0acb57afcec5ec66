"""The first edit of a newcomer: every shipped configuration trained for fewer epochs."""

from pathlib import Path

import pytest

from gnomon.words.config import experiment, read_config

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("epochs", [2, 3, 500])
def test_every_example_reads_with_another_number_of_epochs(path: Path, epochs: int) -> None:
    planned = experiment(read_config(path, [f"training.epochs={epochs}"]))
    assert planned.training.epochs == epochs
