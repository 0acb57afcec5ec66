"""Computes the spectrum of one matrix: singular values, norms, eigenvalues, their figures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import torch
from jaxtyping import Complex, Float
from torch import Tensor

EXACT = 1024
"""Longest side of a matrix, in rows or columns, up to which everything is computed exactly."""
_EPS = torch.finfo(torch.float64).eps
_MARGIN = 1.75


class Kind(Enum):
    """The role of a weight matrix, which decides what its spectrum means."""

    MATRIX = "matrix"
    CONVOLUTION = "convolution: kernels as a matrix, whose norm is not that of the operator"
    TENSOR = "tensor: its first axis against all others"


@dataclass(frozen=True, eq=False)
class Eigenvalues:
    """The eigenvalues λ of a square matrix W with n rows.

    Attributes:
        values: the eigenvalues, by falling modulus.
        mean_modulus: the mean of |λ|.
        spread: |λ|max − |λ|min.
        condition: |λ|max / |λ|min; None where an eigenvalue is 0 up to rounding.
        nonreal: number of eigenvalues with |Im λ| > n ε ‖W‖₂, with ε = 2⁻⁵². Rounding errors
            of the QR algorithm, equal to a change of W of that norm, can move a real eigenvalue
            of a normal matrix so far off the real line (golub2013, section 7.5). A multiple
            eigenvalue without as many eigenvectors can move further, and is then counted as
            nonreal.
        radius: ‖W‖_F/√n. Where the n² entries are independent, of mean 0 and one variance, the
            eigenvalues fill the disc of this radius as n grows: the circular law (tao2010).
        threshold: (1 + 1.75/√n) radius.
        outliers: number of eigenvalues with |λ| > threshold. The margin is calibrated by
            simulation: for n from 2 to 200 a matrix of independent Gaussian entries has an
            outlier in at most about 1 % of cases. A matrix with n ≤ 2 has none, because
            |λ| ≤ ‖W‖_F.

    References:
        tao2010, ginibre1965, golub2013; tao2013 (a matrix of low rank added to such a random
        one puts its eigenvalues outside the disc).
    """

    values: Complex[Tensor, " n"]
    mean_modulus: float
    spread: float
    condition: float | None
    nonreal: int
    radius: float
    threshold: float
    outliers: int


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The figures of one matrix W; a figure that does not exist is None, with its reason.

    Attributes:
        kind: the role of the matrix.
        shape: rows (outputs) and columns (inputs).
        finite: whether every entry and every norm is finite; otherwise all others are None.
        frobenius_norm: ‖W‖_F, the root of the sum of squares.
        spectral_norm: ‖W‖₂, the largest singular value.
        singular_values: the min(rows, columns) singular values, descending.
        stable_rank: ‖W‖_F² / ‖W‖₂², between 1 and the rank (rudelson2007).
        condition: σ_max / σ_min; None where σ_min is 0 up to rounding.
        eigenvalues: the eigenvalues, if the matrix is square.
        absent: the reason for each attribute that is None; "eigenvalue_condition" stands for
            the eigenvalues' condition.

    References:
        rudelson2007 (numerical rank, there), sedghi2019 (the operator of a convolution).
    """

    kind: Kind
    shape: tuple[int, int]
    finite: bool = True
    frobenius_norm: float | None = None
    spectral_norm: float | None = None
    singular_values: Float[Tensor, " values"] | None = None
    stable_rank: float | None = None
    condition: float | None = None
    eigenvalues: Eigenvalues | None = None
    absent: Mapping[str, str] = field(default_factory=dict)


def spectrum(
    matrix: Float[Tensor, " rows columns"], kind: Kind = Kind.MATRIX, exact: int = EXACT
) -> Spectrum:
    """The spectrum of a matrix, in float64 and on the CPU wherever the matrix lies.

    Up to `exact` rows or columns the singular values come from W itself: they are accurate to
    max(rows, columns) ε ‖W‖₂. Where both sides are longer they are the roots of the eigenvalues
    of W Wᵀ or Wᵀ W, several times cheaper: norms keep their accuracy, but σ below
    √(max(rows, columns) ε) ‖W‖₂ is lost, and the eigenvalues of W are left out.

    Args:
        matrix: rows × columns, never changed; entries may be NaN.
        kind: the role of the matrix; only a full matrix has eigenvalues, because a
            convolution's kernels map no space to itself.
        exact: longest side that is treated exactly.

    >>> square = spectrum(torch.tensor([[0.0, -2.0], [2.0, 0.0]]))
    >>> square.spectral_norm, square.condition, square.eigenvalues.nonreal
    (2.0, 1.0, 2)
    """
    rows, columns = matrix.shape
    values = matrix.detach().to("cpu", torch.float64)
    if not values.numel():
        return _nothing(kind, (rows, columns), "it has no entries", finite=True)
    broken = int((~values.isfinite()).sum())
    if broken:
        reason = f"{broken} of {values.numel()} weights are NaN or infinite"
        return _nothing(kind, (rows, columns), reason, finite=False)
    # A power of two, so that the squares of tiny and of huge weights stay in range and nothing
    # is rounded.
    scale = math.ldexp(1.0, math.frexp(float(values.abs().max()))[1] - 1)
    if not math.isfinite(scale * float((values / scale).norm())):
        reason = "its norm exceeds the largest floating-point number"
        return _nothing(kind, (rows, columns), reason, finite=False)
    return _spectrum(values / scale, scale, kind, exact)


