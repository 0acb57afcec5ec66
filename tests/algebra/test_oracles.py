"""What is known of interval bounds without a computer: one statement, one test."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import gnomon as gn
from gnomon.algebra import Exact, Interval, evaluate, exactly
from gnomon.algebra.interval.products import linear
from gnomon.bounds import evaluate_head, interval_margins
from gnomon.seeds import generator
from reference.interval_products import centre_and_radius, eight_products, exact_linear

Ends = tuple[Tensor, Tensor]
Form = Callable[[Ends, Ends], Ends]


def _five_products(x: Ends, w: Ends) -> Ends:
    found = linear(Interval(*x), Interval(*w))
    return found.lower, found.upper


def _four_products(x: Ends, w: Ends) -> Ends:
    found = linear(Interval(*x, nonnegative=True), Interval(*w))
    return found.lower, found.upper


def _written_out(x: Ends, w: Ends) -> Ends:
    found = linear(Interval(*x), Exact(*w))
    return found.lower, found.upper


FORMS: dict[str, Form] = {
    "exact": exact_linear,
    "written out": _written_out,
    "four": _four_products,
    "five": _five_products,
    "eight": eight_products,
    "centre and radius": centre_and_radius,
}
STRADDLING, RISING = ((-1, 2), (-3, 1)), ((1, 2), (-1, 3))
POSITIVE = ((1, 2), (1, 3))
TABLE = [
    (STRADDLING, "exact", (-6, 3)),
    (STRADDLING, "written out", (-6, 3)),
    (STRADDLING, "eight", (-7, 5)),
    (STRADDLING, "centre and radius", (-6, 5)),
    (STRADDLING, "five", (-6, 4)),
    (RISING, "exact", (-2, 6)),
    (RISING, "written out", (-2, 6)),
    (RISING, "four", (-2, 6)),
    (RISING, "eight", (-2, 6)),
    (RISING, "five", (-2, 6)),
    (RISING, "centre and radius", (-3, 6)),
    (POSITIVE, "exact", (1, 6)),
    (POSITIVE, "written out", (1, 6)),
    (POSITIVE, "four", (1, 6)),
    (POSITIVE, "five", (1, 6)),
    (POSITIVE, "centre and radius", (0, 6)),
]
WIDEST = {"five": 4 - 2 * 2**0.5, "centre and radius": 1.5, "eight": 2.0, "written out": 1.0}
"""How many times as wide as its range a form can make a product, at most."""


def _one(pair: tuple[int, int]) -> Ends:
    return torch.tensor([[float(pair[0])]]), torch.tensor([[float(pair[1])]])


@pytest.mark.parametrize(("factors", "form", "expected"), TABLE)
def test_products_of_two_numbers(
    factors: tuple[tuple[int, int], tuple[int, int]], form: str, expected: tuple[int, int]
) -> None:
    low, high = FORMS[form](_one(factors[0]), _one(factors[1]))
    assert (low.item(), high.item()) == pytest.approx(expected)


def _random(*shape: int, seed: int) -> Ends:
    source = generator(seed)
    centre = torch.randn(shape, generator=source, dtype=torch.float64)
    radius = torch.rand(shape, generator=source, dtype=torch.float64)
    return centre - radius, centre + radius


@pytest.mark.parametrize("form", WIDEST)
def test_each_form_encloses_and_keeps_its_factor(form: str) -> None:
    x, w = _random(20000, 1, seed=0), _random(1, 1, seed=1)
    grid = torch.linspace(-1, 1, 41, dtype=torch.float64)
    largest = 0.0
    for shift in grid:
        weight = (w[0] * 0 + shift - 0.6, w[0] * 0 + shift + 0.6)
        exact, found = exact_linear(x, weight), FORMS[form](x, weight)
        assert bool((found[0] <= exact[0] + 1e-12).all())
        assert bool((found[1] >= exact[1] - 1e-12).all())
        largest = max(largest, float(((found[1] - found[0]) / (exact[1] - exact[0])).max()))
    assert largest <= WIDEST[form] + 1e-9
    assert largest >= WIDEST[form] - 0.01  # it is reached


def test_forms_for_nonnegative_inputs_agree_with_the_range() -> None:
    x = tuple(end.abs() for end in _random(6, 9, seed=2))
    x = (x[0].minimum(x[1]), x[0].maximum(x[1]))
    w = _random(5, 9, seed=3)
    for form in ("four", "eight", "written out"):
        for found, exact in zip(FORMS[form](x, w), exact_linear(x, w), strict=True):
            assert torch.allclose(found, exact, atol=1e-12)


def _network() -> nn.Module:
    signature = gn.Signature((4,), 3, (0.0,) * 4, (1.0,) * 4)
    return gn.networks.MLP(hidden=(8, 6))(signature, generator(1)).double().eval()


X = torch.randn(5, 4, generator=generator(0)).double()


def test_radii_of_zero_give_the_output_of_the_point() -> None:
    network = _network()
    for region in (gn.ParameterBox(gn.radius.Relative(0.0)), gn.ParameterBall(0.0)):
        found = evaluate(network, Interval.around(X, 0.0), region.of(network))
        assert torch.allclose(found.lower, network(X), rtol=1e-12, atol=1e-12)
        assert torch.allclose(found.upper, network(X), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("law", [gn.radius.Constant, gn.radius.Relative, gn.radius.Tanh])
def test_inclusion_is_monotone_in_both_radii(
    law: Callable[[float], gn.radius.RadiusLaw],
    exact: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    network = _network()
    before: Interval | None = None
    for epsilon, size in itertools.pairwise((0.0, 0.001, 0.004, 0.004, 0.02, 0.05)):
        region = gn.ParameterBox(law(size)).of(network)
        found = evaluate(
            network, Interval.around(X, epsilon), exactly(region) if exact else region
        )
        if before is not None:
            assert bool((found.lower <= before.lower + 1e-12).all())
            assert bool((found.upper >= before.upper - 1e-12).all())
        before = found


def test_vertices_and_samples_of_both_boxes_are_inside() -> None:
    network, source = _network(), generator(4)
    region = gn.ParameterBox(gn.radius.Relative(0.1)).of(network).detach()
    narrow = evaluate(network, Interval.around(X, 0.1), exactly(region))
    wide = evaluate(network, Interval.around(X, 0.1), region)
    for draw in range(40):
        member = region.vertex(source) if draw % 2 else region.sample(source)
        part = 2 * torch.rand(X.shape, generator=source).double() - 1
        point = X + 0.1 * (part.sign() if draw % 2 else part)
        with torch.no_grad():
            outputs = torch.func.functional_call(network, member, (point,))
        assert narrow.contains(outputs, 1e-12)
        assert wide.contains(outputs, 1e-12)


def test_a_box_of_weights_is_a_box_of_preactivations() -> None:
    """Of one layer at one input: every corner of the output box is reached by some weights."""
    layer, x = nn.Linear(4, 3).double(), X[:1]
    region = gn.ParameterBox(gn.radius.Constant(0.2)).of(layer).detach()
    found = evaluate(layer, x, region)
    for signs in itertools.product((-1.0, 1.0), repeat=3):
        up = torch.tensor(signs).double()
        direction = {"weight": up[:, None] * x, "bias": up}
        outputs = torch.func.functional_call(layer, region.steepest(direction), (x,))
        corner = torch.where(up > 0, found.upper, found.lower)
        assert torch.allclose(outputs, corner, atol=1e-12)


def test_the_tanh_law_is_inside_the_relative_law_from_the_stated_scale_on() -> None:
    """As tanh(s θ²) ≤ 0.7633 √s |θ|, with equality at one θ."""
    weights = torch.linspace(-4, 4, 20001, dtype=torch.float64)
    relative = gn.radius.Relative(0.1)(weights)
    for s in (0.5, 1.0, 10.0):
        inside = gn.radius.Tanh(0.1, s, 0.7633 * s**0.5)(weights)
        outside = gn.radius.Tanh(0.1, s, 0.763 * s**0.5)(weights)
        assert bool((inside <= relative).all())
        assert bool((outside > relative).any())


def test_elided_margins_are_never_above_naive_ones() -> None:
    network = _network()
    labels = torch.tensor([0, 1, 2, 0, 1])
    region = gn.ParameterBox(gn.radius.Relative(0.02)).of(network)
    box = Interval.around(X, 0.05)
    elided = interval_margins(evaluate_head(network, box, region), labels)
    logits = evaluate(network, box, region)
    naive = logits.upper - logits.lower.gather(1, labels[:, None])
    other = torch.ones_like(naive, dtype=torch.bool).scatter(1, labels[:, None], value=False)
    assert bool((elided[other] <= naive[other] + 1e-12).all())
    assert bool((elided[other] < naive[other] - 1e-6).any())
