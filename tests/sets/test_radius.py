"""The laws of radii, against the facts that are known of them."""

import math

import pytest
import torch
from hypothesis import given, strategies as st

from gnomon.errors import SettingError
from gnomon.sets.radius import Constant, Relative, Tanh

LAWS = [Constant(0.01), Relative(0.01), Tanh(0.01), Tanh(0.01, 100.0, 3.0)]
WIDEST = 0.76327  # max tanh(u²) / u, which is reached at:
AT = 1.0434


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_a_law_is_its_formula(law: Constant | Relative | Tanh) -> None:
    parameter = torch.tensor([-2.0, -0.1, 0.0, 0.3, 1e3], dtype=torch.float64)
    formula = {
        "constant": lambda _: 0.01,
        "relative": lambda x: 0.01 * abs(x),
        "tanh": lambda x: 0.01 * math.tanh(law.slope * x * x) / (law.divisor or law.slope**0.5),  # pyright: ignore[reportAttributeAccessIssue]
    }[str(law).partition(":")[0]]
    expected = torch.tensor([formula(x) for x in parameter.tolist()], dtype=torch.float64)
    torch.testing.assert_close(law(parameter), expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_a_law_is_even_and_keeps_shape_and_precision(law: Constant | Relative | Tanh) -> None:
    for precision in (torch.float32, torch.float64):
        parameter = torch.linspace(-3, 3, 24, dtype=precision).reshape(2, 3, 4)
        radius = law(parameter)
        assert (radius.shape, radius.dtype) == (parameter.shape, precision)
        assert torch.equal(radius, law(-parameter))
        assert bool((radius >= 0).all())


@pytest.mark.parametrize("law", LAWS[1:], ids=str)
def test_a_law_can_be_differentiated(law: Constant | Relative | Tanh) -> None:
    parameter = torch.tensor([-1.0, -0.1, 0.2, 2.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(law, (parameter,))


def test_no_law_has_an_infinite_or_undefined_slope_at_zero_or_far_away() -> None:
    for law in LAWS[1:]:
        parameter = torch.tensor([0.0, 1e15], requires_grad=True)
        (slope,) = torch.autograd.grad(law(parameter).sum(), parameter)
        assert bool(slope.isfinite().all())
        assert float(slope[0]) == 0


@given(size=st.floats(0.0, 10.0), slope=st.floats(1e-3, 1e3), share=st.floats(1.0, 5.0))
def test_a_tanh_box_is_part_of_the_relative_one_if_the_divisor_is_large(
    size: float, slope: float, share: float
) -> None:
    law = Tanh(size, slope, share * 1.00001 * WIDEST * math.sqrt(slope))
    parameter = torch.linspace(-5, 5, 1001, dtype=torch.float64) / math.sqrt(slope)
    assert bool((law(parameter) <= Relative(size)(parameter) + 1e-15).all())


@pytest.mark.parametrize("slope", [1.0, 10.0, 100.0])
def test_a_tanh_box_leaves_the_relative_one_if_the_divisor_is_smaller(slope: float) -> None:
    law = Tanh(1.0, slope, 0.9999 * WIDEST * math.sqrt(slope))
    parameter = torch.tensor([AT / math.sqrt(slope)], dtype=torch.float64)
    assert bool((law(parameter) > Relative(1.0)(parameter)).all())


def test_a_tanh_radius_is_small_for_small_weights_and_saturates_for_large_ones() -> None:
    law = Tanh(0.01, 10.0, 4.0)
    small, large = law(torch.tensor([1e-3, 5.0], dtype=torch.float64)).tolist()
    assert small == pytest.approx(0.01 * 10 * 1e-6 / 4, rel=1e-9)
    assert large == pytest.approx(0.01 / 4, rel=1e-12)


def test_the_usual_divisor_makes_the_tanh_box_a_part_of_the_relative_one() -> None:
    assert torch.equal(Tanh(0.1, 10.0)(torch.ones(3)), Tanh(0.1, 10.0, 10**0.5)(torch.ones(3)))


@pytest.mark.parametrize("law", LAWS, ids=str)
def test_another_size_multiplies_the_radii(law: Constant | Relative | Tanh) -> None:
    parameter = torch.tensor([-1.0, 0.2, 3.0], dtype=torch.float64)
    torch.testing.assert_close(law.with_size(0.03)(parameter), 3 * law(parameter))
    assert law.with_size(0.01) == law


@pytest.mark.parametrize("size", [-0.01, math.nan, math.inf])
@pytest.mark.parametrize("kind", [Constant, Relative, Tanh])
def test_an_impossible_size_is_refused(
    kind: type[Constant] | type[Relative] | type[Tanh], size: float
) -> None:
    with pytest.raises(SettingError, match=f"{kind.__name__}: expected a finite size ≥ 0"):
        kind(size)


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_an_impossible_shape_of_a_tanh_law_is_refused(value: float) -> None:
    with pytest.raises(SettingError, match="expected a finite slope > 0"):
        Tanh(0.01, value)
    with pytest.raises(SettingError, match="expected a finite divisor > 0"):
        Tanh(0.01, 10.0, value)
