"""The loop: what it computes, when it ends, and what it leaves alone."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from gnomon.errors import DivergedError, SettingError
from gnomon.networks import load_weights
from gnomon.training import (
    SGD,
    Adam,
    AdamW,
    Batch,
    Cosine,
    Device,
    EarlyStopping,
    EpochProgress,
    EpochRow,
    Loss,
    OptimizerRule,
    Plan,
    Run,
    RunFacts,
    Standard,
    Training,
    build,
    train,
)
from reference.plain_loop import train_plainly
from reference.small_experiments import PLAIN, RANDOM, data_of, run, small


def weights(run: Run) -> list[torch.Tensor]:
    """All tensors of the trained network."""
    return list(run.network.state_dict().values())


def equal(first: Run, second: Run) -> bool:
    """Whether two runs gave the same network and history, bit for bit; times aside."""
    rows = [[replace(row, seconds=0.0) for row in run.history] for run in (first, second)]
    tensors = zip(weights(first), weights(second), strict=True)
    return rows[0] == rows[1] and all(torch.equal(a, b) for a, b in tensors)


@pytest.mark.parametrize(
    "rule", [SGD(), SGD(0.9, nesterov=True), Adam(), AdamW()], ids=lambda rule: repr(rule)[:12]
)
def test_the_weights_are_those_of_a_loop_written_by_hand(
    rule: OptimizerRule, tmp_path: Path
) -> None:
    training = Training(
        epochs=3, batch_size=16, optimizer=rule, weight_decay=0.01, gradient_clip=0.5
    )
    experiment = small(training, RANDOM)
    data = data_of(experiment)
    by_hand = build(experiment, data)
    rates = [training.learning_rate_at(step, 6) for step in range(18)]
    before = torch.random.get_rng_state()
    train_plainly(by_hand, rule(by_hand.parameters(), 0.1, 0.01), rates, data, experiment)
    torch.random.set_rng_state(before)
    trained = run(experiment, tmp_path)
    for name, tensor in by_hand.state_dict().items():
        assert torch.equal(tensor, trained.network.state_dict()[name]), name


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tmp_path: Path) -> None:
    training = Training(epochs=2, batch_size=16)
    first = run(small(training, RANDOM, seed=0), tmp_path / "a")
    again = run(small(training, RANDOM, seed=0), tmp_path / "b")
    other = run(small(training, RANDOM, seed=1), tmp_path / "c")
    assert equal(first, again)
    assert not equal(first, other)


def test_training_learns(tmp_path: Path) -> None:
    training = Training(epochs=20, batch_size=16, learning_rate=0.01)
    history = run(small(training), tmp_path).history
    assert history[-1].train_loss < 0.5 * history[0].train_loss
    # Three clouds at distance √3 with deviation 0.5: the best classifier errs on about 8 %.
    assert (history[-1].validation_accuracy or 0) >= 0.8


def test_history_says_what_happened(tmp_path: Path) -> None:
    training = Training(epochs=2, batch_size=64, learning_rate=0.1, schedule=Cosine())
    experiment = small(training)
    done = run(experiment, tmp_path)
    data = data_of(experiment)
    assert [row.step for row in done.history] == [2, 4]  # 90 examples: batches of 64 and 26
    assert [row.learning_rate for row in done.history] == pytest.approx(
        [training.learning_rate_at(1, 2), training.learning_rate_at(3, 2)]
    )
    with torch.no_grad():
        logits = done.network(data.validation.inputs)
    loss = functional.cross_entropy(logits, data.validation.labels).item()
    right = (logits.argmax(1) == data.validation.labels).float().mean().item()
    # The loop adds up in float64 what one float32 reduction gives here.
    assert done.history[-1].validation_loss == pytest.approx(loss, rel=1e-6)
    assert done.history[-1].validation_accuracy == pytest.approx(right, rel=1e-6)


@dataclass(frozen=True)
class Frozen:
    """Reports each batch's first input as its loss; its gradient is 3, whatever the network."""

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:  # noqa: ARG002
        slope = next(network.parameters()).reshape(-1)[0] * 3
        return Loss(batch.inputs[:, 0] + slope - slope.detach(), batch.labels == 0)


def test_the_loss_of_an_epoch_weighs_every_example_alike(tmp_path: Path) -> None:
    experiment = small(Training(method=Frozen(), epochs=1, batch_size=64))
    train_split = data_of(experiment).train
    (row,) = run(experiment, tmp_path).history
    # Float32 means of at most 64 numbers of size 1.
    assert row.train_loss == pytest.approx(train_split.inputs[:, 0].mean().item(), abs=1e-6)
    assert row.train_accuracy == (train_split.labels == 0).sum().item() / 90
    assert row.gradient_norm == pytest.approx(3, rel=1e-6)


