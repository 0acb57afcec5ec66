"""What a training method and a front end may rely on: key, draws, network, refusals."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gnomon.activations import ReLU, Tanh
from gnomon.attacks.climb import Climb
from gnomon.data import Dataset, DoubleSpiral, Split, Store
from gnomon.errors import SettingError, ShapeError, UnsupportedOperationError
from gnomon.networks import CNN4, MLP
from gnomon.objectives import cross_entropy
from gnomon.seeds import generator
from gnomon.sets import Linf
from gnomon.training import (
    SGD,
    Adam,
    AdamW,
    Batch,
    Experiment,
    Loss,
    Standard,
    Training,
    train,
    train_replicas,
)
from gnomon.training.replicas import (
    ReplicatedNetwork,
    parameters_of,
    preferred_replicas,
    replica_key,
    run_with,
)
from gnomon.training.replicas.draws import DrawsForEach
from gnomon.training.replicas.examples import Examples
from reference.groups import Pictures, alone, prepared, together, varied
from reference.small_experiments import RANDOM, Clouds, small

BASE = Experiment(data=DoubleSpiral(), network=MLP(), training=Training())


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, seed=3),
        replace(BASE, training=Training(learning_rate=0.5, weight_decay=0.1)),
        replace(BASE, data=DoubleSpiral(entanglement=3.0, noise=0.2)),
        replace(BASE, network=MLP(activation=ReLU())),
    ],
    ids=["seed", "rates", "data", "equal"],
)
def test_experiments_that_differ_in_scalars_share_a_key(other: Experiment) -> None:
    assert replica_key(other) == replica_key(BASE) is not None


@pytest.mark.parametrize(
    "other",
    [
        replace(BASE, data=DoubleSpiral(points=500)),
        replace(BASE, data=DoubleSpiral(sampling="arc_length")),
        replace(BASE, data=Clouds()),
        replace(BASE, network=MLP(activation=Tanh())),
        replace(BASE, network=MLP(hidden=(50, 50))),
        replace(BASE, network=CNN4()),
        replace(BASE, training=Training(optimizer=AdamW())),
        replace(BASE, training=Training(optimizer=Adam(beta1=0.8))),
        replace(BASE, training=Training(method=Standard(0.1))),
        replace(BASE, training=Training(batch_size=64)),
        replace(BASE, training=Training(gradient_clip=1.0)),
    ],
    ids=[
        "points",
        "sampling",
        "source",
        "activation",
        "widths",
        "architecture",
        "rule",
        "beta",
        "smoothing",
        "batch",
        "clip",
    ],
)
def test_experiments_that_differ_otherwise_do_not(other: Experiment) -> None:
    assert replica_key(other) not in {None, replica_key(BASE)}


@dataclass(frozen=True)
class Lion:
    """An update rule that is not known to be linear in the rate."""

    def __call__(
        self, parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        return SGD()(parameters, learning_rate, weight_decay)


def test_mixed_precision_and_unknown_rules_are_trained_alone() -> None:
    assert replica_key(replace(BASE, training=Training(precision="bfloat16"))) is None
    assert replica_key(replace(BASE, training=Training(optimizer=Lion()))) is None


@dataclass(frozen=True)
class BothAdversaries:
    """Climbs in the inputs, then moves each layer along its gradient, and learns there.

    The step in layer l is γ ‖w_l‖ g_l/‖g_l‖ with noise of the same form added.
    """

    gamma: float = 0.05
    climb: Climb = field(default_factory=Climb)

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:
        moved = self.climb(network, batch.inputs, batch.labels, Linf(0.1), generator)
        layers = parameters_of(network)
        losses = cross_entropy(run_with(network, layers, moved), batch.labels)
        replicas = len(next(iter(layers.values())))
        slopes = torch.autograd.grad(
            losses.view(replicas, -1).mean(dim=1).sum(), list(layers.values())
        )
        pushed = {
            name: layer + self._step(layer.detach(), slope, generator)
            for (name, layer), slope in zip(layers.items(), slopes, strict=True)
        }
        logits = run_with(network, pushed, moved)
        return Loss(cross_entropy(logits, batch.labels), logits.argmax(dim=1) == batch.labels)

    def _step(self, layer: Tensor, slope: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(slope.shape, generator=generator, dtype=slope.dtype)
        direction = slope + 0.1 * size_of(slope) * noise
        return self.gamma * size_of(layer) * direction / size_of(direction).clamp_min(1e-12)


def size_of(layer: Tensor) -> Tensor:
    """The Euclidean norm of each replica's part, in the form of a factor."""
    return layer.flatten(1).norm(dim=1).reshape(-1, *[1] * (layer.dim() - 1))


