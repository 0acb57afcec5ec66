"""Rounded weights and activations against onnxruntime, and against whole numbers in Python."""

import copy
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from gnomon.attacks.parameters import (
    FixedPoint,
    GaussianFaults,
    Grid,
    ProgressiveBitFlips,
    Quantisation,
    RandomBitFlips,
    Scales,
    SingleFault,
    rounded_activations,
)
from gnomon.attacks.parameters.quantisation import fixed_points
from gnomon.attacks.parameters.rounded_activations import Activations, in_eight_bits
from gnomon.errors import SettingError, SubjectError
from gnomon.networks.weights import weights_of
from gnomon.seeds import generator
from reference.eight_bits import INPUTS, ONNXRUNTIME, WEIGHTS, codes_of, integer_layer

KINDS = list(ONNXRUNTIME)
LABELS = torch.tensor([0, 1])


def layer_of(weights: Tensor) -> nn.Linear:
    """A linear layer without bias."""
    layer = nn.Linear(weights.shape[1], weights.shape[0], bias=False)
    with torch.no_grad():
        layer.weight.copy_(weights)
    return layer.eval()


def joined(lists: Sequence[Sequence[Any]]) -> list[Any]:
    """All entries in one list."""
    return [each for part in lists for each in part]


def each_row(values: FixedPoint) -> list[float]:
    """Its scales in a list, one for each row or one for all."""
    return values.scale.flatten().tolist()


def zeros(values: FixedPoint) -> list[int]:
    """The codes of 0 in a list of the same form."""
    found = torch.as_tensor(values.zero).expand_as(values.scale)
    return [int(each) for each in found.flatten().tolist()]