def test_a_single_remaining_example_joins_the_batch_before(tmp_path: Path) -> None:
    training = Training(epochs=1, batch_size=16)
    done = run(small(training, RANDOM, examples=33), tmp_path)  # batch norm refuses one example
    assert done.history[-1].step == 2


@dataclass(frozen=True)
class Breaks:
    """Cross-entropy that becomes `value` once the weights have changed `after` times."""

    value: float
    where: str
    steps: list[int]
    after: int = 8

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:
        honest = Standard().loss(network, batch, generator)
        self.steps.append(1)
        if len(self.steps) <= self.after:
            return honest
        if self.where == "loss":
            return Loss(honest.values * self.value, honest.correct)
        first = next(network.parameters()).reshape(-1)[0]
        return Loss(honest.values + 0 * (first - first.detach()).sqrt(), honest.correct)


@pytest.mark.parametrize(
    ("value", "where", "says"),
    [
        (float("nan"), "loss", "finite loss, got nan"),
        (float("inf"), "loss", "finite loss, got inf"),
        (0.0, "gradient", "finite gradient, got nan"),
    ],
)
def test_divergence_stops_with_the_reason_and_keeps_the_last_good_epoch(
    value: float, where: str, says: str, tmp_path: Path
) -> None:
    training = Training(epochs=5, batch_size=16, learning_rate=0.1)
    good = run(small(replace(training, epochs=5, snapshots=(1,))), tmp_path / "good")
    method = Breaks(value, where, [])
    experiment = small(replace(training, method=method))
    with pytest.raises(
        DivergedError, match=rf"epoch 2, step 3 of 6: expected a {says}.*0\.0\d+\. Lower"
    ):
        train(experiment, data_of(experiment), tmp_path / "bad", device="cpu")
    facts = json.loads((tmp_path / "bad/run.json").read_text())
    assert (facts["status"], facts["epochs_done"]) == ("diverged", 1)
    kept, expected = (
        build(experiment, data_of(experiment)),
        build(experiment, data_of(experiment)),
    )
    load_weights(kept, tmp_path / "bad/model.safetensors")
    load_weights(expected, good.folder.snapshot(1))
    for name, tensor in expected.state_dict().items():
        assert torch.equal(tensor, kept.state_dict()[name]), name


def test_weights_that_overflow_in_the_last_step_are_not_kept(tmp_path: Path) -> None:
    training = Training(epochs=2, batch_size=90, optimizer=SGD(), learning_rate=3e38)
    with pytest.raises(DivergedError, match=r"epoch 1.*expected finite weights"):
        run(small(replace(training, method=Frozen()), validation=0), tmp_path)
    assert json.loads((tmp_path / "run.json").read_text())["epochs_done"] == 0


def test_early_stopping_waits_for_its_patience_and_restores_the_best(tmp_path: Path) -> None:
    stopping = EarlyStopping(patience=2, metric="validation_loss")
    training = Training(
        epochs=40,
        batch_size=16,
        learning_rate=0.1,
        early_stopping=stopping,
        snapshots=tuple(range(41)),
    )
    done = run(small(training), tmp_path)
    losses = [row.validation_loss or 0.0 for row in done.history]
    best = done.facts.best_epoch or 0
    assert best == int(np.argmin(losses)) + 1
    assert len(losses) == best + 2 < 40
    expected = build(small(training), data_of(small(training)))
    load_weights(expected, done.folder.snapshot(best))
    for name, tensor in expected.state_dict().items():
        assert torch.equal(tensor, done.network.state_dict()[name]), name
    assert f"after epoch {best}" in done.facts.reason


def test_early_stopping_counts_only_progress_above_its_least() -> None:
    lower = EarlyStopping(min_delta=0.1)
    higher = EarlyStopping(min_delta=0.1, metric="validation_accuracy")
    assert lower.better(1.0, None)
    assert lower.better(0.8, 1.0)
    assert not lower.better(0.95, 1.0)
    assert higher.better(0.8, 0.5)
    assert not higher.better(0.55, 0.5)


def test_early_stopping_without_validation_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"early_stopping: expected validation data"):
        run(small(Training(early_stopping=EarlyStopping()), validation=0), tmp_path)


def test_training_without_examples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"expected training examples, got none"):
        run(small(examples=0), tmp_path)


