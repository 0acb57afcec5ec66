"""The gradient of the loss: against one example at a time, and against known products."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ReLU, Sigmoid
from gnomon.errors import DataError, SettingError, ShapeError, SubjectError
from gnomon.networks import CNN4, MLP, Signature
from gnomon.objectives import margin
from gnomon.representation.gradients import LossGradients, loss_gradients
from gnomon.seeds import generator
from reference.loss_gradients import input_norms, mean_gradients


def plain_chain() -> nn.Module:
    torch_generator = generator(0, "chain")
    network = nn.Sequential(
        nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3)
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch_generator))
    return network


def pictures() -> nn.Module:
    signature = Signature((1, 8, 8), 3, (0.5,), (0.5,))
    return CNN4(width=1, linear=8, normalization="batch")(signature, generator(1))


class Residual(nn.Module):
    """A called activation, a shortcut, and max pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.shortcut = nn.Conv2d(4, 4, 1)
        self.last = nn.Linear(64, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        start = functional.relu(self.first(inputs))
        joined = functional.relu(self.second(start) + self.shortcut(start))
        return self.last(functional.max_pool2d(joined, 2).flatten(1))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "chain": (plain_chain, (4,)),
    "batch normalisation": (pictures, (1, 8, 8)),
    "residual": (Residual, (1, 8, 8)),
}


@pytest.fixture(params=NETWORKS)
def case(request: pytest.FixtureRequest) -> tuple[nn.Module, Tensor, Tensor]:
    make, shape = NETWORKS[request.param]
    draws = generator(2, request.param)
    inputs = torch.randn(23, *shape, generator=draws)
    return make(), inputs, torch.randint(0, 3, (23,), generator=draws)


def test_the_gradient_is_that_of_the_mean_over_all_examples(
    case: tuple[nn.Module, Tensor, Tensor],
) -> None:
    network, inputs, labels = case
    slow = mean_gradients(network, inputs, labels)
    found = loss_gradients(network, inputs, labels, batch=10)
    largest = max(float(each.abs().max()) for each in slow.values())
    assert found.largest == pytest.approx(largest, rel=1e-4)
    for layer in found.layers:
        own = {name: g for name, g in slow.items() if name.rpartition(".")[0] == layer.name}
        whole = torch.cat(list(own.values()))
        assert layer.entries.count == len(whole)
        # Sums of 10 examples in float32: a relative error of 1e-5 with room.
        assert layer.entries.norm == pytest.approx(float(whole.norm()), rel=1e-4)
        assert layer.entries.largest == pytest.approx(float(whole.abs().max()), rel=1e-4)
        rms = float(whole.square().mean().sqrt())
        assert layer.entries.root_mean_square == pytest.approx(rms, rel=1e-4)
        if layer.weight is not None:
            weight = float(own[f"{layer.name}.weight"].norm())
            assert layer.weight.norm == pytest.approx(weight, rel=1e-4)


def test_each_example_has_its_own_gradient_at_the_input(
    case: tuple[nn.Module, Tensor, Tensor],
) -> None:
    network, inputs, labels = case
    found = loss_gradients(network, inputs, labels, batch=10).stages[0]
    assert found.name == "input"
    assert found.norms is not None
    assert torch.allclose(found.norms, input_norms(network, inputs, labels), rtol=1e-4)


def test_the_gradient_at_the_logits_is_softmax_minus_label(
    case: tuple[nn.Module, Tensor, Tensor],
) -> None:
    network, inputs, labels = case
    norms = loss_gradients(network, inputs, labels).stages[-1].norms
    difference = network.eval()(inputs).softmax(dim=1) - functional.one_hot(labels, 3)
    assert norms is not None
    assert torch.allclose(norms, difference.detach().double().norm(dim=1), rtol=1e-4)


def sizes(found: LossGradients) -> list[float]:
    own = [layer.entries.norm for layer in found.layers]
    return own + [float(stage.norms.sum()) for stage in found.stages if stage.norms is not None]


def test_batches_do_not_change_the_gradient(case: tuple[nn.Module, Tensor, Tensor]) -> None:
    one, all_at_once = (loss_gradients(*case, batch=batch) for batch in (1, 100))
    assert sizes(one) == pytest.approx(sizes(all_at_once), rel=1e-4)


