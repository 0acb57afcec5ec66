"""A closed form, layer by layer, of quadratic forms that bound how activations move."""

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from gnomon.algebra import Interval
from gnomon.bounds.lipschitz.bound import Factor, LipschitzBound, Norm, differences, known
from gnomon.bounds.lipschitz.expression import Node, Pointwise
from gnomon.bounds.lipschitz.norm_product import Constants, constants
from gnomon.bounds.lipschitz.segment import matrix_norm, segment
from gnomon.bounds.lipschitz.trace import Enclosure, trace
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class ECLipsEFast:
    """A bound in L2 that keeps, between layers, a quadratic form instead of a number.

    Two inputs of a chain z_i = φ(W_i z_{i−1} + b_i) differ by Δ_i behind layer i, and
    Δ_i = D W_i Δ_{i−1} with a diagonal D of slopes in [α, 1] (rows of W_i are first multiplied
    by the largest slope of their neuron). If M is a form with Δ_{i−1}ᵀ M Δ_{i−1} ≤ |Δ_0|², and
    M⁻¹ = P, then for every λ > 0 for which it is positive

        M' = λ 1 − λ² ((1 + α)/2)² S (1 + α λ S)⁻¹ with S = W_i P W_iᵀ

    is such a form for Δ_i: the constraint (Δ_i − α v)ᵀ (v − Δ_i) ≥ 0 for v = W_i Δ_{i−1},
    multiplied by λ, is added (S-procedure), and Δ_{i−1} is eliminated. An eigenvalue σ of S
    becomes λ (1 − r² λ σ) / (1 + α λ σ), r = (1 − α)/2, the least of them for the largest, s.
    It is largest for λ = 1/(r s), where it is 1/s, as in the product of norms, and

        P' has the eigenvalues s (r + α τ) / (1 − r τ), τ = σ/s.

    For ReLU, M' = 2/s − S/s². A linear function, α = 1, gives P' = S. In the end the constant
    is ‖W P Wᵀ‖^½; it is never larger than the product of norms.

    What comes before the last chain of layers narrow enough contributes its product of norms.
    The transposed chain W_1ᵀ D_1 … D Wᵀ has the same norm, but another bound: `both` takes the
    smaller one. In a region, neurons that cannot be active there drop out.

    Attributes:
        widest: the widest layer that a form is kept for.
        enclosure: of values in a region.
        direction: along the chain ("forward", as published), or along its transpose, too.

    References:
        xu2024, for slopes in [0, β]; fazlyab2019 (the constraint, with one multiplier for each
        neuron, as a semidefinite program).
    """

    norm: ClassVar[Norm] = "L2"
    widest: int = 1024
    enclosure: Enclosure = "relaxed"
    direction: Literal["forward", "both"] = "both"

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        region: Interval | None = None,
        labels: Labels | None = None,
    ) -> LipschitzBound:
        """Bounds for the whole space, or for each of several boxes; see `LipschitzMethod`.

        All margins are bounded, whatever the labels.

        Raises:
            UnsupportedOperationError: an operation whose slope is not known here.
        """
        del labels
        with torch.no_grad():
            whole = trace(network, inputs)
            near = whole if region is None else trace(network, inputs, region, self.enclosure)
            before = constants(whole, near, inputs, self.norm, self.widest)
            return _improved(before, self.widest, transposed=self.direction == "both")


@dataclass(frozen=True, eq=False)
class _Chain:
    """Matrices at the end of a network, and the functions between them.

    Attributes:
        start: what the first matrix is given.
        matrices: the first one first.
        functions: one between each two of them.
    """

    start: Node
    matrices: tuple[Tensor, ...] = ()
    functions: tuple[Node, ...] = ()

    @property
    def transposed(self) -> tuple[tuple[Tensor, ...], tuple[Node, ...]]:
        """The matrices and the functions backwards."""
        return tuple(matrix.mT for matrix in reversed(self.matrices)), self.functions[::-1]