def test_snapshots_hold_the_weights_after_their_epochs(tmp_path: Path) -> None:
    long = run(
        small(Training(epochs=4, batch_size=16, schedule=Cosine(), snapshots=(0, 4))), tmp_path
    )
    files = sorted(path.name for path in (tmp_path / "snapshots").iterdir())
    assert files == ["epoch-0000.safetensors", "epoch-0004.safetensors"]
    network = build(small(), data_of(small()))
    fresh = [tensor.clone() for tensor in network.state_dict().values()]
    load_weights(network, long.folder.snapshot(0))
    assert all(
        torch.equal(a, b) for a, b in zip(fresh, network.state_dict().values(), strict=True)
    )
    load_weights(network, long.folder.snapshot(4))
    assert all(
        torch.equal(a, b)
        for a, b in zip(weights(long), network.state_dict().values(), strict=True)
    )


def test_label_smoothing_mixes_the_target_with_the_uniform_one() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 4, generator=generator, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 3, 0, 1])
    target = 0.7 * functional.one_hot(labels, 4).double() + 0.3 / 4
    expected = -(target * logits.log_softmax(1)).sum(1).mean()
    got = Standard(0.3).loss(nn.Identity(), Batch(logits, labels), generator)
    # One float64 sum of 24 terms.
    torch.testing.assert_close(got.value, expected, rtol=1e-14, atol=0)
    assert torch.equal(got.correct, logits.argmax(1) == labels)


def test_nothing_global_changes(tmp_path: Path) -> None:
    torch.rand(1)  # away from the state in which another training would have left it
    before = torch.random.get_rng_state()
    threads, default = torch.get_num_threads(), torch.get_default_dtype()
    run(small(network=RANDOM), tmp_path)
    assert torch.equal(before, torch.random.get_rng_state())
    assert (threads, default) == (torch.get_num_threads(), torch.get_default_dtype())


def test_precisions_follow_each_other_in_one_process(tmp_path: Path) -> None:
    exact = run(small(Training(epochs=2)), tmp_path / "a")
    rough = run(small(Training(epochs=2, precision="bfloat16")), tmp_path / "b")
    again = run(small(Training(epochs=2)), tmp_path / "c")
    assert equal(exact, again)
    # bfloat16 has 8 bits of mantissa: the losses differ, but only by a few of its steps.
    assert exact.history[0].train_loss != rough.history[0].train_loss
    assert exact.history[0].train_loss == pytest.approx(rough.history[0].train_loss, rel=0.05)
    assert all(tensor.dtype == torch.float32 for tensor in weights(rough))


@pytest.mark.skipif(torch.cuda.is_available(), reason="a machine without CUDA is needed")
@pytest.mark.parametrize(
    ("device", "precision", "key"),
    [("cuda", "float32", "device"), ("auto", "float16", "precision")],
)
def test_what_the_machine_cannot_do_is_refused(
    device: Device, precision: str, key: str, tmp_path: Path
) -> None:
    experiment = small(Training(precision=precision))  # pyright: ignore[reportArgumentType]
    with pytest.raises(SettingError, match=f"^{key}: expected"):
        train(experiment, data_of(experiment), tmp_path, device=device)


class Notes:
    """An observer that writes down what it is told."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.batches: list[EpochProgress] = []
        self.rows: list[EpochRow] = []
        self.ends: list[RunFacts] = []

    def started(self, _: int, plan: Plan) -> None:
        self.plans.append(plan)

    def batch(self, progress: EpochProgress) -> None:
        self.batches.append(progress)

    def epoch(self, _: int, row: EpochRow) -> None:
        self.rows.append(row)

    def ended(self, _: int, facts: RunFacts) -> None:
        self.ends.append(facts)


def test_the_observer_hears_everything_once(tmp_path: Path) -> None:
    notes = Notes()
    done = run(small(Training(epochs=2, batch_size=32), PLAIN), tmp_path, notes)
    (plan,) = notes.plans
    assert (plan.epochs, plan.batches, plan.examples, plan.epochs_done) == (2, 3, 90, 0)
    assert plan.parameters == sum(each.numel() for each in done.network.parameters())
    assert [(each.epoch, each.batch) for each in notes.batches] == [
        (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3),
    ]  # fmt: skip
    assert notes.batches[-1].loss == done.history[-1].train_loss
    assert notes.batches[-1].accuracy == done.history[-1].train_accuracy
    assert tuple(notes.rows) == done.history
    assert notes.ends == [done.facts]
