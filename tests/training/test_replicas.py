"""Networks that are trained together are what each would be alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from gnomon.errors import DivergedError
from gnomon.networks import CNN4, MLP, VGG, Architecture, LeNet, ResNet
from gnomon.training import (
    SGD,
    Adam,
    AdamW,
    Batch,
    Constant,
    Cosine,
    EarlyStopping,
    Loss,
    OptimizerRule,
    Run,
    Standard,
    Training,
    train,
)
from gnomon.training.checkpoint import read_checkpoint
from gnomon.training.replicas import parameters_of
from reference.groups import (
    Interrupts,
    Watcher,
    alone,
    everything_varied,
    of_pictures,
    prepared,
    together,
    varied,
)
from reference.small_experiments import RANDOM, small


@pytest.fixture
def doubled() -> Iterator[None]:
    """Networks and data in float64, so that rounding is far below what a mistake does."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def finished(runs: list[Run | DivergedError]) -> list[Run]:
    """The runs, none of which may have diverged."""
    assert all(isinstance(each, Run) for each in runs)
    return [each for each in runs if isinstance(each, Run)]


MEASURED = ("learning_rate", "train_loss", "validation_loss", "gradient_norm")


def assert_close(group: list[Run], single: list[Run], tolerance: float) -> None:
    """Same facts, and weights, snapshots and histories that are equal up to rounding."""
    for one, other in zip(group, single, strict=True):
        assert one.facts == other.facts
        assert len(one.history) == len(other.history) == one.facts.epochs_done
        for row, expected in zip(one.history, other.history, strict=True):
            assert (row.epoch, row.step) == (expected.epoch, expected.step)
            assert row.train_accuracy == expected.train_accuracy
            assert row.validation_accuracy == expected.validation_accuracy
            assert (row.validation_loss is None) == (expected.validation_loss is None)
            for name in MEASURED:
                # What is read of a step of a single run is rounded to float32 first.
                found, wanted = getattr(row, name) or 0.0, getattr(expected, name) or 0.0
                assert found == pytest.approx(wanted, rel=max(2e-7, tolerance)), name
        files = sorted(path.name for path in other.folder.path.rglob("*.safetensors"))
        assert files == sorted(path.name for path in one.folder.path.rglob("*.safetensors"))
        compare(one.folder.model, other.folder.model, tolerance)
        for epoch, path in one.folder.snapshots().items():
            compare(path, other.folder.snapshot(epoch), tolerance)


def compare(one: Path, other: Path, tolerance: float) -> None:
    """Two files of tensors, equal up to `tolerance` relative to the largest entry of each.

    A bias before a normalisation has the gradient 0, so that only rounding moves it, which Adam
    magnifies: below 0.1 the error is not relative.
    """
    found, expected = load_file(one), load_file(other)
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        scale = max(tensor.abs().max().item(), 0.1)
        torch.testing.assert_close(found[name], tensor, rtol=0, atol=tolerance * scale)


RULES: list[OptimizerRule] = [SGD(), SGD(0.5), SGD(0.9, nesterov=True), Adam(), AdamW()]


@pytest.mark.usefixtures("doubled")
@pytest.mark.parametrize(
    "rule", RULES, ids=["plain", "momentum", "nesterov", "adam", "decoupled"]
)
def test_every_rule_moves_each_network_at_its_own_rate_and_decay(
    rule: OptimizerRule, tmp_path: Path
) -> None:
    training = Training(
        epochs=2, batch_size=16, optimizer=rule, warmup_epochs=1.0, schedule=Cosine(restarts=1)
    )
    experiments = varied(small(training), 3)
    group = finished(together(experiments, tmp_path))
    # 12 steps in float64, each with an error of some multiples of 1e-16.
    assert_close(group, finished(alone(experiments, tmp_path)), 1e-11)


@pytest.mark.usefixtures("doubled")
def test_everything_at_once_is_as_alone(tmp_path: Path) -> None:
    experiments = everything_varied()
    watching = Watcher()
    group = finished(together(experiments, tmp_path, watching))
    assert len({each.facts.epochs_done for each in group}) > 1, "all stopped at once"
    # Up to 56 steps through batch normalisation, whose division makes errors larger.
    assert_close(group, finished(alone(experiments, tmp_path)), 1e-7)
    assert sorted(watching.ends, key=lambda pair: pair[0]) == [
        (place, each.facts) for place, each in enumerate(group)
    ]
    rows = [by_place[0] for by_place in watching.rows.values() if 0 in by_place]
    assert tuple(rows) == group[0].history


def test_the_best_epoch_stays_with_its_network_when_others_leave(tmp_path: Path) -> None:
    stopping = EarlyStopping(patience=3, metric="validation_accuracy")
    training = Training(epochs=14, batch_size=32, early_stopping=stopping)
    experiments = varied(small(training))
    with pytest.raises(KeyboardInterrupt):
        together(experiments, tmp_path, Interrupts(12, 1))
    group = finished(together(experiments, tmp_path))
    spans = [(each.facts.best_epoch or 0, each.facts.epochs_done) for each in group]
    assert spans[3][0] < spans[1][1] < 12 < spans[3][1], "the last keeps its best past others"
    # 39 steps of Adam in float32, each of which may magnify the error of the one before.
    assert_close(group, finished(alone(experiments, tmp_path)), 1e-3)


NETWORKS: dict[str, Architecture] = {
    "layer": MLP(hidden=(8, 8), normalization="layer", dropout=0.3),
    "batch": CNN4(width=1, linear=8, normalization="batch", dropout=0.2),
    "instance": CNN4(width=1, linear=8, normalization="instance"),
    "group": LeNet(channels=(2, 4), hidden=(8,), normalization="group", dropout=0.2),
    "maxima": VGG(channels=(2, 3), linear=6, dropout=(0.1, 0.2, 0.3)),
    "residual": ResNet(channels=(2, 3), blocks=1, dropout=0.1),
}


