"""Intervals that hold every entry of the Jacobian, everywhere in a box."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.algebra import Interval
from gnomon.bounds.lipschitz.bound import LipschitzBound, Norm, known
from gnomon.bounds.lipschitz.expression import (
    AffineMap,
    Greatest,
    Input,
    Node,
    Pointwise,
    depths,
)
from gnomon.bounds.lipschitz.segment import dual_lengths
from gnomon.bounds.lipschitz.trace import Enclosure, trace
from gnomon.errors import SettingError
from gnomon.shapes import Inputs, Labels

Rows = Float[Tensor, " forms regions *shape"]
_MOST_NUMBERS = 2**25


@dataclass(frozen=True)
class IntervalJacobian:
    """Bounds in boxes, from intervals around the Jacobian's entries.

    From the logits backwards, rows a of the Jacobian in the node that is reached are intervals:

    - through an affine map, a W, with a ∈ c ± r: c W ± r |W|;
    - through a function of each coordinate, a f' with the range of its slopes over the
      coordinate's interval in the box (for ReLU 0, 1, or [0, 1]);
    - through a maximum, a where only one coordinate can be the largest, else 0 to a;
    - where branches part, the sum of what comes back.

    As two points of a box are joined by a line in it, f(x) − f(y) = J (x − y) for a mean J of
    Jacobians on the line (a matrix of mean slopes), which lies between the same bounds. The
    bound is, in L∞ the largest sum of sizes in a row, in L1 in a column, and in L2 the smaller
    of ‖ |C| + R ‖₂ and ‖C‖₂ + ‖R‖₂. Logits and differences of logits are followed separately.

    Attributes:
        norm: of inputs and of logits.
        enclosure: of values in the box.

    References:
        weng2018 (Fast-Lip, for ReLU); zhang2019recurjac.
    """

    kind: ClassVar[str] = "exact arithmetic"
    norm: Norm = "Linf"
    enclosure: Enclosure = "relaxed"

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        region: Interval | None = None,
        labels: Labels | None = None,
    ) -> LipschitzBound:
        """Bounds for each of several boxes; see `LipschitzMethod`.

        Raises:
            UnsupportedOperationError: an operation whose slope is not known here.
            SettingError: no boxes.
        """
        del inputs
        region = _boxes(region)
        with torch.no_grad():
            output = trace(network, region.lower, region, self.enclosure)
            jacobian = _rows(output, _logits(output, region.lower))
            margins = self._margins(output, region.lower, labels)
            outputs = dual_lengths(_sizes(jacobian).flatten(2), self.norm).T
        return LipschitzBound(
            self.norm,
            self.kind,
            known(self._norms(jacobian).double().cpu()),
            known(outputs.double().cpu()),
            margins,
        )

    def jacobian(self, network: nn.Module, region: Interval) -> Interval:
        """The intervals themselves: boxes × classes × the axes of an input."""
        region = _boxes(region)
        with torch.no_grad():
            output = trace(network, region.lower, region, self.enclosure)
            rows = _rows(output, _logits(output, region.lower))
        return rows.each(torch.movedim, 1, 0)

    def _norms(self, jacobian: Interval) -> Tensor:
        """Bounds of ‖J‖ for every J between the bounds, of each box."""
        sizes = _sizes(jacobian).flatten(2).movedim(1, 0)
        if self.norm != "L2":
            return sizes.sum(2 if self.norm == "Linf" else 1).amax(1)
        centre, radius = (
            part.flatten(2).movedim(1, 0) for part in (jacobian.centre, jacobian.radius)
        )
        return _spectral(sizes).fmin(_spectral(centre) + _spectral(radius))

    def _margins(self, output: Node, like: Tensor, labels: Labels | None) -> Tensor:
        """Bounds for differences of logits: boxes × classes × classes."""
        regions, classes = output.shape
        firsts, seconds = torch.triu_indices(classes, classes, 1, device=like.device)
        firsts, seconds = (each[:, None].expand(-1, regions) for each in (firsts, seconds))
        if labels is not None:
            seconds = torch.arange(classes, device=like.device)[:, None].expand(-1, regions)
            firsts = labels[None].expand(classes, -1)
        found = torch.full((regions, classes, classes), torch.inf, dtype=torch.float64)
        box = torch.arange(regions)
        together = max(1, _MOST_NUMBERS // max(1, regions * _breadth(output)))
        parts = zip(firsts.split(together), seconds.split(together), strict=True)
        for first, second in parts:
            rows = like.new_zeros(*first.shape, classes)
            rows.scatter_add_(2, first[..., None], torch.ones_like(rows[..., :1]))
            rows.scatter_add_(2, second[..., None], -torch.ones_like(rows[..., :1]))
            sizes = _sizes(_rows(output, rows)).flatten(2)
            lengths = known(dual_lengths(sizes, self.norm).double().cpu())
            found[box, first.cpu(), second.cpu()] = lengths
            found[box, second.cpu(), first.cpu()] = lengths
        diagonal = torch.eye(classes, dtype=torch.bool)
        return found.masked_fill(diagonal, 0.0)


def _logits(output: Node, like: Tensor) -> Rows:
    """The rows that pick each logit, in every box."""
    regions, classes = output.shape
    unit = torch.eye(classes, dtype=like.dtype, device=like.device)
    return unit[:, None].expand(-1, regions, -1)


def _rows(output: Node, rows: Rows) -> Interval:
    """Intervals around ⟨rows, output⟩'s derivative in the input; 0 where none leads there."""
    nodes = depths(output)
    start = next((node for node in nodes if isinstance(node, Input)), None)
    pending: dict[Node, Interval] = {output: Interval.point(rows)}
    for node in reversed(nodes):
        held = pending[node]
        if isinstance(node, Input):
            continue
        del pending[node]
        for parent, part in zip(node.parents, _pulled(node, held), strict=True):
            pending[parent] = _added(pending.get(parent), part)
    assert start is not None
    return pending[start]


