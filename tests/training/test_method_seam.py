"""What a method finds in a batch, in a training alone and in a group."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.data import Dataset, Store
from gnomon.errors import SettingError
from gnomon.training import (
    SGD,
    Batch,
    Constant,
    Experiment,
    Loss,
    Standard,
    Training,
    build,
)
from gnomon.training.epoch import shuffled, split_batches
from reference.groups import alone, together, varied
from reference.small_experiments import Clouds, Stopped, StopsAfter, data_of, run, small


@dataclass(frozen=True)
class Bounded:
    """Clouds in a box."""

    size: float = 8.0
    examples: int = 40

    def __call__(self, seed: int, store: Store | None = None) -> Dataset:
        made = Clouds(self.examples, validation=0)(seed, store)
        return replace(made, domain=(-self.size, self.size))


@dataclass(frozen=True)
class Witness:
    """The cross-entropy at inputs moved by what is carried: a shift, one for each example.

    It notes every batch, and the carried shift and gradient as it finds them.
    """

    noted: list[Batch]
    shifts: list[tuple[Tensor, Tensor | None]]
    replays: int = 3

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:  # noqa: ARG002
        self.noted.append(batch)
        if batch.carried is not None:
            self.shifts.append((batch.carried.detach().clone(), batch.carried.grad))
        shift = torch.full_like(batch.inputs, 0.1 * len(self.noted), requires_grad=True)
        logits = network(batch.inputs + shift)
        values = functional.cross_entropy(logits, batch.labels, reduction="none")
        return Loss(values, logits.argmax(dim=1) == batch.labels, shift)


def witnessed(epochs: int = 2) -> Experiment:
    """40 examples in batches of 16: 16, 16 and 8, each used three times."""
    training = Training(
        method=Witness([], []), epochs=epochs, batch_size=16, schedule=Constant()
    )
    return Experiment(data=Bounded(), network=small().network, training=training)


Trains = Callable[[Sequence[Experiment], Path], object]


@pytest.mark.parametrize(("trains", "networks"), [(alone, 1), (together, 1), (together, 2)])
def test_a_batch_says_where_in_the_training_it_is(
    trains: Trains, networks: int, tmp_path: Path
) -> None:
    experiment = witnessed()
    others = [replace(experiment, seed=seed) for seed in range(networks)]
    trains(others, tmp_path)
    method = experiment.training.method
    assert isinstance(method, Witness)
    batches = method.noted
    assert len(batches) == 2 * 3 * 3
    assert [each.domain for each in batches] == [(-8.0, 8.0)] * 18
    assert [each.progress for each in batches] == [step / 18 for step in range(18)]
    assert [each.carried is None for each in batches] == [step in {0, 9} for step in range(18)]
    sizes = [16] * 6 + [8] * 3
    assert [len(each) // networks for each in batches] == sizes + sizes
    for step in (1, 2, 4, 8, 10):
        same = torch.equal(batches[step].inputs, batches[step - 1].inputs)
        assert same, "a batch is used three times in a row"
    assert not torch.equal(batches[3].inputs, batches[2].inputs)
    assert len(method.shifts) == 16
    for shift, gradient in method.shifts:
        assert gradient is not None, "what is carried comes with its gradient"
        assert gradient.shape == shift.shape
        assert gradient.abs().sum() > 0


def test_what_is_carried_comes_from_the_step_before(tmp_path: Path) -> None:
    experiment = witnessed(epochs=1)
    alone([experiment], tmp_path)
    method = experiment.training.method
    assert isinstance(method, Witness)
    values = [shift.flatten()[0].item() for shift, _ in method.shifts]
    assert values == pytest.approx([0.1 * step for step in range(1, 9)])


@dataclass(frozen=True)
class Repeated(Standard):
    """The cross-entropy, twice on every batch."""

    replays: int = 2


def test_steps_on_the_same_batch_are_steps_of_a_loop_by_hand(tmp_path: Path) -> None:
    training = Training(
        method=Repeated(), epochs=2, batch_size=32, optimizer=SGD(), warmup_epochs=1.0
    )
    experiment = small(training)
    data, network = data_of(experiment), build(experiment, data_of(experiment))
    step = 0
    for epoch in (1, 2):
        for chosen in split_batches(shuffled(90, 0, epoch), 32):
            for _ in range(2):
                loss = functional.cross_entropy(
                    network(data.train.inputs[chosen]), data.train.labels[chosen]
                )
                parameters = list(network.parameters())
                slopes = torch.autograd.grad(loss, parameters)
                rate = training.learning_rate_at(step, 6)
                with torch.no_grad():
                    for parameter, slope in zip(parameters, slopes, strict=True):
                        parameter.sub_(rate * slope)
                step += 1
    done = run(experiment, tmp_path)
    assert [row.step for row in done.history] == [6, 12]
    for name, tensor in network.state_dict().items():
        # Twelve steps in float32, in which the update by hand may round in another way.
        found = done.network.state_dict()[name]
        torch.testing.assert_close(found, tensor, rtol=0, atol=1e-6)


def test_replays_of_a_group_are_those_of_each_alone(tmp_path: Path) -> None:
    training = Training(method=Repeated(), epochs=2, batch_size=32, optimizer=SGD())
    experiments = varied(small(training), 2)
    for one, other in zip(
        together(experiments, tmp_path), alone(experiments, tmp_path), strict=True
    ):
        assert not isinstance(one, Exception)
        assert not isinstance(other, Exception)
        assert [row.step for row in one.history] == [row.step for row in other.history]
        for name, tensor in other.network.state_dict().items():
            found = one.network.state_dict()[name]
            # Twelve steps, each with an error of some multiples of 6e-8.
            torch.testing.assert_close(found, tensor, rtol=0, atol=1e-5)


def test_data_of_two_domains_are_no_group(tmp_path: Path) -> None:
    experiment = small()
    others = [replace(experiment, data=Bounded(size)) for size in (4.0, 5.0)]
    with pytest.raises(SettingError, match=r"domain\) .*\(-4.0, 4.0\).* and .*\(-5.0, 5.0\)"):
        together(others, tmp_path)


def test_the_observer_hears_of_steps(tmp_path: Path) -> None:
    experiment = small(Training(method=Repeated(), epochs=1, batch_size=32))
    watching = StopsAfter(1, 6)  # the sixth step of three batches
    with pytest.raises(Stopped):
        run(experiment, tmp_path, watching)
    assert watching.plan is not None
    assert watching.plan.batches == 6
