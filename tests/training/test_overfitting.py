"""Catastrophic overfitting is noticed, ends a training, and the epoch before is restored."""

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import cast

import pyarrow as pa
import pytest
import torch
from pyarrow import parquet
from safetensors.torch import load_file, save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from gnomon.errors import SettingError
from gnomon.sets import Domain, Linf
from gnomon.training import (
    Adam,
    CatastrophicOverfitting,
    Constant,
    EarlyStopping,
    EpochRow,
    Run,
    Training,
    read_history,
)
from gnomon.training.checkpoint import Checkpoint, read_group, save_group
from gnomon.training.history import write_history
from gnomon.training.progress import Progress
from gnomon.training.replicas import ReplicatedNetwork, run_each
from reference.groups import Interrupts, alone, together, varied
from reference.small_experiments import RANDOM, Stopped, StopsAfter, data_of, run, small

WATCH = CatastrophicOverfitting(Linf(0.1))


def row(epoch: int, robust: float | None, accuracy: float = 0.5) -> EpochRow:
    """A row of a history."""
    return EpochRow(epoch, epoch, 0.1, 1.0, 0.5, 1.0, accuracy, 1.0, 0.0, robust)


def judged(
    training: Training, robust: list[float], accuracies: list[float] | None = None
) -> tuple[int | None, int, str]:
    """The best epoch, the epoch after which it ends, and why."""
    progress = Progress("run")
    for epoch, value in enumerate(robust, 1):
        accuracy = 0.5 if accuracies is None else accuracies[epoch - 1]
        progress = progress.counted(row(epoch, value, accuracy), training)
        reason = progress.reason_to_end(training)
        if reason is not None:
            return progress.best_epoch, epoch, reason
    raise AssertionError("a training of as many epochs does not end")


def test_a_fall_ends_the_training_and_restores_the_epoch_before() -> None:
    training = Training(epochs=6, overfitting=WATCH)
    best, last, reason = judged(training, [0.3, 0.4, 0.45, 0.2, 0.4, 0.5])
    assert (best, last) == (3, 4)
    assert "fell from 45.0% to 20.0% in epoch 4. The weights after epoch 3 are" in reason


@pytest.mark.parametrize(
    "robust", [[0.5, 0.31, 0.12, 0.0], [0.0, 0.9, 0.8, 0.9]], ids=["slowly", "a little"]
)
def test_what_is_no_fall_within_an_epoch_ends_nothing(robust: list[float]) -> None:
    best, last, reason = judged(Training(epochs=4, overfitting=WATCH), robust)
    assert (best, last, reason) == (4, 4, "All 4 epochs are done.")


def test_a_fall_in_the_last_epoch_counts() -> None:
    best, last, reason = judged(Training(epochs=2, overfitting=WATCH), [0.6, 0.1])
    assert (best, last) == (1, 2)
    assert reason.startswith("Catastrophic overfitting")


def test_with_early_stopping_the_best_of_those_before_the_fall_is_restored() -> None:
    stopping = EarlyStopping(patience=3, metric="validation_accuracy")
    training = Training(epochs=9, overfitting=WATCH, early_stopping=stopping)
    # The clean accuracy is best in the epoch that falls, as is usual.
    best, last, reason = judged(training, [0.3, 0.4, 0.4, 0.0], [0.5, 0.7, 0.6, 0.9])
    assert (best, last) == (2, 4)
    assert "fell from 40.0% to 0.0% in epoch 4. The weights after epoch 2 are kept" in reason
    best, last, reason = judged(training, [0.4] * 9, [0.5, 0.7, 0.6, 0.6, 0.6, 0.9, 0, 0, 0])
    assert (best, last) == (2, 5)
    assert reason.startswith("validation_accuracy made no progress in the 3 epochs after")


