"""Which parameters are weight matrices, how they are distributed, and how far they moved."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from gnomon.errors import SettingError
from gnomon.representation.spectrum import Kind
from gnomon.representation.weights import (
    distribution,
    relative_distance,
    weight_matrices,
    weight_spectra,
)


class Raw(nn.Module):
    """Parameters of its own, without a single layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.diag(torch.tensor([3.0, 1.0])))
        self.scale = nn.Parameter(torch.ones(2))
        self.stack = nn.Parameter(torch.ones(2, 3, 5))
        self.frozen = nn.Parameter(torch.ones(2, 2, dtype=torch.long), requires_grad=False)


def test_raw_parameters_are_found_and_vectors_are_not() -> None:
    found = weight_spectra(Raw())
    assert list(found) == ["first", "stack"]
    assert found["first"].spectral_norm == pytest.approx(3)
    assert (found["stack"].shape, found["stack"].kind) == ((2, 15), Kind.TENSOR)
    assert found["stack"].spectral_norm == pytest.approx(math.sqrt(30))


@pytest.mark.parametrize(
    ("layer", "shape", "kind"),
    [
        (nn.Linear(4, 3), (3, 4), Kind.MATRIX),
        (nn.Embedding(7, 2), (7, 2), Kind.MATRIX),
        (nn.Conv2d(3, 5, 2), (5, 12), Kind.CONVOLUTION),
        (nn.Conv1d(6, 4, 3, groups=2), (4, 9), Kind.CONVOLUTION),
        (nn.Conv3d(1, 8, 2), (8, 8), Kind.CONVOLUTION),
        (nn.ConvTranspose2d(3, 5, 2), (3, 20), Kind.CONVOLUTION),
        (nn.Conv2d(4, 4, 1), (4, 4), Kind.MATRIX),
        (nn.Conv2d(4, 4, 1, groups=2), (4, 2), Kind.CONVOLUTION),
    ],
)
def test_every_kind_of_layer(layer: nn.Module, shape: tuple[int, int], kind: Kind) -> None:
    found = weight_spectra(nn.Sequential(nn.ReLU(), layer))["1.weight"]
    assert (found.shape, found.kind) == (shape, kind)
    assert (found.eigenvalues is not None) == (kind is Kind.MATRIX and shape[0] == shape[1])


def test_a_kernel_matrix_has_a_row_for_each_map() -> None:
    layer = nn.Conv2d(2, 3, 2)
    matrix = weight_matrices(layer)["weight"].matrix
    assert matrix[1].tolist() == layer.weight[1].flatten().tolist()


def test_a_convolution_says_that_its_norm_is_not_the_operators() -> None:
    """The kernel (1, 1) doubles a constant signal, and its matrix has the norm √2."""
    layer = nn.Conv1d(1, 1, 2, bias=False)
    nn.init.ones_(layer.weight)
    found = weight_spectra(layer)["weight"]
    assert layer(torch.ones(1, 1, 4)).flatten().tolist() == [2, 2, 2]
    assert found.spectral_norm == pytest.approx(math.sqrt(2))
    assert "not that of the operator" in found.kind.value


def test_shared_weights_count_once() -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    assert list(weight_matrices(nn.Sequential(first, second))) == ["0.weight"]


def test_a_computed_weight_stands_for_the_parameters_it_is_computed_from() -> None:
    layer = nn.Linear(4, 3)
    network = nn.Sequential(parametrizations.weight_norm(layer), nn.Linear(3, 2))
    before = {key: value.clone() for key, value in network.state_dict().items()}
    found = weight_matrices(network.train())
    assert list(found) == ["0.weight", "1.weight"]
    assert torch.equal(found["0.weight"].matrix, layer.weight)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_looking_at_a_spectral_normalisation_does_not_step_it() -> None:
    network = parametrizations.spectral_norm(nn.Linear(6, 6)).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    weight_spectra(network)
    assert network.training
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_a_network_without_matrices_has_no_spectra() -> None:
    assert weight_spectra(nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4))) == {}


def test_nan_weights_are_stated_for_their_matrix_alone() -> None:
    broken = nn.Linear(3, 3)
    broken.weight.data[0, 0] = torch.nan
    found = weight_spectra(nn.Sequential(broken, nn.Linear(3, 2)))
    assert [each.finite for each in found.values()] == [False, True]


def test_a_distribution_by_hand() -> None:
    matrix = torch.tensor([[-2.0, -1.0, 0.0], [0.0, 1.0, 5.0]])
    found = distribution(matrix, limit=2.0, bins=4)
    assert found.edges.tolist() == [-2, -1, 0, 1, 2]
    assert found.counts.tolist() == [1, 1, 2, 1]
    assert (found.outside, found.broken) == (1, 0)
    assert found.mean == pytest.approx(0.5)
    assert found.deviation == pytest.approx(math.sqrt(31 / 6 - 0.25))
    assert found.zeros == pytest.approx(1 / 3)
    assert distribution(matrix, limit=5.0, bins=1).counts.tolist() == [6]


def test_a_distribution_leaves_out_what_is_not_finite_and_counts_it() -> None:
    found = distribution(torch.tensor([[1.0, math.nan], [0.0, math.inf]]), limit=1.0, bins=2)
    assert (found.mean, found.deviation, found.zeros, found.broken) == (0.5, 0.5, 0.25, 2)
    assert found.counts.tolist() == [0, 2]
    nothing = distribution(torch.full((2, 2), torch.nan), limit=1.0)
    assert (nothing.mean, nothing.deviation, nothing.broken) == (None, None, 4)


@pytest.mark.parametrize(("limit", "bins"), [(0.0, 4), (-1.0, 4), (math.nan, 4), (1.0, 0)])
def test_a_distribution_without_bins_is_refused(limit: float, bins: int) -> None:
    with pytest.raises(SettingError, match="expected 0 < limit"):
        distribution(torch.ones(2, 2), limit, bins)


def test_a_relative_distance_by_hand() -> None:
    first = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    assert relative_distance(first, first) == 0
    assert relative_distance(first + torch.tensor([[0.0, 1.0], [0.0, 0.0]]), first) == 0.2
    assert relative_distance(-first, first) == 2


@pytest.mark.parametrize(
    ("matrix", "first"),
    [
        (torch.ones(2, 2), torch.zeros(2, 2)),
        (torch.full((2, 2), torch.nan), torch.ones(2, 2)),
        (torch.ones(2, 2), torch.full((2, 2), torch.inf)),
    ],
)
def test_a_distance_that_is_no_number_is_none(matrix: Tensor, first: Tensor) -> None:
    assert relative_distance(matrix, first) is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_network_on_the_device_has_the_same_spectra() -> None:
    network = nn.Sequential(nn.Linear(20, 20), nn.Linear(20, 3))
    here = weight_spectra(network)
    there = weight_spectra(network.cuda())
    for name, found in here.items():
        assert found.spectral_norm == there[name].spectral_norm