def test_a_method_with_both_adversaries_serves_one_network_and_many(tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        training = Training(
            method=BothAdversaries(), epochs=2, batch_size=32, optimizer=AdamW()
        )
        experiments = varied(small(training, RANDOM), 3)
        group, single = together(experiments, tmp_path), alone(experiments, tmp_path)
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip(group, single, strict=True):
        assert not isinstance(one, Exception)
        assert not isinstance(other, Exception)
        for name, tensor in other.network.state_dict().items():
            found = one.network.state_dict()[name]
            # Six steps in float64; a sign of a gradient near 0 could differ, none does here.
            torch.testing.assert_close(found, tensor, rtol=0, atol=1e-8)


def spiral_networks(count: int = 3) -> list[nn.Module]:
    """Small networks with other weights each."""
    return [
        nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 3))
        for _ in range(count)
    ]


def test_the_network_gives_each_example_to_its_own_network() -> None:
    networks = [each.eval() for each in spiral_networks()]
    together_ = ReplicatedNetwork(networks).eval()
    together_.examples = 5
    inputs = torch.randn(15, 2, generator=torch.Generator().manual_seed(0))
    expected = torch.cat(
        [each(part) for each, part in zip(networks, inputs.split(5), strict=True)]
    )
    # One product of 2 and one of 4 terms in float32.
    torch.testing.assert_close(together_(inputs), expected, rtol=1e-5, atol=1e-6)
    alone_ = together_.plain(together_.tensors(), 1)
    torch.testing.assert_close(alone_(inputs[5:10]), expected[5:10], rtol=0, atol=0)


@pytest.mark.parametrize("count", [12, 18, 30])
def test_inputs_whose_network_cannot_be_told_are_refused(count: int) -> None:
    network = ReplicatedNetwork(spiral_networks()).eval()
    network.examples = 5
    with pytest.raises(ShapeError, match=rf"expected 3 networks × 5 examples, got {count}"):
        network(torch.zeros(count, 2))