@pytest.mark.parametrize("domain", [None, (-1.0, 1.0)], ids=["free", "bounded"])
def test_what_an_affine_network_withstands_is_known(
    domain: tuple[float, float] | None,
) -> None:
    source = torch.Generator().manual_seed(0)
    network = nn.Linear(5, 2).requires_grad_(requires_grad=False)
    network.weight.copy_(torch.randn(2, 5, generator=source))
    inputs = torch.rand(400, 5, generator=source) * 2 - 1
    labels = torch.randint(2, (400,), generator=source)
    radius = 0.15
    logits = network(inputs)
    sign = 1.0 - 2.0 * labels  # the margin of the label against the other class
    margin = sign * (logits[:, 0] - logits[:, 1])
    slope = sign[:, None] * (network.weight[0] - network.weight[1])
    low, high = torch.full_like(inputs, -radius), torch.full_like(inputs, radius)
    if domain is not None:
        low, high = low.maximum(domain[0] - inputs), high.minimum(domain[1] - inputs)
    worst = margin + torch.minimum(slope * low, slope * high).sum(dim=1)
    assert (worst.abs() > 1e-5).all(), "no example is at the boundary up to rounding"
    watch = CatastrophicOverfitting(Linf(radius, (-9.0, 9.0)))
    found = watch.withstood(network, inputs, labels, domain, source)
    # Five steps of half the radius reach the worst corner from anywhere.
    assert torch.equal(found, worst > 0)
    assert 0.1 < found.float().mean() < (margin > 0).float().mean() - 0.05


def test_the_first_validation_examples_are_attacked_or_else_training_examples() -> None:
    watch = replace(WATCH, examples=7)
    held, none_held = (data_of(small(validation=count)) for count in (30, 0))
    for data, split in ((held, held.validation), (none_held, none_held.train)):
        found = watch.watched(data)
        assert torch.equal(found.inputs, split.inputs[:7])
        assert torch.equal(found.labels, split.labels[:7])
    assert len(replace(WATCH, examples=99).watched(held)) == 30


@pytest.mark.parametrize(
    "settings", [{"steps": 0}, {"examples": 0}, {"drop": 0.0}, {"drop": 1.0}]
)
def test_a_setting_out_of_range_is_named(settings: dict[str, float]) -> None:
    (name,) = settings
    with pytest.raises(SettingError, match=f"^{name}: expected"):
        replace(WATCH, **settings)  # pyright: ignore[reportArgumentType]


@dataclass(frozen=True)
class Falls(CatastrophicOverfitting):
    """Believes the attack on the last third; of the rest all is withstood, then nothing at all.

    How a trained network fares is up to the processor, and moves the accuracy by a third at
    most; the fall is larger. The steps that a batch normalisation has counted tell its epoch,
    which the first label of its data delays by 0, 1 or 2.
    """

    drop: float = 0.5
    epoch: int = 7
    steps_of_an_epoch: int = 6

    def withstood(
        self,
        network: nn.Module,
        inputs: Tensor,
        labels: Tensor,
        domain: Domain,
        source: torch.Generator,
    ) -> Tensor:
        attacked = super().withstood(network, inputs, labels, domain, source)
        count = network.examples if isinstance(network, ReplicatedNetwork) else len(labels)
        sure = torch.arange(count) < 2 * count // 3
        steps = run_each(network, _steps, None, inputs).view(-1, count)
        fall = self.epoch + labels.view(-1, count)[:, :1]
        held = attacked.view(-1, count) | sure
        return (held & (steps < fall * self.steps_of_an_epoch)).flatten()


def _steps(network: nn.Module, inputs: Tensor) -> Tensor:
    """How many batches the first batch normalisation has seen, for each example."""
    counts = (each for name, each in network.named_buffers() if name.endswith("tracked"))
    return next(counts).expand(len(inputs))


def falling(**settings: object) -> Training:
    """Twelve epochs; in the seventh or soon after it withstands nothing any more."""
    return replace(
        Training(
            epochs=12,
            batch_size=16,
            optimizer=Adam(),
            learning_rate=0.03,
            schedule=Constant(),
            snapshots=tuple(range(13)),
            overfitting=Falls(Linf(0.1)),
        ),
        **settings,  # pyright: ignore[reportArgumentType]
    )


