"""What training does to weights besides steps: bounds, layout in memory, initial values."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from gnomon.networks import CNN4, MLP
from gnomon.networks.interval_initialisation import initialise_for_intervals
from gnomon.seeds import generator
from gnomon.training import (
    SGD,
    Adam,
    AdamW,
    Batch,
    Constant,
    Experiment,
    OptimizerRule,
    Run,
    Standard,
    Training,
    build,
    train,
)
from gnomon.training.replicas import replica_key
from reference.groups import alone, of_pictures, prepared, together, varied
from reference.small_experiments import RANDOM, Stopped, StopsAfter, data_of, small

BOUND = 0.2


def finished(run: object) -> Run:
    """The run, which may not have diverged."""
    assert isinstance(run, Run)
    return run


@pytest.mark.parametrize("trains", [alone, together])
def test_after_a_step_weights_are_in_their_range(
    trains: Callable[..., list[object]], tmp_path: Path
) -> None:
    training = Training(
        epochs=2, batch_size=32, optimizer=SGD(), learning_rate=1.0, weight_clip=BOUND
    )
    for run in trains(varied(small(training, RANDOM), 2), tmp_path):
        sizes = [each.abs().max().item() for each in finished(run).network.parameters()]
        bound = torch.tensor(BOUND).item()
        assert max(sizes) == bound
        assert min(sizes) < bound


def test_weights_are_clipped_after_the_step_and_before_the_next(tmp_path: Path) -> None:
    training = Training(
        epochs=2,
        batch_size=90,
        optimizer=SGD(0.9),
        learning_rate=0.5,
        schedule=Constant(),
        weight_clip=BOUND,
    )
    experiment = small(training, MLP(hidden=(8, 8)))
    data, network = data_of(experiment), build(experiment, data_of(experiment))
    parameters = list(network.parameters())
    velocity = [torch.zeros_like(each) for each in parameters]
    for epoch in (1, 2):
        order = torch.randperm(90, generator=generator(0, "order", epoch))
        batch = Batch(data.train.inputs[order], data.train.labels[order])
        loss = Standard().loss(network, batch, torch.Generator()).value
        slopes = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, slope, speed in zip(parameters, slopes, velocity, strict=True):
                speed.mul_(0.9).add_(slope)
                parameter.sub_(0.5 * speed).clamp_(-BOUND, BOUND)
    run = train(experiment, data, tmp_path, device="cpu")
    for name, tensor in network.state_dict().items():
        # Two steps in float32, in which the update by hand may round in another way.
        found = run.network.state_dict()[name]
        torch.testing.assert_close(found, tensor, rtol=0, atol=1e-6)


def pictures(
    rule: OptimizerRule, *, channels_last: bool, epochs: int = 2, dropout: float = 0.0
) -> Experiment:
    """An experiment on grey pictures, convolved to several maps."""
    training = Training(
        epochs=epochs,
        batch_size=8,
        optimizer=rule,
        learning_rate=0.01,
        channels_last=channels_last,
    )
    network = CNN4(width=2, linear=8, normalization="batch", dropout=dropout)
    return of_pictures(training, network)[0]


def trained(experiment: Experiment, folder: Path, watching: StopsAfter | None = None) -> Run:
    """What it ends in."""
    data = prepared(experiment)
    return train(experiment, data, folder, watching, "cpu")


@pytest.mark.parametrize("rule", [SGD(), SGD(0.9), AdamW()], ids=["plain", "momentum", "adam"])
def test_channels_last_are_equal_to_channels_first_up_to_rounding(
    rule: OptimizerRule, tmp_path: Path
) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        runs = [
            trained(pictures(rule, channels_last=last), tmp_path / str(last))
            for last in (False, True)
        ]
    finally:
        torch.set_default_dtype(torch.float32)
    for name, tensor in runs[0].network.state_dict().items():
        found = runs[1].network.state_dict()[name]
        # Twelve steps in float64 through a batch normalisation, which makes errors larger.
        torch.testing.assert_close(found, tensor, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("rule", [SGD(0.9), Adam()], ids=["momentum", "adam"])
def test_channels_last_go_on_to_the_same_bits(rule: OptimizerRule, tmp_path: Path) -> None:
    experiment = pictures(rule, channels_last=True, dropout=0.2)
    whole = trained(experiment, tmp_path / "whole")
    with pytest.raises(Stopped):
        trained(experiment, tmp_path / "cut", StopsAfter(1))
    again = trained(experiment, tmp_path / "cut")
    assert again.epochs_trained == 1
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(again.network.state_dict()[name], tensor), name


def test_the_network_sees_channels_last(tmp_path: Path) -> None:
    seen: list[tuple[bool, bool]] = []

    class Looks(Standard):
        def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator):  # noqa: ANN202
            last = torch.channels_last
            weights = [each for each in network.parameters() if each.dim() == 4]
            seen.append(
                (
                    batch.inputs.is_contiguous(memory_format=last),
                    all(each.is_contiguous(memory_format=last) for each in weights),
                )
            )
            return super().loss(network, batch, generator)

    experiment = pictures(SGD(), channels_last=True, epochs=1)
    experiment = replace(experiment, training=replace(experiment.training, method=Looks()))
    trained(experiment, tmp_path)
    assert set(seen) == {(True, True)}


def test_channels_last_are_trained_alone() -> None:
    assert replica_key(pictures(SGD(), channels_last=True)) is None
    assert replica_key(pictures(SGD(), channels_last=False)) is not None


def test_weights_for_intervals_have_the_mean_size_two_over_fan_in() -> None:
    network = nn.Sequential(
        nn.Sequential(nn.Conv2d(8, 32, 5, groups=2), nn.ReLU()),
        nn.Flatten(),
        nn.Linear(400, 300),
        nn.Linear(300, 10),
    )
    before = {name: each.clone() for name, each in network.named_parameters()}
    initialise_for_intervals(network, generator(0))
    drawn = dict(network.named_parameters())
    for name, fan_in in (("0.0.weight", 4 * 5 * 5), ("2.weight", 400)):
        sizes = drawn[name].detach().double() * fan_in
        # Of 3,200 and 120,000 normal draws; 4 standard errors of the mean size.
        error = 4 * math.sqrt((2 * math.pi - 4) / sizes.numel())
        assert sizes.abs().mean().item() == pytest.approx(2, abs=error)
        assert abs(sizes.mean().item()) < 4 * math.sqrt(2 * math.pi / sizes.numel())
    for name in ("0.0.bias", "2.bias", "3.weight", "3.bias"):
        assert torch.equal(drawn[name], before[name])


def test_a_training_begins_with_the_weights_it_asks_for(tmp_path: Path) -> None:
    training = Training(epochs=1, batch_size=90, snapshots=(0,))
    plain, asked = small(training), small(replace(training, initialisation="interval"))
    data = data_of(plain)
    expected = build(plain, data)
    initialise_for_intervals(expected, generator(0, "interval initialisation"))
    run = train(asked, data, tmp_path / "alone", device="cpu")
    (group,) = together([asked], tmp_path)
    for each in (run, finished(group)):
        fresh = build(plain, data)
        fresh.load_state_dict(_snapshot(each))
        for name, tensor in expected.state_dict().items():
            assert torch.equal(fresh.state_dict()[name], tensor), name


def _snapshot(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.folder.snapshot(0))