def test_what_attacks_left_in_grad_is_neither_read_nor_written(
    case: tuple[nn.Module, Tensor, Tensor],
) -> None:
    network, inputs, labels = case
    clean = loss_gradients(network, inputs, labels)
    network.train()
    frozen = next(network.parameters())
    frozen.requires_grad = False
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 1e6)
    before = {name: each.clone() for name, each in network.state_dict().items()}
    again = loss_gradients(network, inputs, labels)
    assert sizes(again) == sizes(clean)
    assert all(
        each.grad is not None and bool((each.grad == 1e6).all())
        for each in network.parameters()
    )
    assert all(torch.equal(each, before[name]) for name, each in network.state_dict().items())
    assert all(module.training for module in network.modules())
    assert not frozen.requires_grad


def test_layers_stand_in_the_order_of_their_call() -> None:
    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.first = nn.Linear(5, 2), nn.Linear(3, 5)
            self.unused, self.scale = nn.Linear(2, 2), nn.PReLU()

        def forward(self, inputs: Tensor) -> Tensor:
            return self.last(self.scale(self.first(inputs)))

    found = loss_gradients(Backwards(), torch.randn(9, 3), torch.zeros(9, dtype=torch.long))
    assert [layer.name for layer in found.layers] == ["first", "last", "unused", "scale"]
    assert found.first is found.layers[0]
    assert found.last is found.layers[1]
    unused = found.layers[2].entries
    assert unused.zeros == unused.vanishing == unused.count == 6
    assert [layer.weight is None for layer in found.layers] == [False, False, False, True]


def identity_chain(slopes: float, depth: int) -> nn.Module:
    """One neuron per layer, each matrix the number `slopes`, and no activation."""
    network = nn.Sequential(*[nn.Linear(1, 1, bias=False) for _ in range(depth)])
    last = nn.Linear(1, 2, bias=False)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(slopes)
        last.weight.copy_(torch.tensor([[1.0], [-1.0]]))
    return network.append(last)


@pytest.mark.parametrize("slope", [0.25, 4.0])
def test_a_product_of_slopes_vanishes_or_explodes(slope: float) -> None:
    network = identity_chain(slope, 5)
    inputs = torch.zeros(3, 1)
    found = loss_gradients(network, inputs, torch.zeros(3, dtype=torch.long))
    medians = [stage.quantiles((0.5,))[0] for stage in found.stages[:-1]]
    assert medians == [slope ** (5 - k) for k in range(6)]


def test_a_deep_sigmoid_network_vanishes() -> None:
    signature = Signature((4,), 2, (0.0,), (1.0,))
    inputs = torch.randn(50, 4, generator=generator(0))
    labels = (inputs[:, 0] > 0).long()
    shares: dict[str, float] = {}
    for name, activation in (("sigmoid", Sigmoid()), ("relu", ReLU())):
        network = MLP((20,) * 10, activation)(signature, generator(0))
        found = loss_gradients(network, inputs, labels)
        assert found.first is not None
        shares[name] = found.first.entries.vanishing / found.first.entries.count
    assert shares["sigmoid"] > 0.9
    assert shares["relu"] < 0.3


def test_vanishing_is_relative_to_the_largest_entry_of_the_whole_network() -> None:
    network = plain_chain()
    inputs, labels = torch.randn(30, 4, generator=generator(3)), torch.arange(30) % 3
    slow = torch.cat(list(mean_gradients(network, inputs, labels).values())).abs()
    for threshold in (0.0, 1e-2, 0.5):
        found = loss_gradients(network, inputs, labels, threshold=threshold)
        vanishing = sum(layer.entries.vanishing for layer in found.layers)
        assert vanishing == int((slow <= threshold * slow.max()).sum())
    big, small = (
        loss_gradients(network, inputs, labels, objective=lambda z, y, c=c: c * margin(z, y))
        for c in (1.0, 2.0**-20)
    )
    assert [a.entries.vanishing for a in big.layers] == [
        b.entries.vanishing for b in small.layers
    ]