@pytest.mark.usefixtures("doubled")
@pytest.mark.parametrize("name", list(NETWORKS))
def test_every_architecture_is_as_alone(name: str, tmp_path: Path) -> None:
    # 41 pictures in batches of 8: one remains, and joins the batch before.
    training = Training(
        epochs=2, batch_size=8, optimizer=AdamW(), gradient_clip=0.5, snapshots=(0, 1)
    )
    experiments = of_pictures(training, NETWORKS[name])
    group = finished(together(experiments, tmp_path))
    assert_close(group, finished(alone(experiments, tmp_path)), 1e-8)


def test_few_steps_in_float32_are_equal_up_to_its_rounding(tmp_path: Path) -> None:
    training = Training(
        epochs=1, batch_size=32, method=Standard(0.1), optimizer=SGD(0.9), gradient_clip=0.3
    )
    experiments = varied(small(training, RANDOM))
    group = finished(together(experiments, tmp_path))
    # Three steps, each with an error of some multiples of 6e-8.
    assert_close(group, finished(alone(experiments, tmp_path)), 1e-5)


def test_a_single_network_is_a_group(tmp_path: Path) -> None:
    experiments = varied(small(Training(epochs=2, batch_size=32)), 1)
    assert_close(
        finished(together(experiments, tmp_path)), finished(alone(experiments, tmp_path)), 1e-5
    )


def test_data_without_a_validation_split_are_trained_on(tmp_path: Path) -> None:
    experiments = varied(small(Training(epochs=2, batch_size=32), validation=0), 2)
    group = finished(together(experiments, tmp_path))
    assert group[0].history[-1].validation_loss is None
    assert_close(group, finished(alone(experiments, tmp_path)), 1e-5)


def test_one_that_diverges_leaves_and_the_others_go_on(tmp_path: Path) -> None:
    training = Training(epochs=4, batch_size=16, optimizer=SGD(), schedule=Constant())
    experiments = varied(small(training), 3)
    wild = replace(experiments[1].training, learning_rate=3e4, weight_decay=0.0)
    experiments[1] = replace(experiments[1], training=wild)
    watching = Watcher()
    group, single = together(experiments, tmp_path, watching), alone(experiments, tmp_path)
    assert_close(finished([group[0], group[2]]), finished([single[0], single[2]]), 1e-5)
    error, expected = group[1], single[1]
    assert isinstance(error, DivergedError)
    assert isinstance(expected, DivergedError)
    assert str(error).split(" at learning")[0] == str(expected).split(" at learning")[0]
    assert str(error).endswith(f"is kept in {tmp_path / 'replica1'}.")
    facts = dict(watching.ends)[1]
    assert (facts.status, facts.reason) == ("diverged", str(error))
    assert facts.epochs_done == int(str(error).split("epoch ")[-1].split()[0])
    compare(
        tmp_path / "replica1/model.safetensors", tmp_path / "alone1/model.safetensors", 1e-5
    )
    assert [sorted(rows) for rows in watching.rows.values()] == [[0, 2]] * 4


@dataclass(frozen=True)
class Slope:
    """A loss whose value is 0 and whose gradient is 3 in the first parameter, 0 elsewhere."""

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:  # noqa: ARG002
        first = next(iter(parameters_of(network).values())).flatten(1)[:, 0]
        each = (3 * first).repeat_interleave(len(batch) // len(first))
        return Loss(each - each.detach(), batch.labels == 0)


def test_only_the_network_whose_weights_overflow_is_lost(tmp_path: Path) -> None:
    training = Training(
        method=Slope(), epochs=1, batch_size=90, optimizer=SGD(), schedule=Constant()
    )
    experiments = varied(small(training, validation=0), 2)
    experiments[0] = replace(experiments[0], training=replace(training, learning_rate=3e38))
    group = together(experiments, tmp_path)
    assert "end of epoch 1: expected finite weights" in str(group[0])
    assert isinstance(group[1], Run)


def test_the_checkpoint_of_each_is_one_that_a_single_training_goes_on_from(
    tmp_path: Path,
) -> None:
    training = Training(
        epochs=3, batch_size=16, optimizer=Adam(), early_stopping=EarlyStopping(patience=9)
    )
    experiments = varied(small(training, RANDOM), 3)
    group, single = together(experiments, tmp_path), alone(experiments, tmp_path)
    for one, other in zip(finished(group), finished(single), strict=True):
        ours = read_checkpoint(one.folder.checkpoint)
        theirs = read_checkpoint(other.folder.checkpoint)
        assert ours.progress[0].run == theirs.progress[0].run
        for mine, other_s in (
            (ours.network, theirs.network),
            (ours.optimizer, theirs.optimizer),
            (ours.best, theirs.best),
        ):
            assert mine.keys() == other_s.keys()
            assert all(mine[name].shape == other_s[name].shape for name in mine)
        step = ours.optimizer["0/step"]
        assert torch.equal(step, theirs.optimizer["0/step"])
    again = train(
        experiments[0],
        prepared(experiments[0]),
        tmp_path / "replica0",
        device="cpu",
    )
    assert again.epochs_trained == 0


def test_nothing_global_changes(tmp_path: Path) -> None:
    torch.rand(1)
    before = torch.random.get_rng_state()
    together(varied(small(Training(epochs=1), RANDOM), 2), tmp_path)
    assert torch.equal(before, torch.random.get_rng_state())
