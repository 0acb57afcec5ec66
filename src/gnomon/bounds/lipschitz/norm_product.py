"""The product of the layers' norms."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gnomon.algebra import Interval
from gnomon.bounds.lipschitz.bound import Factor, LipschitzBound, Norm, differences, known
from gnomon.bounds.lipschitz.expression import (
    AffineMap,
    Greatest,
    Input,
    Node,
    Pointwise,
    depths,
)
from gnomon.bounds.lipschitz.segment import (
    Segment,
    dual_lengths,
    matrix_norm,
    segment,
    step_norms,
)
from gnomon.bounds.lipschitz.trace import Enclosure, trace
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class NormProduct:
    """L ≤ Π ‖W_i‖ Π sup |f_i'|, for sums of branches the sum of theirs.

    Everything affine between two activations is one map: a convolution on images of the size
    that occurs, its batch normalisation, a flattening. Its norm is

    - Linf, L1: the largest sum of sizes in a row, in a column, of the map's matrix;
    - L2: its largest singular value.

    Both are exact (up to rounding) where the smaller side of the matrix is at most `widest`.
    Beyond, norms of the single steps are multiplied; there the spectral norm of a convolution
    is bounded from above by its symbol (`symbol_bound`), never estimated from below.

    Attributes:
        norm: of inputs and of logits.
        widest: the largest matrix that is decomposed.
        enclosure: of values in a region.

    References:
        szegedy2014, section 4.3; gouk2021.
    """

    norm: Norm = "L2"
    widest: int = 1024
    enclosure: Enclosure = "interval"

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
            return constants(whole, near, inputs, self.norm, self.widest).bound()


@dataclass(eq=False)
class Constants:
    """Bounds of Lipschitz constants from the input to the nodes of an expression.

    Attributes:
        norm: of all values.
        widest: the largest matrix that is decomposed.
        like: of the kind of numbers that the network computes with.
        slopes: of each pointwise function, in each region.
        regions: how many there are.
        output: the last node.
        found: what is known so far, for each region.
        passing: the same of nodes in the middle of affine maps of several sources.
        factors: where it came from.
    """

    norm: Norm
    widest: int
    like: Tensor
    slopes: dict[Node, Interval]
    regions: int
    output: Node
    found: dict[Node, Tensor] = field(default_factory=dict)
    passing: dict[Node, Tensor] = field(default_factory=dict)
    factors: dict[Node, Factor] = field(default_factory=dict)

    def of(self, node: Node) -> Tensor:
        """The constant of one node, for each region."""
        if node not in self.found:
            self.found[node] = self._of(node)
        return self.found[node]

    def bound(self) -> LipschitzBound:
        """The constants of the logits together, of each, and of their differences."""
        last = segment(self.output)
        count = self.output.shape[1]
        outputs = torch.zeros(self.regions, count, dtype=torch.float64)
        margins = torch.zeros(self.regions, count, count, dtype=torch.float64)
        for source in last.sources:
            rows = last.matrix(source, self.like)
            before = self.of(source)
            outputs += dual_lengths(rows, self.norm).cpu() * before[:, None]
            pairs = dual_lengths(differences(rows), self.norm).cpu()
            margins += pairs * before[:, None, None]
        values = self.of(self.output)
        return LipschitzBound(
            self.norm,
            "exact arithmetic",
            known(values),
            known(outputs),
            known(margins),
            tuple(self.factors.values()),
        )

    def _of(self, node: Node) -> Tensor:
        if isinstance(node, Input):
            return torch.ones(self.regions, dtype=torch.float64)
        if isinstance(node, AffineMap):
            return self._of_segment(node)
        before = self.of(node.parents[0])
        factor, how = self._of_function(node)
        self._note(node, Factor(node.part, float(factor.max()), how))
        return factor * before

    def _of_function(self, node: Pointwise | Greatest) -> tuple[Tensor, str]:
        if isinstance(node, Pointwise):
            box = self.slopes[node]
            steepest = box.lower.abs().maximum(box.upper.abs()).flatten(1)
            return steepest.amax(1).double().cpu(), "slopes"
        power = {"Linf": 0.0, "L2": 0.5, "L1": 1.0}[self.norm]
        return torch.full((1,), node.repetitions**power, dtype=torch.float64), "windows"

    def _of_segment(self, node: AffineMap) -> Tensor:
        """Norms of whole matrices, or of steps; the smaller bound where there are both."""
        way = segment(node)
        if not way.is_small(self.widest):
            return self._of_step(node)
        whole = self._of_matrices(way)
        return whole if len(way.sources) == 1 else whole.fmin(self._of_step(node))

    def _through(self, node: Node) -> Tensor:
        """The constant of a node that affine maps follow; of several sources, by its steps."""
        if node in self.found or not isinstance(node, AffineMap):
            return self.of(node)
        if len(segment(node).sources) == 1:
            return self.of(node)
        if node not in self.passing:
            self.passing[node] = self._of_step(node)
        return self.passing[node]

    def _of_matrices(self, way: Segment) -> Tensor:
        total = torch.zeros(self.regions, dtype=torch.float64)
        sizes: list[float] = []
        for source in way.sources:
            sizes.append(matrix_norm(way.matrix(source, self.like), self.norm))
            total = total + sizes[-1] * self.of(source)
        how = "singular values" if self.norm == "L2" else "sums of sizes"
        self._note(way.end, Factor(way.part, sum(sizes), how))
        return total

    def _of_step(self, node: AffineMap) -> Tensor:
        sizes = step_norms(node, self.norm, self.like)
        terms = torch.stack(
            [
                size * self._through(parent)
                for size, parent in zip(sizes, node.parents, strict=True)
            ]
        )
        how = "symbol" if node.spectral is not None and self.norm == "L2" else "sums of sizes"
        self._note(node, Factor(node.part, max(sizes), how))
        if not node.joins:
            return terms.sum(0)
        order = {"L1": 1.0, "L2": 2.0, "Linf": torch.inf}[self.norm]
        return torch.linalg.vector_norm(terms, order, dim=0)

    def _note(self, node: Node, factor: Factor) -> None:
        self.factors[node] = factor


def constants(whole: Node, near: Node, inputs: Inputs, norm: Norm, widest: int) -> Constants:
    """The constants of an expression, with the slopes that another run found in regions."""
    pairs = zip(depths(whole), depths(near), strict=True)
    slopes: dict[Node, Interval] = {
        node: other.slopes
        for node, other in pairs
        if isinstance(node, Pointwise) and isinstance(other, Pointwise)
    }
    return Constants(norm, widest, inputs[:1], slopes, near.shape[0], whole)