def test_small_gradients_do_not_underflow_to_zero() -> None:
    network = identity_chain(1e-5, 5)
    found = loss_gradients(network, torch.ones(3, 1), torch.zeros(3, dtype=torch.long))
    assert found.stages[0].zeros == 0
    assert found.stages[0].quantiles((0.5,))[0] == pytest.approx(1e-25, rel=1e-3)


def test_a_saturated_softmax_has_no_gradient() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        last = network.get_submodule("2")
        last.get_parameter("weight").zero_()
        last.get_parameter("bias").copy_(torch.tensor([1e4, -1e4]))
    found = loss_gradients(network, torch.randn(8, 2), torch.zeros(8, dtype=torch.long))
    assert found.largest == 0
    for layer in found.layers:
        assert layer.entries.zeros == layer.entries.vanishing == layer.entries.count
    assert all(stage.zeros == 8 for stage in found.stages)


def test_gradients_that_are_not_finite_are_counted() -> None:
    class Root(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (0 * x).sqrt()

    network = nn.Sequential(nn.Linear(2, 4), Root(), nn.Linear(4, 2))
    found = loss_gradients(network, torch.randn(6, 2), torch.zeros(6, dtype=torch.long))
    first, last = (layer.entries for layer in found.layers)
    assert (first.nonfinite, first.zeros, first.vanishing) == (12, 0, 0)
    assert math.isnan(first.norm)
    assert math.isnan(first.largest)
    assert last.nonfinite == 0
    assert found.largest == last.largest
    assert (found.stages[0].nonfinite, found.stages[0].zeros) == (6, 0)
    assert math.isnan(found.stages[0].quantiles()[0])


def test_an_infinite_gradient_does_not_make_all_others_vanish() -> None:
    class Cusp(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x - x.detach()).sqrt()

    network = nn.Sequential(nn.Linear(2, 4), Cusp(), nn.Linear(4, 2))
    found = loss_gradients(network, torch.ones(1, 2), torch.zeros(1, dtype=torch.long))
    first, last = (layer.entries for layer in found.layers)
    assert first.nonfinite == first.count
    assert found.largest == last.largest
    assert 0 < last.largest < 1


def test_tied_weights_and_in_place_changes_are_differentiated() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.last = nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2)
            self.two.weight = self.one.weight

        def forward(self, inputs: Tensor) -> Tensor:
            inputs.mul_(2.0)
            return self.last(self.two(self.one(inputs).relu_()).relu_())

    network, inputs = Tied(), torch.randn(7, 3)
    kept = inputs.clone()
    labels = torch.zeros(7, dtype=torch.long)
    found = loss_gradients(network, inputs, labels)
    assert torch.equal(inputs, kept)
    one, two, _ = found.layers
    slow = mean_gradients(network, kept.clone(), labels)
    assert one.weight is not None
    assert one.weight.norm == pytest.approx(float(slow["one.weight"].norm()), rel=1e-4)
    assert two.weight is None
    assert two.entries.count == 3


def test_a_stage_that_is_cut_off_says_so() -> None:
    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(3, 4), nn.Linear(4, 2)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.last((self.first(inputs) > 0).float())

    found = loss_gradients(Steps(), torch.randn(5, 3), torch.zeros(5, dtype=torch.long))
    cut = "cut off from what can be differentiated"
    assert [stage.absent for stage in found.stages] == ["", cut, ""]
    assert found.stages[1].nonfinite == found.stages[1].zeros == 0
    assert found.stages[0].zeros == 5
    assert found.layers[0].entries.zeros == found.layers[0].entries.count


def test_bad_input_is_refused() -> None:
    network, inputs, labels = plain_chain(), torch.randn(4, 4), torch.zeros(4, dtype=torch.long)
    with pytest.raises(DataError, match="expected examples"):
        loss_gradients(network, inputs[:0], labels[:0])
    with pytest.raises(ShapeError, match="4 inputs and 3 labels"):
        loss_gradients.__wrapped__(network, inputs, labels[:3])  # pyright: ignore[reportFunctionMemberAccess]
    with pytest.raises(SettingError, match="threshold"):
        loss_gradients(network, inputs, labels, threshold=1.0)

    class Detached(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            return inputs.detach()[:, :2]

    with pytest.raises(SubjectError, match="cut off"):
        loss_gradients(Detached(), inputs, labels)
