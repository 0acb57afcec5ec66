"""Jacobians of layers and networks against theorems and finite differences."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ReLU, Tanh
from gnomon.errors import SubjectError
from gnomon.networks import MLP, Signature
from gnomon.representation import is_singular, layer_jacobians, network_singular_values
from gnomon.seeds import generator

X = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


def _linear(matrix: Tensor) -> nn.Linear:
    layer = nn.Linear(matrix.shape[1], matrix.shape[0]).to(matrix.dtype)
    with torch.no_grad():
        layer.weight.copy_(matrix)
    return layer


def _rotation(dimension: int) -> Tensor:
    noise = torch.randn(dimension, dimension, generator=torch.Generator().manual_seed(1))
    return torch.linalg.qr(noise.double()).Q


def test_a_rotation_keeps_volume_and_has_condition_one() -> None:
    network = nn.Sequential(_linear(_rotation(3)), _linear(torch.eye(2, 3).double()))
    first, second = layer_jacobians(network, X.double())
    assert (first.layer, first.source, first.target) == ("0", "input", "hidden1")
    assert first.log_det is not None
    assert first.singular_values is not None
    assert float(first.log_det.abs().max()) < 1e-12
    condition = first.singular_values[:, 0] / first.singular_values[:, -1]
    assert float((condition - 1).abs().max()) < 1e-12
    assert second.shape == (2, 3)
    assert second.log_det is None


def test_a_layer_is_its_matrix_and_the_slopes_behind_it() -> None:
    weights = torch.randn(3, 3, generator=torch.Generator().manual_seed(2)).double()
    layer = _linear(weights)
    network = nn.Sequential(layer, Tanh(), _linear(torch.eye(2, 3).double()))
    first, _ = layer_jacobians(network, X.double())
    slopes = 1 - torch.tanh(layer(X.double())) ** 2
    expected = float(torch.linalg.slogdet(weights).logabsdet) + slopes.log().sum(dim=1)
    assert first.log_det is not None
    assert torch.allclose(first.log_det, expected.detach())


def test_a_dead_unit_makes_the_jacobian_singular_there_and_only_there() -> None:
    layer = _linear(torch.eye(3).double())
    with torch.no_grad():
        layer.bias.zero_()
    network = nn.Sequential(layer, ReLU(), _linear(torch.eye(2, 3).double()))
    x = torch.tensor([[1.0, 2.0, 3.0], [1.0, -2.0, 3.0]]).double()
    first, _ = layer_jacobians(network, x)
    assert first.log_det is not None
    assert first.log_det.tolist() == [0.0, -math.inf]


def test_singular_is_relative_to_the_size_and_the_precision() -> None:
    values = torch.tensor([[1e8, 1.0], [1e8, 1e3], [1.0, 1e-9]], dtype=torch.float64)
    assert is_singular(values, (2, 2)).tolist() == [True, False, True]
    assert is_singular(values, (2, 2), torch.float64).tolist() == [False, False, False]


def test_the_networks_jacobian_is_that_of_finite_differences() -> None:
    network = MLP(hidden=(8, 8), activation=Tanh())(
        Signature((3,), 4, (0.0,) * 3, (2.0,) * 3), generator(0)
    ).double()
    found = network_singular_values(network, X.double())
    step = 1e-6
    for x, values in zip(X.double(), found, strict=True):
        with torch.no_grad():
            columns = [
                (network((x + shift)[None]) - network((x - shift)[None]))[0] / (2 * step)
                for shift in step * torch.eye(3).double()
            ]
        expected = torch.linalg.svdvals(torch.stack(columns, dim=1))
        # The error of a central difference is of order step² and rounding / step.
        assert torch.allclose(values, expected, rtol=1e-6, atol=1e-8)


class Residual(nn.Module):
    """x + relu(W x), then logits."""

    def __init__(self, inner: nn.Linear, last: nn.Linear) -> None:
        super().__init__()
        self.inner, self.last = inner, last

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x + functional.relu(self.inner(x)))


def test_a_residual_connection_is_part_of_the_layer() -> None:
    inner, last = _linear(-torch.eye(3).double()), _linear(torch.eye(2, 3).double())
    with torch.no_grad():
        inner.bias.zero_()
    first, _ = layer_jacobians(Residual(inner, last), torch.tensor([[-1.0, -1, 2]]).double())
    assert first.singular_values is not None
    # 1 − 1 where the unit is active, 1 where it is not.
    assert first.singular_values[0].tolist() == [1.0, 0.0, 0.0]


def test_batches_change_nothing_and_wide_layers_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = nn.Sequential(nn.Linear(3, 40), ReLU(), nn.Linear(40, 5), ReLU(), nn.Linear(5, 5))
    wide, wide_too, narrow = layer_jacobians(network, X, widest=8)
    assert (wide.singular_values, wide_too.log_det) == (None, None)
    whole = network_singular_values(network, X)
    assert narrow.log_det is not None
    monkeypatch.setattr("gnomon.representation.jacobians._MOST_NUMBERS", 64)
    again = layer_jacobians(network, X, widest=8)[-1].log_det
    assert again is not None
    assert torch.allclose(narrow.log_det, again)
    assert torch.allclose(whole, network_singular_values(network, X), rtol=1e-5)


def test_a_constant_network_has_jacobian_zero() -> None:
    class Constant(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 0 * x[:, :2]

    assert network_singular_values(Constant(), X).tolist() == [[0.0, 0.0]] * 6
    (only,) = layer_jacobians(Constant(), X)
    assert only.singular_values is not None
    assert not only.singular_values.any()


class Cut(nn.Module):
    """No derivative leads through it."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :2].detach()


def test_no_derivative_is_not_the_derivative_zero() -> None:
    with pytest.raises(SubjectError, match="differentiated"):
        network_singular_values(Cut(), X)
    (only,) = layer_jacobians(Cut(), X)
    assert only.singular_values is None
    assert only.log_det is None
    assert "derivative" in only.absent


def test_rows_that_are_positions_have_no_jacobian() -> None:
    for layer in layer_jacobians(Folding(), X):
        assert layer.singular_values is None
        assert "not examples" in layer.absent


class Folding(nn.Module):
    """A layer that is applied to rows that are positions, then another one."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(1, 2), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.other(self.one(x.reshape(-1, 1)))
        return rows.reshape(len(x), -1, 2).mean(dim=1)


def test_gradients_and_flags_are_left_alone_inside_no_grad() -> None:
    network = nn.Sequential(nn.Linear(3, 3), ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        layer_jacobians(network, X)
        network_singular_values(network, X)
    assert all(p.grad is None and p.requires_grad for p in network.parameters())
    assert not X.requires_grad
    assert network.training
