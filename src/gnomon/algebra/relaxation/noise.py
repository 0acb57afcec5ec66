"""Bounds on what rounding, and executions of a network, can take in one step backwards."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gnomon.algebra.arithmetic import Arithmetic
from gnomon.algebra.interval import Ball, Interval, NormBall
from gnomon.algebra.relaxation.backward_steps import Leaf
from gnomon.algebra.relaxation.forms import Node
from gnomon.algebra.relaxation.inner_products import count_terms
from gnomon.algebra.relaxation.lines import Lines
from gnomon.algebra.relaxation.losses import Noise, most


def step_noise(
    sizes: Sequence[Tensor],
    arithmetic: Arithmetic,
    *,
    examples: int,
    constant: Tensor | None = None,
    least: Tensor | None = None,
) -> Noise:
    """The sum of noises, of what ⟨a, constant⟩ loses, and of what underflows.

    Args:
        sizes: each (1 or examples) × the axes of an example, or broadcasting to the first.
        arithmetic: in which forms are substituted.
        examples: along the first axis.
        constant: what the step adds, of these axes.
        least: the floor of the step's products.
    """
    up = arithmetic.up
    total = sizes[0]
    for size in sizes[1:]:
        total = up(total + size)
    if constant is not None:
        terms = count_terms(constant[None], total, examples)
        total = up(total + up(constant.abs() * (2 * arithmetic.gamma(terms))))
    underflow = total.shape[1:].numel() * arithmetic.tiny
    return Noise(total, up((total.new_zeros(1) if least is None else least) + underflow))


def leaf(box: Interval, restarts: frozenset[str] = frozenset()) -> Node:
    """The beginning of an expression: a box or a ball of examples.

    Args:
        box: of examples.
        restarts: names of the operations behind which the expression begins anew.
    """
    independent = not isinstance(box, NormBall)
    start, noise = leaf_noise(box) if box.arithmetic.outwards else (box, None)
    return Node(
        box,
        Leaf(start),
        box.shape[0],
        settled=True,
        independent=independent,
        noise=noise,
        restarts=restarts,
    )


def leaf_noise(box: Interval) -> tuple[Interval, Noise]:
    """A box as its centre c and noise that holds its radius; a ball as it is.

    Of a ball, max ⟨a, x − c⟩ is computed as a sum of products that are not negative, and is
    the least of such sums: it is wrong by 2 γ_n ⟨|a|, m⟩ at most, with m ≥ |x − c| in the box
    around the ball; where squares underflow, by r (n tiny)^½ on top.
    """
    arithmetic, examples = box.arithmetic, box.shape[0]
    if not isinstance(box, NormBall):
        centre = box.lower / 2 + box.upper / 2
        radius = arithmetic.up((box.upper - centre).maximum(centre - box.lower))
        noise = step_noise([radius], arithmetic, examples=examples, constant=centre)
        return Interval.computed(centre, centre, arithmetic=arithmetic), noise
    middle, radius = arithmetic.ball(*box.core.parts)
    reach = (box.upper - middle).abs().maximum((box.lower - middle).abs())
    terms = reach[0].numel() + 32 if examples else 0
    size = arithmetic.up(arithmetic.up(reach) * (2 * arithmetic.gamma(terms)))
    least = arithmetic.up(box.reach * (4 * terms * arithmetic.tiny**0.5))
    noise = step_noise([size], arithmetic, examples=examples, constant=box.middle, least=least)
    return box, noise


def product_noise(
    node: Node,
    multiply: Callable[[Tensor, Tensor], Tensor],
    weight: Tensor | Interval,
    terms: int,
    arithmetic: Arithmetic,
    seen: Tensor | None = None,
) -> Noise:
    """The noise of W h, with |W − centre| ≤ R and |h| ≤ m.

    With n terms in a sum, what rounding does to Wᵀa, and with it to Rᵀ|a|, to its product with
    a slope and to their difference, is at most γ_{n+4} (|centre| + R) m. The offset t ≤ 2 m of
    the line above |h| meets Rᵀ|a| in a sum of all coordinates, of which there are N: that is
    wrong by γ_{n+N+8} R 2 m at most. An execution misses W h by as much as `Level.extra` says
    of n + 1 terms of this size. Of a ball of weights, r ‖a_p ⊙ s_p‖₂ is a sum of squares over N
    coordinates, and wrong by 2 γ_{N+16} r s at most.

    Args:
        node: of h.
        multiply: W h, of h and W.
        weight: W, or what it varies in.
        terms: n, at least the number of products in any sum, there or back.
        arithmetic: in which forms are substituted; its level is that of the result.
        seen: s of a ball, as in `Multiplied`.
    """
    sizes, up = most(node.interval), arithmetic.up
    varies = isinstance(weight, Interval)
    width = sizes.shape[1:].numel()
    heaviest = most(weight) if varies else weight.abs()
    large = arithmetic.above(multiply(sizes, heaviest), terms)
    missed = arithmetic.level.extra(terms + 1, large)
    losses = [up(large * arithmetic.gamma(terms + 4)), missed]
    rounds = 3 * (terms + 4)
    if isinstance(weight, Ball):
        assert seen is not None
        rounds += large.shape[1:].numel()
        losses.append(up(up(weight.reach * seen) * (2 * arithmetic.gamma(rounds + 16))))
    elif varies:
        rounds += width
        spread = arithmetic.above(multiply(sizes, up(weight.radius)), terms)
        losses.append(up(spread * (2 * arithmetic.gamma(terms + width + 8))))
    least = floor(sizes, node.examples, rounds, arithmetic)
    if isinstance(weight, Ball):
        least = least + weight.reach * (4 * rounds * arithmetic.tiny**0.5)
    return step_noise(losses, arithmetic, examples=node.examples, least=least)


def shift_noise(
    node: Node, constant: Interval, box: Interval, terms: int | None
) -> tuple[Interval, Noise]:
    """The centre of what is added to a node, and the noise that holds its radius.

    Args:
        node: of h.
        constant: b, or what it varies in.
        box: of h + b; its level is that of the noise.
        terms: of the sum h, if executions add b to it anywhere; h's own noise holds the rest.
    """
    arithmetic = box.arithmetic
    several = constant.ndim == box.ndim and len(constant) > 1
    shape = box.shape if several else torch.Size((1, *box.shape[1:]))
    centre, radius = (each.expand(shape) for each in arithmetic.ball(*constant.parts))
    size = most(constant).expand(shape)
    if terms is None:
        missed = arithmetic.level.extra(2, arithmetic.up(most(node.interval) + size))
    else:
        missed = arithmetic.level.extra(terms + 1, size)
    sizes = [missed] if constant.lower is constant.upper else [missed, radius]
    noise = step_noise(sizes, arithmetic, examples=node.examples, constant=centre)
    return Interval.computed(centre, centre, arithmetic=arithmetic), noise


def sum_noise(nodes: Sequence[Node], arithmetic: Arithmetic) -> Noise:
    """The noise of a sum of one or two nodes of one shape, which executions round."""
    size = most(nodes[0].interval)
    for node in nodes[1:]:
        size = arithmetic.up(size + most(node.interval))
    missed = arithmetic.level.extra(1, size)
    return step_noise([missed], arithmetic, examples=nodes[0].examples)


def map_noise(
    node: Node,
    function: Callable[[Tensor], Tensor],
    terms: int,
    arithmetic: Arithmetic,
    *,
    executed: bool = False,
) -> Noise:
    """The noise of an affine function with weights ≥ 0, at most `terms` of them in a sum.

    Args:
        node: of what the function is applied to.
        function: of tensors.
        terms: in any sum, there or back.
        arithmetic: in which forms are substituted.
        executed: True if executions form these sums, too.
    """
    sizes = most(node.interval)
    images = arithmetic.above(function(sizes).abs(), terms + 1)
    losses = [arithmetic.up(images * arithmetic.gamma(terms + 4))]
    if executed:
        losses.append(arithmetic.level.extra(terms, images))
    return step_noise(
        losses,
        arithmetic,
        examples=node.examples,
        constant=function(torch.zeros_like(sizes)),
        least=floor(sizes, node.examples, terms + 4, arithmetic),
    )


def lines_noise(
    node: Node, lines: Lines, missed: Tensor | None, arithmetic: Arithmetic
) -> tuple[Lines, Noise]:
    """Lines that hold what rounding does to them, and a floor for products that underflow.

    Args:
        node: of what the function is applied to.
        lines: true for the numbers that they are.
        missed: by how much executions can miss the function, in either direction.
        arithmetic: in which forms are substituted.
    """
    sizes, up = most(node.interval), arithmetic.up
    below = torch.zeros_like(sizes) if lines.lower_offset is None else lines.lower_offset
    slopes = [lines.lower_slope, lines.upper_slope, *(lines.free or ())]
    steep = torch.stack([slope.abs().expand_as(sizes) for slope in slopes]).amax(0)
    # A coefficient is a sum of two products with slopes, or with their difference.
    loss = up(up(steep * sizes) * arithmetic.gamma(12))
    loss = loss if missed is None else up(loss + missed)
    terms = sizes.shape[1:].numel()
    largest = below.abs().maximum(lines.upper_offset.abs())
    loss = up(loss + up(up(largest + loss) * (3 * arithmetic.gamma(terms))))
    least = floor(sizes, node.examples, 12, arithmetic) + 2 * terms * arithmetic.tiny
    moved = replace(
        lines,
        lower_offset=arithmetic.down(below - loss),
        upper_offset=up(lines.upper_offset + loss),
    )
    return moved, Noise(None, up(least))


def floor(sizes: Tensor, examples: int, terms: int, arithmetic: Arithmetic) -> Tensor:
    """The most that products which underflow, `terms` for each coordinate, can add.

    Args:
        sizes: of the coordinates that the results are coefficients of.
        examples: the number of examples in it.
        terms: products in a sum.
        arithmetic: in which forms are substituted.
    """
    whole = sizes.reshape(examples, -1).sum(1) if len(sizes) > 1 else sizes.sum().reshape(1)
    return arithmetic.up((whole + 1) * (2 * terms * arithmetic.tiny))