def _pulled(node: Node, rows: Interval) -> list[Interval]:
    """The rows over a node's parents."""
    if isinstance(node, AffineMap):
        return _through_matrix(node, rows)
    if isinstance(node, Pointwise):
        return [_times(rows, node.slopes)]
    assert isinstance(node, Greatest)
    return [_through_windows(node, rows)]


def _through_matrix(node: AffineMap, rows: Interval) -> list[Interval]:
    """C W ± r |W|."""
    like = rows.lower
    middles = torch.func.vmap(node.back(like))(rows.centre)
    if rows.lower is rows.upper:
        return [Interval.point(middle) for middle in middles]
    spreads = torch.func.vmap(node.sizes_back(like))(rows.radius)
    return [
        Interval.computed(middle - spread, middle + spread)
        for middle, spread in zip(middles, spreads, strict=True)
    ]


def _times(rows: Interval, slopes: Interval) -> Interval:
    """The range of the products."""
    ends = [row * slope for row in rows.parts for slope in slopes.parts]
    stacked = torch.stack(ends)
    return Interval.computed(stacked.amin(0), stacked.amax(0))


def _through_windows(node: Greatest, rows: Interval) -> Interval:
    """Rows over the coordinates of each window that may be the largest: all, or 0 up to all."""
    back = torch.func.vmap(node.back(rows.lower))
    several = node.possible.sum(-1, keepdim=True) > 1
    shape = (len(rows.lower), *node.possible.shape[:-1], 1)
    low, high = (end.reshape(shape) for end in rows.parts)
    low = torch.where(several, low.clamp_max(0), low) * node.possible
    high = torch.where(several, high.clamp_min(0), high) * node.possible
    return Interval.computed(back(low)[0], back(high)[0])


def _added(held: Interval | None, more: Interval) -> Interval:
    if held is None:
        return more
    if held.lower is held.upper and more.lower is more.upper:
        return Interval.point(held.lower + more.lower)
    return Interval.computed(held.lower + more.lower, held.upper + more.upper)


def _sizes(rows: Interval) -> Tensor:
    return rows.lower.abs().maximum(rows.upper.abs())


def _spectral(matrices: Float[Tensor, " regions rows columns"]) -> Tensor:
    """The largest singular value of each; NaN where a matrix is not finite."""
    finite = matrices.isfinite().flatten(1).all(1)
    wide = matrices.shape[1] <= matrices.shape[2]
    safe = torch.where(finite[:, None, None], matrices, torch.zeros_like(matrices)).double()
    gram = safe @ safe.mT if wide else safe.mT @ safe
    largest = torch.linalg.eigvalsh(gram)[:, -1].clamp_min(0).sqrt()
    return torch.where(finite, largest, torch.full_like(largest, torch.nan))


def _breadth(output: Node) -> int:
    """The largest number of coordinates of a node, for one region."""
    regions = output.shape[0]
    return max(node.shape.numel() // max(regions, 1) for node in depths(output))


def _boxes(region: object) -> Interval:
    if not isinstance(region, Interval):
        raise SettingError(
            f"IntervalJacobian: expected boxes of inputs, got {type(region).__name__}. Give "
            "gn.enclose(inputs, within), and the labels after it."
        )
    return region
