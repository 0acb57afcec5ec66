"""Balls of inputs: boxes that know that not all coordinates are at their ends together."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.algebra.arithmetic import Arithmetic
from gnomon.algebra.interval.ball import lengths
from gnomon.algebra.interval.interval import Interval
from gnomon.algebra.rounding import unit_roundoff

_ROUNDS = 4
"""Number of steps of the search for a multiplier; any number is sound, and more hardly help."""


class NormBall(Interval):
    """The members c + s δ of a box, where ‖δ‖ ≤ r in the L2 or the L1 norm of each example.

    As an interval it is the box, which is what a rule without special knowledge uses. Shifts,
    factors and new shapes keep the ball (factors per channel go to s); a matrix or convolution
    uses it: by Hölder's inequality ⟨a, s δ⟩ is at most r times the dual norm of s a.

    With rounding, c is an interval that holds what shifts and factors made of the centre, also
    by an execution, and s is above what they made of the factors: {s δ} grows with s.

    Args:
        box: bounds of every coordinate, such as the domain of the data; within c ± s r.
        core: c, of the box's shape; one point but for rounding.
        reach: r ≥ 0, one number for each example.
        norm: of δ.
        scale: s ≥ 0, as many axes as c; broadcasts to it.
        whole: True if the box is c ± s r, so that it takes nothing away from the ball.
    """

    norm: Literal["L1", "L2"]

    def __init__(
        self,
        box: Interval,
        core: Interval,
        reach: Float[Tensor, " batch"],
        norm: Literal["L1", "L2"],
        scale: Tensor,
        *,
        whole: bool,
    ) -> None:
        vars(self).update(vars(box))
        self.box, self.core, self.reach, self.norm = box, core, reach, norm
        self.scale, self.whole = scale, whole

    @property
    def middle(self) -> Tensor:
        """The centre, as a tensor."""
        return self.core.centre

    @property
    def least_room(self) -> Tensor:
        """The room up to which a coordinate is taken to be still: twice what rounding moves."""
        level = self.arithmetic.level
        return 64 * (unit_roundoff(self.precision) + level.relative(1)) * self.magnitude

    def at(self, arithmetic: Arithmetic) -> Interval:
        """The same ball, from which others are computed in another arithmetic."""
        if arithmetic == self.arithmetic:
            return self
        return self.moved(self.box.at(arithmetic), self.core.at(arithmetic), self.scale)

    def moved(self, box: Interval, core: Interval, scale: Tensor) -> "NormBall":
        """A ball of the same radii and norm."""
        return NormBall(box, core, self.reach, self.norm, scale, whole=self.whole)

    def along(self, rows: Tensor, part: slice = slice(None)) -> Tensor:
        """Upper bounds of ⟨a, x − c⟩ over the members x: rows × examples.

        For every split a = v + w it is at most r ‖v‖* + Σ_i max(w_i l_i, w_i u_i), with ‖·‖*
        the dual norm and l, u the room of the box (weak duality). The split is that of the
        maximum: for L2 ``v = clip(s a, l, u) / s``, for L1 ``|v_i| = min(|a_i|, τ)``.

        With rounding, v and w are numbers, whose sum misses s a by at most 4 u (|s a| + |v|)
        in each coordinate: that part of it is bounded by the box, too.

        Args:
            rows: a, as rows × (examples or 1) × the axes of one example.
            part: the examples.
        """
        arithmetic, n = self.arithmetic, self.lower[:1].numel()
        reach = self.reach[part]
        scale = self.scale.expand_as(self.lower)[part].flatten(1)
        along = rows.flatten(2) * scale
        if self.whole:
            return arithmetic.inflate(reach * self._dual(along))
        low, high = self._room(part, scale)
        split = _split_l2 if self.norm == "L2" else _split_l1
        with torch.no_grad():
            multiplier = split(along, low, high, reach)
        if self.norm == "L2":
            near = along.minimum(high / multiplier).maximum(low / multiplier)
        else:
            near = along.minimum(multiplier).maximum(-multiplier)
        cut = arithmetic.inflate(
            reach * self._dual(near) + _over_box(along - near, low, high), n
        )
        over = arithmetic.inflate(_over_box(along, low, high), n)
        if not arithmetic.outwards:
            return torch.fmin(cut, over)
        size = (along.abs() + near.abs()) * high.maximum(-low)
        missed = arithmetic.inflate(8 * unit_roundoff(self.precision) * size.sum(dim=-1), n)
        return arithmetic.inflate(torch.fmin(cut, over) + missed)

    def _room(self, part: slice, scale: Tensor) -> tuple[Tensor, Tensor]:
        """The least and greatest value that the box allows each coordinate of δ."""
        arithmetic = self.arithmetic
        inverse = 1 / scale.clamp_min(torch.finfo(scale.dtype).tiny)
        low = (self.lower - self.core.upper)[part].flatten(1).clamp_max(0) * inverse
        high = (self.upper - self.core.lower)[part].flatten(1).clamp_min(0) * inverse
        if not arithmetic.outwards:
            return low, high
        return -arithmetic.inflate(-low), arithmetic.inflate(high)

    def _dual(self, rows: Tensor) -> Tensor:
        """The dual norm over the last axis."""
        if self.norm == "L1":
            return self.arithmetic.inflate(rows.abs().amax(dim=-1))
        squares = self.arithmetic.inflate(rows.square().sum(dim=-1), rows.shape[-1])
        return self.arithmetic.inflate(lengths(squares))

    def __repr__(self) -> str:
        return f"NormBall(shape={tuple(self.shape)}, norm={self.norm}, reach={self.reach})"


def _over_box(rows: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return (rows.clamp_min(0) * high + rows.clamp_max(0) * low).sum(dim=-1)


def _split_l2(rows: Tensor, low: Tensor, high: Tensor, reach: Tensor) -> Tensor:
    """The s > 0 with ‖clip(s a, l, u)‖ = r, nearly: from below, by the clipped coordinates."""
    tiny = torch.finfo(rows.dtype).tiny
    multiplier = (reach / rows.norm(dim=-1).clamp_min(tiny)).clamp_min(tiny)
    for _ in range(_ROUNDS):
        scaled = rows * multiplier[..., None]
        member = scaled.minimum(high).maximum(low)
        clipped = scaled != member
        spent = (member.square() * clipped).sum(dim=-1)
        free = (rows.square() * ~clipped).sum(dim=-1)
        solved = ((reach.square() - spent).clamp_min(0) / free.clamp_min(tiny)).sqrt()
        multiplier = torch.where(free > 0, solved.maximum(multiplier), multiplier)
    return multiplier.clamp_max(torch.finfo(rows.dtype).max ** 0.25)[..., None]


def _split_l1(rows: Tensor, low: Tensor, high: Tensor, reach: Tensor) -> Tensor:
    """The τ ≥ 0 up to which coordinates are dear: those above it use up the radius."""
    room = torch.where(rows > 0, high, -low)
    useful = rows.abs() * (room > 0)
    ordered, order = useful.sort(dim=-1, descending=True)
    spent = room.gather(-1, order).cumsum(dim=-1)
    last = (spent < reach[..., None]).sum(dim=-1, keepdim=True)
    threshold = ordered.gather(-1, last.clamp_max(rows.shape[-1] - 1))
    return torch.where(last < rows.shape[-1], threshold, torch.zeros_like(threshold))
