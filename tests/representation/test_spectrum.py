"""Spectra of matrices that are known by construction, by hand, by numpy, or by a theorem."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from torch import Tensor

from gnomon.representation.spectrum import Eigenvalues, Kind, spectrum

EPS = torch.finfo(torch.float64).eps


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def orthogonal(size: int, seed: int = 0) -> Tensor:
    return torch.linalg.qr(normal(size, size, seed=seed))[0]


def eigenvalues_of(matrix: Tensor) -> Eigenvalues:
    found = spectrum(matrix).eigenvalues
    assert found is not None
    return found


@pytest.mark.parametrize("size", [1, 2, 7, 60])
def test_a_rotation_has_every_modulus_1(size: int) -> None:
    found = spectrum(orthogonal(size))
    rounding = 50 * size * EPS
    assert found.singular_values is not None
    assert found.condition is not None
    assert found.eigenvalues is not None
    assert found.eigenvalues.condition is not None
    assert (found.singular_values - 1).abs().max() <= rounding
    assert found.spectral_norm == pytest.approx(1, abs=rounding)
    assert found.frobenius_norm == pytest.approx(math.sqrt(size), rel=rounding)
    assert found.stable_rank == pytest.approx(size, rel=rounding)
    assert found.condition == pytest.approx(1, abs=rounding)
    assert (found.eigenvalues.values.abs() - 1).abs().max() <= rounding
    assert found.eigenvalues.mean_modulus == pytest.approx(1, abs=rounding)
    assert found.eigenvalues.condition == pytest.approx(1, abs=rounding)
    assert 0 <= found.eigenvalues.spread <= rounding
    assert found.eigenvalues.outliers == 0


def test_a_quarter_turn_by_hand() -> None:
    found = eigenvalues_of(torch.tensor([[0.0, -3.0], [3.0, 0.0]]))
    assert found.nonreal == 2
    assert sorted(found.values.imag.tolist()) == pytest.approx([-3, 3])
    assert found.values.real.tolist() == pytest.approx([0, 0], abs=8 * EPS)


def test_two_by_two_by_hand() -> None:
    """λ² − 5λ + 4 = 0; WᵀW has trace 18 and determinant 16."""
    found = spectrum(torch.tensor([[2.0, 1.0], [2.0, 3.0]]))
    small, large = 9 - math.sqrt(65), 9 + math.sqrt(65)
    assert found.eigenvalues is not None
    assert found.singular_values is not None
    assert found.eigenvalues.values.real.tolist() == pytest.approx([4, 1])
    assert found.eigenvalues.nonreal == 0
    assert found.eigenvalues.mean_modulus == pytest.approx(2.5)
    assert found.eigenvalues.spread == pytest.approx(3)
    assert found.eigenvalues.condition == pytest.approx(4)
    assert found.eigenvalues.radius == pytest.approx(3)
    assert found.eigenvalues.threshold == pytest.approx(3 * (1 + 1.75 / math.sqrt(2)))
    assert found.frobenius_norm == pytest.approx(math.sqrt(18))
    assert found.singular_values.tolist() == pytest.approx([large**0.5, small**0.5])
    assert found.spectral_norm == pytest.approx(large**0.5)
    assert found.condition == pytest.approx((large / small) ** 0.5)
    assert found.stable_rank == pytest.approx(18 / large)
    assert (found.finite, found.shape, dict(found.absent)) == (True, (2, 2), {})


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (1, 6), (40, 41)])
def test_chosen_singular_values_are_found(shape: tuple[int, int]) -> None:
    count = min(shape)
    chosen = torch.logspace(1, -3, count, dtype=torch.float64)
    left, right = orthogonal(shape[0], 1)[:, :count], orthogonal(shape[1], 2)[:, :count]
    found = spectrum(left @ torch.diag(chosen) @ right.T)
    assert found.singular_values is not None
    assert torch.allclose(found.singular_values, chosen, rtol=0, atol=100 * max(shape) * EPS)
    assert found.condition == pytest.approx(float(chosen[0] / chosen[-1]), rel=1e-9)
    assert found.eigenvalues is None
    assert f"{shape[0]} × {shape[1]}" in found.absent["eigenvalues"]
    assert "singular values instead" in found.absent["eigenvalues"]
    assert "eigenvalue_condition" in found.absent


def test_chosen_real_eigenvalues_are_found_and_repeated_ones_stay_real() -> None:
    chosen = torch.tensor([-6.0] + [5.0] * 20 + [2.0] * 19 + [-0.5] * 20).double()
    basis = orthogonal(60)
    matrix = basis @ torch.diag(chosen) @ basis.T
    # Rounding makes the matrix unsymmetric, and LAPACK returns pairs with |Im λ| near 1e-17.
    assert (torch.linalg.eigvals(matrix).imag != 0).any()
    found = eigenvalues_of(matrix)
    assert found.nonreal == 0
    assert torch.allclose(found.values.real, chosen, rtol=0, atol=1e-12)
    assert found.spread == pytest.approx(5.5)
    assert found.condition == pytest.approx(12)


def test_eigenvalues_just_off_the_real_line_are_counted() -> None:
    turn = torch.tensor([[1.0, -1e-9], [1e-9, 1.0]], dtype=torch.float64)
    assert eigenvalues_of(turn).nonreal == 2


@given(rows=st.integers(1, 12), columns=st.integers(1, 12), seed=st.integers(0, 999))
def test_numpy_agrees(rows: int, columns: int, seed: int) -> None:
    matrix = normal(rows, columns, seed=seed)
    found, plain = spectrum(matrix), matrix.numpy()
    assert found.singular_values is not None
    assert np.allclose(found.singular_values, np.linalg.svd(plain, compute_uv=False))
    assert found.frobenius_norm == pytest.approx(np.linalg.norm(plain))
    assert found.spectral_norm == pytest.approx(np.linalg.norm(plain, 2))
    assert found.condition == pytest.approx(np.linalg.cond(plain), rel=1e-6)
    if rows == columns:
        reference = np.linalg.eigvals(plain)
        moduli = np.abs(reference)
        assert found.eigenvalues is not None
        assert np.allclose(np.sort(found.eigenvalues.values.abs().numpy()), np.sort(moduli))
        ordered = found.eigenvalues.values.abs().tolist()
        assert ordered == sorted(ordered, reverse=True)
        assert found.eigenvalues.nonreal == int((reference.imag != 0).sum())
        assert found.eigenvalues.mean_modulus == pytest.approx(moduli.mean())
        assert found.eigenvalues.spread == pytest.approx(np.ptp(moduli), abs=1e-12)


def test_a_zero_matrix_has_norms_but_no_ratios() -> None:
    found = spectrum(torch.zeros(3, 3))
    assert found.finite
    assert found.eigenvalues is not None
    assert (found.frobenius_norm, found.spectral_norm) == (0, 0)
    assert (found.stable_rank, found.condition) == (None, None)
    assert (
        found.absent["stable_rank"] == found.absent["condition"] == "all its weights are zero"
    )
    assert (found.eigenvalues.spread, found.eigenvalues.condition) == (0, None)
    assert (found.eigenvalues.nonreal, found.eigenvalues.outliers) == (0, 0)


def test_a_matrix_without_full_rank_has_no_condition() -> None:
    found = spectrum(normal(8, 3) @ normal(3, 8, seed=1))
    assert found.condition is None
    assert found.absent["condition"] == "infinite: 5 of 8 singular values are 0"
    assert found.eigenvalues is not None
    assert found.eigenvalues.condition is None
    assert found.absent["eigenvalue_condition"] == "infinite: an eigenvalue is 0"


def test_a_singular_matrix_has_no_condition_even_where_rounding_moves_its_eigenvalues() -> None:
    """A nilpotent block in another basis: its eigenvalue 0 is found near ε^(1/6)."""
    basis = orthogonal(6)
    found = eigenvalues_of(basis @ torch.diag(torch.ones(5).double(), 1) @ basis.T)
    assert float(found.values.abs().min()) > 1e-5
    assert found.condition is None


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_matrix_that_is_not_finite_says_so(wrong: float) -> None:
    matrix = torch.ones(4, 4)
    matrix[1, 2] = wrong
    found = spectrum(matrix)
    assert not found.finite
    for name in ("frobenius_norm", "spectral_norm", "stable_rank", "condition", "eigenvalues"):
        assert getattr(found, name) is None
        assert found.absent[name] == "1 of 16 weights are NaN or infinite"


def test_a_matrix_without_entries_says_so() -> None:
    found = spectrum(torch.zeros(0, 3))
    assert found.finite
    assert found.absent["frobenius_norm"] == "it has no entries"


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e200, 1e300])
def test_tiny_and_huge_weights_change_the_scale_alone(size: float) -> None:
    matrix = normal(5, 5)
    plain, scaled = spectrum(matrix), spectrum(size * matrix)
    assert plain.frobenius_norm is not None
    assert scaled.frobenius_norm == pytest.approx(size * plain.frobenius_norm)
    assert scaled.stable_rank == pytest.approx(plain.stable_rank)
    assert scaled.condition == pytest.approx(plain.condition)
    assert eigenvalues_of(size * matrix).nonreal == eigenvalues_of(matrix).nonreal


def test_a_norm_beyond_floating_point_is_not_finite() -> None:
    found = spectrum(torch.full((3, 3), 1e308, dtype=torch.float64))
    assert not found.finite
    assert "exceeds" in found.absent["frobenius_norm"]


@pytest.mark.parametrize("shape", [(30, 45), (45, 30), (40, 40)])
def test_large_matrices_keep_their_norms(shape: tuple[int, int]) -> None:
    matrix = normal(*shape)
    exact, cheap = spectrum(matrix), spectrum(matrix, exact=29)
    assert exact.singular_values is not None
    assert cheap.singular_values is not None
    assert torch.allclose(exact.singular_values, cheap.singular_values, rtol=0, atol=1e-6)
    assert cheap.spectral_norm == pytest.approx(exact.spectral_norm, rel=1e-13)
    assert cheap.stable_rank == pytest.approx(exact.stable_rank, rel=1e-13)
    assert cheap.eigenvalues is None
    wanted = "larger than 29" if shape == (40, 40) else "not square"
    assert wanted in cheap.absent["eigenvalues"]


def test_a_large_matrix_does_not_pretend_to_know_its_condition() -> None:
    left, right = orthogonal(30), orthogonal(30, 1)
    matrix = left @ torch.diag(torch.logspace(0, -12, 30, dtype=torch.float64)) @ right
    assert spectrum(matrix).condition == pytest.approx(1e12, rel=1e-2)
    cheap = spectrum(matrix, exact=29)
    assert cheap.condition is None
    assert cheap.absent["condition"].startswith("it exceeds 1e+07")


def test_kernels_have_no_eigenvalues_even_where_they_form_a_square() -> None:
    found = spectrum(normal(4, 4), Kind.CONVOLUTION)
    assert found.eigenvalues is None
    assert "different things" in found.absent["eigenvalues"]


@pytest.mark.parametrize(
    ("size", "draws"),
    [(2, 400), (3, 400), (5, 400), (10, 400), (20, 400), (60, 100), (200, 10)],
)
def test_random_matrices_hardly_ever_have_outliers(size: int, draws: int) -> None:
    matrices = normal(draws, size, size, seed=size)
    seen = sum(eigenvalues_of(matrix).outliers > 0 for matrix in matrices)
    # With a probability of 0.01 each, more than this has a probability below 1e-3.
    assert seen <= 0.01 * draws + 3.5 * (0.01 * draws) ** 0.5


def test_the_circular_law_fills_the_disc_evenly() -> None:
    """The share within radius t of the disc is t², here within 5 standard deviations.

    In an iid matrix the number fluctuates less than independent points would: √(n t² (1 − t²))
    is an upper bound of its standard deviation.
    """
    size = 200
    found = eigenvalues_of(0.3 * normal(size, size))
    assert found.radius == pytest.approx(0.3 * math.sqrt(size), rel=0.02)
    for part in (0.4, 0.7, 0.9):
        inside = int((found.values.abs() <= part * found.radius).sum())
        bound = 5 * (size * part**2 * (1 - part**2)) ** 0.5
        assert abs(inside - size * part**2) < bound


def test_a_strong_direction_is_an_outlier() -> None:
    """Low rank added to independent entries: one eigenvalue near the added one."""
    size = 100
    direction = torch.ones(size, 1).double() / 10
    found = eigenvalues_of(normal(size, size) + 30 * direction @ direction.T)
    assert found.outliers == 1
    assert abs(complex(found.values[0]) - 30) < 2
    assert abs(complex(found.values[1])) < found.threshold