@pytest.mark.parametrize(("scales", "grid"), KINDS)
def test_weights_of_eight_bits_are_those_of_onnxruntime(scales: Scales, grid: Grid) -> None:
    codes, steps, nought, outputs = ONNXRUNTIME[scales, grid]
    layer = layer_of(torch.tensor(WEIGHTS))
    fixed = fixed_points(layer, 8, scales, grid)["weight"]
    assert fixed.codes.tolist() == codes
    assert each_row(fixed) == steps
    assert zeros(fixed) == nought
    # The library adds whole numbers, and we add floats: 4 products of 7 digits.
    found = in_eight_bits(torch.tensor(INPUTS), shared=True) @ fixed.weights.T
    torch.testing.assert_close(found, torch.tensor(outputs), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize(("scales", "grid"), KINDS)
def test_the_reference_is_onnxruntime(scales: Scales, grid: Grid) -> None:
    codes, steps, nought, outputs = ONNXRUNTIME[scales, grid]
    rows = [[torch.tensor(each).item() for each in row] for row in WEIGHTS]
    parts = [joined(rows)] if scales == "tensor" else rows
    found = [codes_of(each, 8, symmetric=grid == "symmetric") for each in parts]
    assert joined([each[0] for each in found]) == joined(codes)
    assert [each[1] for each in found] == steps
    assert [each[2] for each in found] == nought
    every = 3 // len(steps)
    exact = integer_layer(INPUTS, codes, steps * every, nought * every)
    torch.testing.assert_close(torch.tensor(exact), torch.tensor(outputs), rtol=1e-6, atol=0)


@pytest.mark.parametrize("bits", [2, 3, 6, 8])
@pytest.mark.parametrize(("scales", "grid"), KINDS)
def test_any_bits_are_those_of_the_reference(scales: Scales, grid: Grid, bits: int) -> None:
    weights = (
        torch.randn(5, 30, generator=generator(bits)) * torch.tensor([[0.1, 1, 3, 0, 9]]).T
    )
    weights[1] = weights[1].abs()
    fixed = fixed_points(layer_of(weights), bits, scales, grid)["weight"]
    parts = (
        [weights.flatten()] if scales == "tensor" else [each for each in weights if each.any()]
    )
    kept = weights.any(dim=1) if scales == "channel" else torch.ones(5, dtype=torch.bool)
    found = [codes_of(each.tolist(), bits, symmetric=grid == "symmetric") for each in parts]
    assert joined([each[0] for each in found]) == fixed.codes[kept].flatten().tolist()
    steps = fixed.scale.flatten()[kept] if scales == "channel" else fixed.scale.flatten()
    assert [each[1] for each in found] == steps.tolist()
    assert not fixed.weights[~kept].any()


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.Linear(6, 4), (6,)),
        (lambda: nn.Conv2d(4, 6, 3, groups=2), (4, 5, 5)),
        (lambda: nn.ConvTranspose2d(4, 6, 3, groups=2), (4, 5, 5)),
        (lambda: nn.ConvTranspose1d(3, 4, 2), (3, 5)),
    ],
)
def test_a_channel_is_one_output(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    """An output scaled by a power of two has the same codes, and no other changes."""
    layer, inputs = make().eval(), torch.rand(1, *shape, generator=generator(0))
    weight = weights_of(layer)["weight"]
    before = FixedPoint.of(weight.value().detach(), 5, like=weight)
    for output in range(layer(inputs).shape[1]):
        one = layer(inputs)[:, output].sum()
        (slope,) = torch.autograd.grad(one, weight.value())
        factor = torch.where(slope != 0, 1024.0, 1.0)  # what this output alone is made of
        after = FixedPoint.of(weight.value().detach() * factor, 5, like=weight)
        assert torch.equal(after.codes, before.codes)
        ratio = (after.scale / before.scale).expand(factor.shape)
        assert torch.equal(ratio, factor)


@pytest.mark.parametrize(("scales", "grid"), KINDS)
def test_a_flip_changes_a_number_by_what_it_says(scales: Scales, grid: Grid) -> None:
    fixed = fixed_points(layer_of(torch.tensor(WEIGHTS)), 8, scales, grid)["weight"]
    for place, bit in itertools.product(range(12), range(8)):
        index, bits = torch.tensor([place]), torch.tensor([bit])
        moved = (fixed.flipped(index, bits).weights - fixed.weights).flatten()
        # A difference of two sums of at most 255 steps.
        step = float(fixed.scale.max())
        torch.testing.assert_close(
            moved[place], fixed.change(index, bits)[0], rtol=0, atol=1e-4 * step
        )
        assert int((moved != 0).sum()) == 1


def test_few_bits_want_a_scale_for_each_channel() -> None:
    """With outputs a hundred times apart in size one scale rounds the small ones to 0."""
    sizes = torch.tensor([[1.0], [0.01]])
    layer = layer_of(torch.randn(2, 40, generator=generator(0)) * sizes)
    one, each = (fixed_points(layer, 4, scales)["weight"] for scales in ("tensor", "channel"))
    assert not one.weights[1].any()
    own = layer.weight.detach()
    error = (each.weights - own).abs().amax(dim=1) / own.abs().amax(dim=1)
    assert bool((error <= 1 / 14 * 1.0001).all())  # half a scale of seven


def test_activations_are_rounded_before_every_weight() -> None:
    first, second = layer_of(torch.eye(3)), layer_of(torch.eye(3)[:2])
    network = nn.Sequential(first, nn.ReLU(), second, nn.Softmax(dim=1)).eval()
    x = torch.tensor([[0.3, -0.11, 2.0], [5.0, 1.0, 0.7]])
    for activations in ("example", "batch"):
        shared = activations == "batch"
        hidden = in_eight_bits(in_eight_bits(x, shared=shared).relu(), shared=shared)
        with rounded_activations(network, activations):
            found = network(x)
        assert torch.equal(found, hidden[:, :2].softmax(dim=1))
    with rounded_activations(network, "float"):
        assert torch.equal(network(x), network(x))
    assert torch.equal(network(x), x.relu()[:, :2].softmax(dim=1))


def test_eight_bits_are_the_nearest_of_256_numbers() -> None:
    x = torch.randn(4, 3, 5, generator=generator(0)).double()
    x[1] = x[1].abs()
    for shared in (True, False):
        found = in_eight_bits(x, shared=shared)
        for row, (own, rounded) in enumerate(zip(x, found, strict=True)):
            over = x if shared else x[row]
            least, most = float(over.min().clamp_max(0)), float(over.max().clamp_min(0))
            step = (most - least) / 255
            assert float((own - rounded).abs().max()) <= step * (0.5 + 0.5) + 1e-12
            steps = rounded / step
            torch.testing.assert_close(steps, steps.round(), rtol=0, atol=1e-9)
        assert not in_eight_bits(torch.zeros(2, 3), shared=shared).any()


@pytest.mark.parametrize("activations", ["example", "batch"])
def test_only_a_shared_scale_makes_an_answer_depend_on_its_companions(
    activations: Activations,
) -> None:
    small, large = torch.rand(1, 6, generator=generator(0)), torch.full((1, 6), 1e4)
    shared = activations == "batch"
    alone = in_eight_bits(small, shared=shared)
    beside = in_eight_bits(torch.cat([small, large]), shared=shared)[:1]
    assert torch.equal(alone, beside) is not shared
    assert bool(beside.any()) is not shared  # one large number leaves nothing of the others


def test_accuracy_counts_rounded_activations() -> None:
    """Classes that differ in less than a step of what the layer receives become equal."""
    layer = layer_of(torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    x = torch.tensor([[0.4, 0.4001, 1.0], [0.2, 0.9, 1.0]])
    y = torch.tensor([1, 1])
    assert Quantisation(8)(layer, [(x, y)], generator(0)).accuracy == 1
    found = Quantisation(8, activations="example")(layer, [(x, y)], generator(0))
    assert found.accuracy == 0.5  # equal logits count for the first class
    assert found.attack == "8-bit weights, 8-bit activations with a scale for each example"


@pytest.mark.parametrize("broken", [torch.inf, -torch.inf, torch.nan])
@pytest.mark.parametrize(
    "fault",
    [
        Quantisation(8),
        Quantisation(6, "channel", "asymmetric"),
        RandomBitFlips(1),
        ProgressiveBitFlips(1),
        GaussianFaults(0.1),
        SingleFault(3),
    ],
)
def test_weights_that_are_not_finite_are_refused_by_name(
    fault: Quantisation | RandomBitFlips | ProgressiveBitFlips | GaussianFaults | SingleFault,
    broken: float,
) -> None:
    class Apart(nn.Module):
        """A network whose answers for positive inputs do not tell that a weight is broken."""

        def __init__(self) -> None:
            super().__init__()
            self.good, self.bad = layer_of(torch.eye(2)), layer_of(torch.eye(2))
            with torch.no_grad():
                self.bad.weight[0, 1] = broken

        def forward(self, x: Tensor) -> Tensor:
            return torch.where(x.sum(dim=1, keepdim=True) > 0, self.good(x), self.bad(x))

    batches = [(torch.rand(4, 2, generator=generator(0)), torch.tensor([0, 1, 0, 1]))]
    with pytest.raises(SubjectError, match=r"bad\.weight: expected finite numbers, got 1"):
        fault(Apart().eval(), batches, generator(0))


@pytest.mark.parametrize(
    ("name", "word"), [("scales", "row"), ("grid", "even"), ("activations", "int8")]
)
def test_words_that_are_no_settings_are_refused(name: str, word: str) -> None:
    """The types say so, too, where they are checked, as they are here and seldom elsewhere."""
    attack = Quantisation(8)
    object.__setattr__(attack, name, word)
    with pytest.raises(SettingError, match=f"expected {name} to be one of"):
        attack.__post_init__()


def normalised() -> tuple[nn.Module, nn.Module]:
    """A network whose weights are computed from lengths and directions; the same one plain."""
    plain = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.LayerNorm([6]), nn.Linear(6, 2))
    computed = copy.deepcopy(plain)
    for place in (0, 3):
        parametrizations.weight_norm(computed[place])
    with torch.no_grad():
        for place in (0, 3):
            weight = weights_of(computed)[f"{place}.weight"].value()
            plain.get_parameter(f"{place}.weight").copy_(weight)
    return computed.eval(), plain.eval()


@pytest.mark.parametrize(
    "fault",
    [
        Quantisation(3),
        Quantisation(3, "channel", activations="example"),
        RandomBitFlips(20),
        ProgressiveBitFlips(2),
        GaussianFaults(0.3),
        SingleFault(5),
    ],
)
def test_a_computed_weight_is_stored_and_breaks_as_what_it_is(
    fault: Quantisation | RandomBitFlips | ProgressiveBitFlips | GaussianFaults | SingleFault,
) -> None:
    """As in the network that has the same weights as parameters."""
    computed, plain = normalised()
    order = list(dict(plain.named_parameters()))
    batches = [(torch.randn(40, 2, generator=generator(0)), torch.arange(40) % 2)]
    one = fault(computed, batches, generator(1))
    other = fault(plain, batches, generator(1))
    if not isinstance(fault, GaussianFaults):  # whose draws come in the order of the tensors
        assert set(one.parameters) == set(other.parameters) <= set(order)
        for name, tensor in one.parameters.items():
            torch.testing.assert_close(tensor, other.parameters[name])
        assert one.accuracy == other.accuracy
    assert not any("parametrizations" in name for name in one.parameters)