def _nothing(kind: Kind, shape: tuple[int, int], reason: str, *, finite: bool) -> Spectrum:
    names = ("frobenius_norm", "spectral_norm", "singular_values", "stable_rank", "condition")
    names += ("eigenvalues", "eigenvalue_condition")
    return Spectrum(kind, shape, finite, absent=dict.fromkeys(names, reason))


def _spectrum(matrix: Tensor, scale: float, kind: Kind, exact: int) -> Spectrum:
    """The spectrum of scale · matrix; its entries are at most 2 in modulus before scaling."""
    absent: dict[str, str] = {}
    from_gram = min(matrix.shape) > exact
    singular = _from_gram(matrix) if from_gram else torch.linalg.svdvals(matrix)
    largest, smallest = float(singular[0]), float(singular[-1])
    precision = max(matrix.shape) * _EPS
    resolved = largest * (math.sqrt(precision) if from_gram else precision)
    frobenius = float(matrix.norm())
    if not largest:
        absent["stable_rank"] = absent["condition"] = "all its weights are zero"
    elif smallest <= resolved and from_gram:
        absent["condition"] = (
            f"it exceeds {largest / resolved:.0e}, the most that is resolved for this size"
        )
    elif smallest <= resolved:
        lost = int((singular <= resolved).sum())
        absent["condition"] = f"infinite: {lost} of {len(singular)} singular values are 0"
    eigenvalues = _eigenvalues(matrix, largest, scale, kind, exact, absent)
    return Spectrum(
        kind=kind,
        shape=(matrix.shape[0], matrix.shape[1]),
        frobenius_norm=scale * frobenius,
        spectral_norm=scale * largest,
        singular_values=scale * singular,
        stable_rank=None if "stable_rank" in absent else (frobenius / largest) ** 2,
        condition=None if "condition" in absent else largest / smallest,
        eigenvalues=eigenvalues,
        absent=absent,
    )


def _from_gram(matrix: Tensor) -> Tensor:
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.mT
    return torch.linalg.eigvalsh(wide @ wide.mT).clamp(min=0).sqrt().flip(0)


def _eigenvalues(
    matrix: Tensor, norm: float, scale: float, kind: Kind, exact: int, absent: dict[str, str]
) -> Eigenvalues | None:
    """The eigenvalues of scale · matrix; None with the reason put into `absent`."""
    rows, columns = matrix.shape
    reason = ""
    if kind is not Kind.MATRIX:
        reason = "its rows and columns stand for different things: singular values instead"
    elif rows != columns:
        reason = f"it is not square ({rows} × {columns}): singular values instead"
    elif rows > exact:
        reason = f"it is larger than {exact} × {exact}: singular values instead"
    if reason:
        absent["eigenvalues"] = absent["eigenvalue_condition"] = reason
        return None
    values = torch.linalg.eigvals(matrix)
    moduli, order = values.abs().sort(descending=True, stable=True)
    rounding = rows * _EPS * norm
    largest, smallest = float(moduli[0]), float(moduli[-1])
    # A singular matrix has the eigenvalue 0, even where rounding has moved it far from there.
    if "condition" in absent or smallest <= rounding:
        absent["eigenvalue_condition"] = "infinite: an eigenvalue is 0"
    radius = float(matrix.norm()) / math.sqrt(rows)
    threshold = (1 + _MARGIN / math.sqrt(rows)) * radius
    return Eigenvalues(
        values=scale * values[order],
        mean_modulus=scale * float(moduli.mean()),
        spread=scale * (largest - smallest),
        condition=None if "eigenvalue_condition" in absent else largest / smallest,
        nonreal=int((values.imag.abs() > rounding).sum()),
        radius=scale * radius,
        threshold=scale * threshold,
        outliers=int((moduli > threshold).sum()),
    )