def _improved(before: Constants, widest: int, *, transposed: bool) -> LipschitzBound:
    """The product of norms, with what the last chain's forms make better."""
    plain, chain = before.bound(), _last_chain(before, widest)
    if not chain.matrices:
        return plain
    first, last = before.of(chain.start), chain.matrices[-1]
    values, outputs, margins = list[Tensor](), list[Tensor](), list[Tensor]()
    for region in range(before.regions):
        moved = last @ _root(chain.matrices, chain.functions, before, region)
        value = matrix_norm(moved, "L2")
        if transposed:
            matrices, functions = chain.transposed
            other = matrices[-1] @ _root(matrices, functions, before, region)
            value = min(value, matrix_norm(other, "L2"))
        values.append(torch.tensor(value, dtype=torch.float64))
        outputs.append(torch.linalg.vector_norm(moved, dim=-1).cpu())
        margins.append(torch.linalg.vector_norm(differences(moved), dim=-1).cpu())
    forms = torch.stack(values)
    part = f"chain of {len(chain.matrices)} layers behind {chain.start.part}"
    found = known(forms * first).fmin(plain.values)
    # A logit moves at most as far as all of them do, and a difference of two √2 times as far.
    single = found[:, None].fmin(known(torch.stack(outputs) * first[:, None]))
    pairs = known(torch.stack(margins) * first[:, None, None])
    most = (found * 2**0.5)[:, None, None].expand_as(pairs)
    same = torch.eye(pairs.shape[1], dtype=torch.bool)
    return replace(
        plain,
        values=found,
        outputs=single.fmin(plain.outputs),
        margins=pairs.fmin(most).fmin(plain.margins).masked_fill(same, 0.0),
        factors=(*plain.factors, Factor(part, float(forms.max()), "forms")),
    )


def _last_chain(before: Constants, widest: int) -> _Chain:
    """The layers that are narrow enough and follow one another, up to the output."""
    chain = _Chain(before.output)
    node, functions = before.output, tuple[Node, ...]()
    while True:
        way = segment(node)
        if len(way.sources) != 1 or not way.is_small(widest):
            return chain
        (source,) = way.sources
        matrix = way.matrix(source, before.like)
        chain = _Chain(source, (matrix, *chain.matrices), functions)
        if not isinstance(source, Pointwise):
            return chain
        node, functions = source.parents[0], (source, *functions)


def _root(
    matrices: tuple[Tensor, ...], functions: tuple[Node, ...], before: Constants, region: int
) -> Tensor:
    """R with P = R Rᵀ in front of the last matrix; NaN where something is not finite."""
    root = torch.eye(matrices[0].shape[1], dtype=matrices[0].dtype, device=matrices[0].device)
    for index, (matrix, function) in enumerate(zip(matrices[:-1], functions, strict=True)):
        box = before.slopes[function]
        low, high = (end[region].flatten().double() for end in box.parts)
        steepest = low.abs().maximum(high.abs())
        moving = steepest > 0
        alpha = float(torch.where(moving, low / steepest, torch.ones_like(low)).min())
        scaled = steepest[:, None] * matrix
        moved = scaled if index == 0 else scaled @ root
        if not bool(moved.isfinite().all()):
            return torch.full((len(moved), len(moved)), torch.nan).to(moved)
        root = next_root(moved @ moved.mT, max(alpha, -1.0))
    return root


def next_root(moved: Tensor, alpha: float) -> Tensor:
    """R' with P' = R' R'ᵀ, from S and the least slope; the largest is 1."""
    sizes, vectors = torch.linalg.eigh(moved)
    largest = sizes[-1]
    if not bool(largest > 0):
        return torch.zeros_like(vectors)
    half = (1 - alpha) / 2
    share = (sizes / largest).clamp(0, 1)
    if half == 1:
        return vectors * largest.sqrt()
    return vectors * (largest * (half + alpha * share) / (1 - half * share)).sqrt()