class Noisy(nn.Module):
    """Draws without a module for dropout."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x)


@pytest.mark.parametrize("layer", [Noisy(), nn.AlphaDropout(0.5)], ids=["noise", "alpha"])
def test_a_network_with_other_random_layers_is_refused(layer: nn.Module) -> None:
    networks = [nn.Sequential(nn.Linear(2, 3), layer) for _ in range(2)]

    def compute() -> None:
        network = ReplicatedNetwork(networks)
        network.examples = 4
        network(torch.zeros(8, 2))

    with pytest.raises(UnsupportedOperationError, match=r"Train these networks one by one"):
        compute()


Draw = Callable[[int, torch.Generator], Tensor]


def _rand(rows: int, source: torch.Generator) -> Tensor:
    return torch.rand(rows, 3, generator=source)


def _randn_of_a_size(rows: int, source: torch.Generator) -> Tensor:
    return torch.randn(size=(rows, 2, 2), generator=source, dtype=torch.float64)


def _integers(rows: int, source: torch.Generator) -> Tensor:
    return torch.randint(10, (rows, 20), generator=source)


def _integers_between(rows: int, source: torch.Generator) -> Tensor:
    return torch.randint(5, 1000, size=(rows,), generator=source)


def _uniform(rows: int, source: torch.Generator) -> Tensor:
    return torch.empty(rows, 4).uniform_(-2, 2, generator=source)


def _coins(rows: int, source: torch.Generator) -> Tensor:
    return torch.bernoulli(torch.full((rows, 30), 0.5), generator=source)


@pytest.mark.parametrize(
    "draw", [_rand, _randn_of_a_size, _integers, _integers_between, _uniform, _coins]
)
def test_each_network_draws_from_its_own_generator(draw: Draw) -> None:
    seeds = (4, 5, 6)
    expected = torch.cat([draw(7, generator(seed, "draw")) for seed in seeds])
    each = DrawsForEach([generator(seed, "draw") for seed in seeds])
    with each:
        found = draw(21, each.token)
    assert torch.equal(found, expected)


def test_draws_that_networks_cannot_share_are_refused() -> None:
    each = DrawsForEach([generator(seed) for seed in (0, 1)])
    with each, pytest.raises(UnsupportedOperationError, match=r"expected a first axis that 2"):
        torch.rand(3, generator=each.token)
    with each, pytest.raises(UnsupportedOperationError, match=r"^randperm: expected draws"):
        torch.randperm(4, generator=each.token)


def test_networks_that_share_their_data_hold_them_once() -> None:
    one, other = (Split(torch.randn(6, 2), torch.arange(6) % 3) for _ in range(2))
    device = torch.device("cpu")
    shared = Examples([one] * 3, ["a"] * 3, device)
    chosen = torch.tensor([[0, 5], [1, 4], [2, 3]])
    assert torch.equal(shared.held[shared.places(chosen)], one.inputs[chosen.flatten()])
    assert shared.held.data_ptr() == one.inputs.data_ptr()
    mixed = Examples([one, other, one], ["a", "b", "a"], device)
    assert len(mixed.held) == 12
    expected = torch.cat([one.inputs[[0, 5]], other.inputs[[1, 4]], one.inputs[[2, 3]]])
    assert torch.equal(mixed.held[mixed.places(chosen)], expected)
    mixed.keep(torch.tensor([1, 2]))
    assert torch.equal(mixed.held[mixed.places(chosen[1:])], expected[2:])


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    def attempt(experiments: list[Experiment], paths: int | None = None) -> None:
        count = len(experiments) if paths is None else paths
        train_replicas(
            experiments,
            [prepared(each) for each in experiments],
            [tmp_path / str(index) for index in range(count)],
            device="cpu",
        )

    first = small()
    with pytest.raises(SettingError, match=r"as many experiments .* got 1, 1, 2"):
        attempt([first], 2)
    with pytest.raises(SettingError, match=r"one replica_key, got 2 keys"):
        attempt([first, small(network=RANDOM)])
    rough = small(Training(precision="bfloat16"))
    with pytest.raises(SettingError, match=r"one replica_key, got one without"):
        attempt([rough])
    with pytest.raises(SettingError, match=r"expected configurations that differ"):
        attempt([first, first])
    uneven = [replace(first, data=Share(0.5)), replace(first, data=Share(0.6))]
    with pytest.raises(SettingError, match=r"expected data of one shape"):
        attempt(uneven)
    assert not list(tmp_path.iterdir())


@dataclass(frozen=True)
class Share:
    """Clouds of which a share is taken: a real number that changes the shape."""

    share: float

    def __call__(self, seed: int, store: Store) -> Dataset:
        return Clouds(int(90 * self.share))(seed, store)


def test_groups_are_preferred_where_they_were_measured_to_be_faster() -> None:
    matrices = nn.Sequential(nn.Linear(2, 5), nn.ReLU())
    maps = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())
    assert preferred_replicas(matrices, torch.device("cpu")) > 1
    assert preferred_replicas(maps, torch.device("cpu")) == 1


def test_a_single_run_takes_methods_of_this_form_as_well(tmp_path: Path) -> None:
    experiment = small(Training(method=BothAdversaries(), epochs=1))
    assert train(experiment, prepared(experiment), tmp_path, device="cpu").history


def test_pictures_are_of_three_classes() -> None:
    assert set(Pictures()(0).train.labels.tolist()) == {0, 1, 2}