def assert_restored(done: Run) -> int:
    """The epoch that a run which ended by a fall delivers."""
    history, best = done.history, done.facts.best_epoch or 0
    robust = [each.robust_accuracy or 0.0 for each in history]
    falls = [before - now > 0.5 for before, now in pairwise(robust)]
    assert falls == [False] * (len(history) - 2) + [True]
    assert len(history) < 12
    assert f"from {robust[-2]:.1%} to {robust[-1]:.1%}" in done.facts.reason
    expected = load_file(done.folder.snapshot(best))
    assert all(
        torch.equal(expected[name], tensor)
        for name, tensor in done.network.state_dict().items()
    )
    return best


def test_a_training_that_overfits_ends_with_the_weights_before(tmp_path: Path) -> None:
    done = run(small(falling(), RANDOM), tmp_path)
    assert assert_restored(done) == len(done.history) - 1
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    shown = [(each.step, each.value) for each in events.Scalars("accuracy/robust")]
    expected = [(each.step, pytest.approx(each.robust_accuracy)) for each in done.history]
    assert shown == expected
    assert read_history(done.folder.history) == done.history


def test_to_be_watched_changes_nothing_else(tmp_path: Path) -> None:
    watched = run(small(falling(), RANDOM), tmp_path / "watched")
    plain = run(small(falling(overfitting=None), RANDOM), tmp_path / "plain")
    assert plain.history[0].robust_accuracy is None
    for epoch in range(len(watched.history) + 1):
        one, other = (load_file(each.folder.snapshot(epoch)) for each in (watched, plain))
        assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("epoch", [3, 6])
def test_a_stopped_training_that_overfits_goes_on_to_the_same_end(
    epoch: int, tmp_path: Path
) -> None:
    stopping = EarlyStopping(patience=9, metric="validation_accuracy")
    experiment = small(falling(early_stopping=stopping), RANDOM)
    whole = run(experiment, tmp_path / "whole")
    assert (whole.facts.best_epoch or 0) < len(whole.history)
    with pytest.raises(Stopped):
        run(experiment, tmp_path / "cut", StopsAfter(epoch))
    again = run(experiment, tmp_path / "cut")
    assert again.facts == whole.facts
    assert assert_restored(again) == assert_restored(whole)
    timeless = [[replace(each, seconds=0.0) for each in one.history] for one in (again, whole)]
    assert timeless[0] == timeless[1]
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], tensor), name


def test_each_of_a_group_is_watched_as_alone(tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        # One step of a wide attack, so that the random start decides about some examples.
        watch = Falls(Linf(0.3), steps=1, steps_of_an_epoch=4)
        training = falling(overfitting=watch)
        experiments = varied(small(training, RANDOM, examples=65), 3)
        with pytest.raises(KeyboardInterrupt):
            together(experiments, tmp_path, Interrupts(8, 1))
        group, single = together(experiments, tmp_path), alone(experiments, tmp_path)
    finally:
        torch.set_default_dtype(torch.float32)
    ends: set[int] = set()
    for one, other in zip(group, single, strict=True):
        assert isinstance(one, Run)
        assert isinstance(other, Run)
        assert one.facts == other.facts
        found, expected = (
            [each.robust_accuracy for each in run.history] for run in (one, other)
        )
        assert found == expected
        ends.add(assert_restored(one))
        assert_restored(other)
    assert len(ends) > 1, "all ended at once"


def test_a_history_of_an_early_version_is_read(tmp_path: Path) -> None:
    rows = (row(1, None), row(2, None))
    write_history(tmp_path / "new.parquet", rows)
    table = cast("pa.Table", parquet.read_table(tmp_path / "new.parquet"))
    parquet.write_table(table.drop_columns(["robust_accuracy"]), tmp_path / "old.parquet")
    assert read_history(tmp_path / "old.parquet") == rows


def test_a_group_of_an_early_version_is_read(tmp_path: Path) -> None:
    training = Training()
    progress = Progress("a", epoch=1, step=1, history=(row(1, None),))
    moment = Checkpoint((progress,), {"rows": torch.zeros(1, 2)}, {}, {})
    file = tmp_path / "group.safetensors"
    save_group(file, moment)
    assert read_group(file, training).progress == (progress,)
    tensors = load_file(file)
    tensors["history"] = tensors["history"][..., :9].contiguous()
    save_file(tensors, file, metadata={"gnomon.replicas": '["a"]'})
    assert read_group(file, training).progress == (progress,)
