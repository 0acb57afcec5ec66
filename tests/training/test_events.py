"""TensorBoard sees every epoch once."""

from pathlib import Path
from typing import cast

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gnomon.training import EpochRow
from reference.small_experiments import Stopped, StopsAfter, run, small


def scalars(path: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows of a run: steps and values by tag."""
    events = EventAccumulator(str(path / "events"))
    events.Reload()
    tags = cast("list[str]", events.Tags()["scalars"])
    return {tag: [(item.step, item.value) for item in events.Scalars(tag)] for tag in tags}


def shown(rows: tuple[EpochRow, ...]) -> dict[str, list[tuple[int, float | None]]]:
    """What it ought to show."""
    return {
        "learning_rate": [(row.step, row.learning_rate) for row in rows],
        "gradient_norm": [(row.step, row.gradient_norm) for row in rows],
        "loss/train": [(row.step, row.train_loss) for row in rows],
        "loss/validation": [(row.step, row.validation_loss) for row in rows],
        "accuracy/train": [(row.step, row.train_accuracy) for row in rows],
        "accuracy/validation": [(row.step, row.validation_accuracy) for row in rows],
    }


@pytest.mark.parametrize("stops", [(), (1,), (1, 2)])
def test_every_epoch_is_shown_once_however_often_the_run_stopped(
    stops: tuple[int, ...], tmp_path: Path
) -> None:
    for epoch in stops:
        with pytest.raises(Stopped):
            run(small(), tmp_path, StopsAfter(epoch))
    done = run(small(), tmp_path)
    found, expected = scalars(tmp_path), shown(done.history)
    assert found.keys() == expected.keys()
    for tag, values in expected.items():
        # TensorBoard keeps float32.
        assert found[tag] == [(step, pytest.approx(value, rel=1e-6)) for step, value in values]


def test_what_was_not_measured_is_not_shown(tmp_path: Path) -> None:
    done = run(small(validation=0), tmp_path)
    assert [row.validation_loss for row in done.history] == [None] * 3
    assert "loss/validation" not in scalars(tmp_path)
