"""Units of rounding, steps outward, levels, and kernels that are switched off."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

from gnomon.algebra import REAL, Deployed, Interval, Outward, evaluate
from gnomon.algebra.bilinear import LINEAR
from gnomon.algebra.interval import products
from gnomon.algebra.rounding import (
    down,
    gamma,
    outward,
    safe_kernels,
    unit_roundoff,
    up,
)
from gnomon.errors import SettingError

FLOATS = [torch.float32, torch.float64]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("terms", [1, 3, 1000, 2**22])
def test_gamma_is_rounded_up(terms: int, dtype: torch.dtype) -> None:
    small = terms * Fraction(unit_roundoff(dtype))
    exact = small / (1 - small)
    assert exact <= Fraction(gamma(terms, dtype)) <= exact * (1 + Fraction(1, 2**49))


def test_gamma_is_infinite_where_nothing_is_known() -> None:
    assert gamma(2**24, torch.float32) == torch.inf
    assert gamma(2**24 - 1, torch.float32) < torch.inf


def test_other_numbers_are_refused() -> None:
    for dtype in (torch.float16, torch.bfloat16, torch.int64):
        with pytest.raises(SettingError, match="float32 or float64"):
            unit_roundoff(dtype)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_steps_lead_to_the_neighbours(dtype: torch.dtype) -> None:
    x = torch.tensor([1.0, -1.0, 0.0, 1e30, -3e-39], dtype=dtype)
    low, high = outward(x, x)
    eps = torch.finfo(dtype).eps
    assert float(high[0]) == 1 + eps
    assert float(low[0]) == 1 - eps / 2
    assert bool((low < x).all() & (x < high).all())
    assert torch.equal(up(low), x)
    assert torch.equal(down(high), x)


def test_infinities_stay_and_gradients_pass() -> None:
    ends = torch.tensor([torch.inf, -torch.inf])
    assert torch.equal(up(ends), ends)
    assert torch.equal(down(ends), ends)
    x = torch.tensor([1.0, 0.0, torch.inf], requires_grad=True)
    slope = torch.autograd.grad((up(x)[:2] + 2 * down(x)[:2]).sum(), x)[0]
    assert slope.tolist() == [3, 3, 0]
    assert torch.equal(up(x), up(x.detach()))


def _state() -> list[object]:
    backends = torch.backends
    return [
        backends.cudnn.enabled,
        backends.mkldnn.enabled,
        backends.cuda.matmul.fp32_precision,
        backends.mkldnn.matmul.fp32_precision,  # type: ignore[attr-defined]
        backends.mkldnn.conv.fp32_precision,  # type: ignore[attr-defined]
    ]


def test_kernels_without_a_bound_are_off_and_put_back() -> None:
    before = _state()
    with safe_kernels():
        assert _state() == [False, False, "ieee", "ieee", "ieee"]
    assert _state() == before
    with pytest.raises(SettingError), safe_kernels():
        unit_roundoff(torch.int8)
    assert _state() == before


def test_products_run_with_these_kernels_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[object]] = []
    true_linear = nn.functional.linear

    def watched(x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
        seen.append(_state())
        return true_linear(x, w, b)

    monkeypatch.setattr(products, "LINEAR", replace(LINEAR, multiply=watched))
    evaluate(nn.Linear(2, 2), Interval.around(torch.ones(1, 2), 0.1, arithmetic=Outward()))
    assert seen
    assert all(state == [False, False, "ieee", "ieee", "ieee"] for state in seen)


def test_coarse_modes_are_refused() -> None:
    box = Interval.around(torch.ones(1, 2), 0.1, arithmetic=Outward())
    with torch.autocast("cpu"), pytest.raises(SettingError, match="autocast"):
        evaluate(nn.Linear(2, 2), box)
    with pytest.raises(SettingError, match="bfloat16"), safe_kernels(torch.ones(2).bfloat16()):
        pass
    torch.set_flush_denormal(True)
    try:
        with pytest.raises(SettingError, match="subnormal"):
            evaluate(nn.Linear(2, 2), box)
    finally:
        torch.set_flush_denormal(False)


def test_half_precision_cannot_be_kept() -> None:
    with pytest.raises(SettingError, match="float16"):
        Interval.point(torch.ones(2), arithmetic=Outward(dtype=torch.float16))


def test_levels_say_what_executions_miss() -> None:
    sizes = torch.tensor([0.0, 3.0, 3e38], dtype=torch.float64)
    assert REAL.extra(10, sizes).tolist() == [0, 0, 0]
    extra = Deployed(torch.float32).extra(10, sizes)
    exact = Fraction(gamma(10, torch.float32)) * 3
    assert Fraction(float(extra[1])) >= exact
    assert float(extra[1]) == pytest.approx(float(exact), rel=1e-6)
    assert 0 < float(extra[0]) < 1e-36
    assert float(extra[2]) == torch.inf
    with pytest.raises(SettingError, match="float32 or float64"):
        Deployed(torch.bfloat16)
