"""The shortest way to a hyperplane inside the domain, and perturbations made shorter."""

import pytest
import torch
from torch import Tensor

from gnomon.seeds import generator
from gnomon.sets import L1, L2, Box, Domain, Linf, MeasuredSet
from reference.projection import shortest_at_height

DOMAIN = (0.0, 1.0)
SETS: list[MeasuredSet] = [
    Linf(1.0, DOMAIN),
    L2(1.0, DOMAIN),
    L1(1.0, DOMAIN),
    Linf(1.0),
    L2(1.0),
    L1(1.0),
    Box(-1.0, 1.0, DOMAIN),
]


@pytest.fixture(params=SETS, ids=lambda item: f"{item} in {item.domain}")
def within(request: pytest.FixtureRequest) -> MeasuredSet:
    return request.param


def _examples(count: int = 12, features: int = 9) -> tuple[Tensor, Tensor]:
    """Points of [0, 1]⁹, some coordinates on the border, and normals with a zero in them."""
    inputs = torch.rand(count, features, generator=generator(0, "inputs"))
    inputs = (1.6 * inputs - 0.3).clamp(0, 1).double()
    direction = torch.randn(count, features, generator=generator(0, "normals")).double()
    direction[:, 4] = 0
    return inputs, direction


def _room(inputs: Tensor, within: MeasuredSet) -> tuple[Tensor, Tensor]:
    if within.domain is None:
        return torch.full_like(inputs, -100.0), torch.full_like(inputs, 100.0)
    return -inputs, 1 - inputs


def _most(inputs: Tensor, direction: Tensor, within: MeasuredSet) -> Tensor:
    """The largest height that the room allows."""
    lower, upper = _room(inputs, within)
    return (torch.where(direction > 0, upper, lower) * direction).sum(dim=1)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.97])
def test_no_shorter_one_reaches_the_height(within: MeasuredSet, share: float) -> None:
    inputs, direction = _examples()
    height = share * _most(inputs, direction, within) * (1 if within.domain else 0.05)
    found = within.shortest(inputs, direction, height)
    torch.testing.assert_close((found * direction).sum(dim=1), height)
    lower, upper = _room(inputs, within)
    assert bool(((found >= lower) & (found <= upper)).all())
    norm = "Linf" if within.norm == "Box" else within.norm
    tolerance = 1e-5 if norm == "L2" else 1e-8  # of the reference's own solution
    for index in range(len(inputs)):
        expected = shortest_at_height(
            norm,
            direction[index].numpy(),
            float(height[index]),
            lower[index].numpy(),
            upper[index].numpy(),
        )
        length = float(within.distance(found)[index])
        assert length == pytest.approx(expected, rel=tolerance, abs=1e-9)


def test_a_height_out_of_reach_is_approached_as_far_as_the_domain_allows() -> None:
    inputs, direction = _examples()
    for within in (Linf(1.0, DOMAIN), L2(1.0, DOMAIN), L1(1.0, DOMAIN)):
        most = _most(inputs, direction, within)
        found = within.shortest(inputs, direction, 2 * most + 1)
        torch.testing.assert_close((found * direction).sum(dim=1), most)
        assert bool((found[:, 4] == 0).all())


def test_nothing_has_to_move_to_a_height_below(within: MeasuredSet) -> None:
    inputs, direction = _examples()
    for height in (0.0, -1.0):
        found = within.shortest(inputs, direction, torch.full_like(inputs[:, 0], height))
        assert not bool(found.any())


def test_no_direction_leads_nowhere(within: MeasuredSet) -> None:
    inputs, direction = _examples()
    found = within.shortest(inputs, 0 * direction, torch.ones_like(inputs[:, 0]))
    assert not bool(found.any())


def test_a_factor_of_both_sides_changes_nothing(within: MeasuredSet) -> None:
    inputs, direction = (each.float() for each in _examples())
    height = 0.4 * _most(inputs, direction, within) * (1 if within.domain else 0.05)
    plain = within.shortest(inputs, direction, height)
    loud = within.shortest(inputs, 1000 * direction, 1000 * height)
    torch.testing.assert_close(plain, loud, rtol=1e-5, atol=1e-6)


def test_many_coordinates_and_images_take_the_same_way(within: MeasuredSet) -> None:
    """More than the few that are looked at first; the shape of an example does not count."""
    inputs = torch.rand(5, 3, 20, 20, generator=generator(1))
    direction = torch.randn(5, 3, 20, 20, generator=generator(2))
    height = 0.5 * _most(inputs.flatten(1), direction.flatten(1), within)
    height = height * (1 if within.domain else 0.05)
    found = within.shortest(inputs, direction, height)
    flat = within.shortest(inputs.flatten(1), direction.flatten(1), height)
    assert torch.equal(found.flatten(1), flat)
    torch.testing.assert_close((found * direction).flatten(1).sum(dim=1), height)


def test_a_box_is_reached_at_its_own_factor() -> None:
    """Sides of 0.1 and 0.4: the height 1 · δ₁ + 1 · δ₂ = 0.25 is reached at half the box."""
    box = Box(-0.4, torch.tensor([0.1, 0.4]))
    direction = torch.ones(1, 2)
    found = box.shortest(torch.zeros(1, 2), direction, torch.tensor([0.25]))
    torch.testing.assert_close(found, torch.tensor([[0.05, 0.2]]))
    assert float(box.distance(found)) == pytest.approx(0.5)


@pytest.mark.parametrize("domain", [None, DOMAIN])
def test_the_nearest_is_what_a_ball_of_that_radius_projects_to(domain: Domain) -> None:
    inputs = torch.rand(6, 2, 5, generator=generator(4)).double()
    perturbation = torch.randn(6, 2, 5, generator=generator(3)).double()
    sides = Box(-0.3, torch.tensor([[0.2], [0.7]]), domain)
    for within in (Linf(1.0, domain), L2(1.0, domain), L1(1.0, domain), sides):
        longest = float(within.distance(perturbation).max())
        lengths = torch.linspace(0, 1.1 * longest, 6).double()
        found = within.nearest(inputs, perturbation, lengths)
        for index, length in enumerate(lengths.tolist()):
            one = slice(index, index + 1)
            ball = within.with_radius(length).around(inputs[one])
            torch.testing.assert_close(found[one], ball.project(perturbation[one]))


def test_all_sets_of_inputs_can_be_measured() -> None:
    assert all(isinstance(each, MeasuredSet) for each in SETS)
