"""Interval products against their exact range, and against what is known of each form."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gnomon.algebra import Interval, evaluate
from gnomon.algebra.interval.products import linear
from reference.interval_products import exact_convolution, exact_linear

RATIO = 4 - 2 * 2**0.5
"""The most that the five-product form widens a product, 1.1716 (rump2012)."""

finite = st.floats(-8, 8, allow_nan=False, width=32)


def _interval(low: float, high: float, *, nonnegative: bool = False) -> Interval:
    ends = (torch.tensor([[value]], dtype=torch.float64) for value in sorted((low, high)))
    return Interval(*ends, nonnegative=nonnegative)


def _times(x: Interval, w: Interval) -> tuple[float, float]:
    found = linear(x, w)
    return float(found.lower), float(found.upper)


@pytest.mark.parametrize(
    ("x", "w", "expected"),
    [
        ((-1, 2), (-3, 1), (-6, 4)),  # both straddle 0: the exact range is [−6, 3]
        ((1, 2), (-1, 3), (-2, 6)),
        ((1, 2), (1, 3), (1, 6)),
        ((-2, -1), (1, 3), (-6, -1)),
        ((-2, 5), (2, 2), (-4, 10)),
        ((3, 3), (-1, 2), (-3, 6)),
    ],
)
def test_products_of_the_table(
    x: tuple[float, float], w: tuple[float, float], expected: tuple[float, float]
) -> None:
    assert _times(_interval(*x), _interval(*w)) == pytest.approx(expected)


def test_a_factor_known_to_be_nonnegative_makes_the_product_exact() -> None:
    x, w = _interval(0, 2, nonnegative=True), _interval(-3, 1)
    assert _times(x, w) == (-6, 2)
    assert _times(w, x) == (-6, 2)


@given(finite, finite, finite, finite)
def test_five_products_are_sound_and_nearly_tight(
    a: float, b: float, c: float, d: float
) -> None:
    x, w = _interval(a, b), _interval(c, d)
    corners = [p * q for p, q in itertools.product((a, b), (c, d))]
    low, high = _times(x, w)
    rounding = 1e-12 * (1 + max(map(abs, corners)))
    assert low <= min(corners) + rounding
    assert high >= max(corners) - rounding
    straddling = a * b < 0 and c * d < 0
    allowed = RATIO if straddling else 1
    assert high - low <= allowed * (max(corners) - min(corners)) + rounding


def _random(*shape: int, seed: int, positive: bool = False) -> Interval:
    source = torch.Generator().manual_seed(seed)
    centre = torch.randn(shape, generator=source, dtype=torch.float64)
    radius = torch.rand(shape, generator=source, dtype=torch.float64)
    if positive:
        return Interval(centre.abs(), centre.abs() + radius, nonnegative=True)
    return Interval(centre - radius, centre + radius)


@pytest.mark.parametrize("seed", range(3))
def test_matrices_behind_a_nonnegative_layer_are_exact(seed: int) -> None:
    x, w = _random(3, 7, seed=seed, positive=True), _random(5, 7, seed=seed + 10)
    low, high = exact_linear((x.lower, x.upper), (w.lower, w.upper))
    found = linear(x, w)
    assert torch.allclose(found.lower, low)
    assert torch.allclose(found.upper, high)


@pytest.mark.parametrize("seed", range(3))
def test_matrices_of_any_sign_are_sound_and_nearly_exact(seed: int) -> None:
    x, w = _random(3, 7, seed=seed), _random(5, 7, seed=seed + 10)
    low, high = exact_linear((x.lower, x.upper), (w.lower, w.upper))
    found = linear(x, w)
    assert bool((found.lower <= low + 1e-12).all())
    assert bool((found.upper >= high - 1e-12).all())
    assert bool((found.width <= RATIO * (high - low) + 1e-12).all())
    assert float((found.width / (high - low)).mean()) > 1.0001  # some do straddle


@pytest.mark.parametrize("positive", [True, False])
@pytest.mark.parametrize("conv", [{"stride": 2, "padding": 1}, {"dilation": 2}])
def test_convolutions_are_matrices_at_each_place(
    conv: dict[str, int],
    positive: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    x = _random(2, 3, 7, 6, seed=1, positive=positive)
    w, b = _random(4, 3, 3, 3, seed=2), _random(4, seed=3)
    layer = torch.nn.Conv2d(3, 4, 3, **conv).double()  # type: ignore[arg-type]
    found = evaluate(layer, x, {"weight": w, "bias": b})
    low, high = exact_convolution((x.lower, x.upper), (w.lower, w.upper), 3, **conv)
    low, high = low + b.lower[:, None], high + b.upper[:, None]
    lower, upper = found.lower.flatten(2), found.upper.flatten(2)
    assert bool((lower <= low + 1e-12).all())
    assert bool((upper >= high - 1e-12).all())
    assert bool((upper - lower <= (1 if positive else RATIO) * (high - low) + 1e-12).all())


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (torch.nn.Conv1d(4, 6, 3, stride=2, padding=1, groups=2), (2, 4, 9)),
        (torch.nn.Conv2d(4, 6, 3, dilation=2, groups=2), (2, 4, 7, 7)),
        (torch.nn.ConvTranspose1d(3, 5, 3, stride=2, output_padding=1), (2, 3, 6)),
        (torch.nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, groups=2), (2, 4, 5, 5)),
        (torch.nn.Linear(4, 3), (2, 6, 4)),
    ],
)
def test_one_tensor_and_one_interval_are_exact(
    layer: torch.nn.Module, shape: tuple[int, ...]
) -> None:
    """The least and the greatest value lie at the corners that the signs of the slope pick."""
    layer = layer.double()
    x = _random(*shape, seed=4)
    found = evaluate(layer, x)
    for coordinate in range(0, found.numel(), 7):
        point = x.lower.clone().requires_grad_()
        (slope,) = torch.autograd.grad(layer(point).flatten()[coordinate], point)
        with torch.no_grad():
            highest = layer(torch.where(slope > 0, x.upper, x.lower)).flatten()[coordinate]
            lowest = layer(torch.where(slope > 0, x.lower, x.upper)).flatten()[coordinate]
            assert found.upper.flatten()[coordinate].item() == pytest.approx(highest.item())
            assert found.lower.flatten()[coordinate].item() == pytest.approx(lowest.item())


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.floats(1e-6, 1))
def test_small_radii_lose_no_width_to_cancellation(seed: int, radius: float) -> None:
    """In float32 the width is that of float64, relative to itself, even for tiny boxes."""
    source = torch.Generator().manual_seed(seed)
    x, w = torch.randn(2, 9, generator=source), torch.randn(3, 9, generator=source)

    def width(x: Tensor, w: Tensor) -> Tensor:
        size = torch.full_like(x, radius)
        found = linear(
            Interval.computed(x - size, x + size),
            Interval.computed(w - radius * w.abs(), w + radius * w.abs()),
        )
        return found.width

    single, double = width(x, w).double(), width(x.double(), w.double())
    # Bounds near m are rounded to ε |m|, |m| ≤ Σ|x||w|: the width can be off by a few of those.
    slack = 16 * torch.finfo(torch.float32).eps * (x.abs() @ w.abs().T).double()
    assert bool((single >= double * (1 - 1e-5) - slack).all())
    assert bool((single <= double * (1 + 1e-5) + slack).all())


def test_no_tensor_of_size_batch_times_out_times_in_is_made() -> None:
    x, w = _random(64, 600, seed=0), _random(500, 600, seed=1)
    sizes: list[int] = []

    class Watch(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., Any],
            types: Any,  # noqa: ANN401 - torch's signature
            args: tuple[Any, ...] = (),
            kwargs: dict[str, Any] | None = None,
        ) -> Any:  # noqa: ANN401
            result = func(*args, **(kwargs or {}))
            if isinstance(result, Tensor):
                sizes.append(result.numel())
            return result

    with Watch():
        linear(x, w)
    assert 500 * 600 <= max(sizes) <= 4 * 500 * 600  # the ends of the weights side by side
