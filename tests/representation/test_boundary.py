"""The decision boundary of networks whose boundary is known."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from scipy.integrate import quad
from scipy.special import ellipe
from torch import Tensor, nn

from gnomon.errors import SettingError, ShapeError
from gnomon.representation.boundary import DecisionBoundary, decision_boundary
from gnomon.representation.plane import Plane, Window

WINDOW = (-2.03, 2.11, -1.97, 2.2)
CELL = 4.17 / 239
TURN = 2 * math.pi


class Zero(nn.Module):
    """The logits (0, f(x)): the boundary is where f is zero."""

    def __init__(self, score: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.score = score

    def forward(self, inputs: Tensor) -> Tensor:
        score = self.score(inputs)
        return torch.stack([torch.zeros_like(score), score], dim=1)


class Logits(nn.Module):
    """Logits that are a function of the inputs."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, inputs: Tensor) -> Tensor:
        return self.function(inputs)


def plane(window: Window = WINDOW) -> Plane:
    axes = torch.eye(2, dtype=torch.float64)
    return Plane(torch.zeros_like(axes[0]), axes, window)


def boundary(network: nn.Module, window: Window = WINDOW, size: int = 240) -> DecisionBoundary:
    return decision_boundary(network, plane(window), resolution=size)


def moved(points: Tensor, angle: float, shift: tuple[float, float]) -> Tensor:
    """The points as a frame that is turned and shifted sees them."""
    cosine, sine = math.cos(angle), math.sin(angle)
    frame = torch.tensor([[cosine, -sine], [sine, cosine]], dtype=points.dtype)
    return (points - torch.tensor(shift, dtype=points.dtype)) @ frame


def ring(radius: float, middle: tuple[float, float] = (0.0, 0.0)) -> Callable[[Tensor], Tensor]:
    return lambda x: (x - torch.tensor(middle, dtype=x.dtype)).norm(dim=1) - radius


def ellipse(x: Tensor) -> Tensor:
    return (x / torch.tensor([1.5, 0.6], dtype=x.dtype)).square().sum(dim=1) - 1


def bent_ring(x: Tensor) -> Tensor:
    """A circle at which the lead changes its slope: interpolation goes astray on every edge."""
    score = ring(1.3)(x)
    return torch.where(score > 0, 20 * score, score)


@dataclass(frozen=True)
class Shape:
    score: Callable[[Tensor], Tensor]
    length: float
    turning: float
    components: int
    regions: int
    smooth: bool = True


SHAPES = {
    "circle": Shape(ring(1.2), 1.2 * TURN, TURN, 1, 2),
    "bent circle": Shape(bent_ring, 1.3 * TURN, TURN, 1, 2),
    "two circles": Shape(
        lambda x: torch.minimum(ring(0.5, (-0.7, 0.1))(x), ring(0.6, (0.8, 0.0))(x)),
        1.1 * TURN,
        2 * TURN,
        2,
        3,
    ),
    "annulus": Shape(lambda x: ring(1.2)(x) * ring(0.7)(x), 1.9 * TURN, 2 * TURN, 2, 3),
    "ellipse": Shape(ellipse, 6 * float(ellipe(1 - 0.16)), TURN, 1, 2),
    "square": Shape(lambda x: x.abs().amax(dim=1) - 1, 8.0, TURN, 1, 2, smooth=False),
}
PLACES = [(0.0, (0.0, 0.0)), (0.3, (0.11, -0.07)), (math.pi / 4, (0.003, 0.1))]


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(("angle", "shift"), PLACES)
def test_a_known_shape_has_its_length_turning_and_parts(
    name: str, angle: float, shift: tuple[float, float]
) -> None:
    shape = SHAPES[name]
    found = boundary(Zero(lambda x: shape.score(moved(x, angle, shift))))
    # A chord of length c ≤ √2 h misses c³κ²/24 of its arc (curvature ≤ 1.5/0.36 here), and a
    # corner that is cut off at most 2h − √2 h.
    missed = 8 * CELL * 0.6 if not shape.smooth else shape.length * (CELL * 4.2) ** 2 / 12
    assert 0 <= shape.length - found.length <= missed
    assert found.turning == pytest.approx(shape.turning, abs=1e-5)
    assert (found.components, found.regions) == (shape.components, shape.regions)
    assert found.mean_curvature == pytest.approx(found.turning / found.length)
    assert found.density == pytest.approx(found.length / (4.14 * 4.17))


@pytest.mark.parametrize("angle", [0.0, 0.01, 0.3, math.pi / 4, 1.5])
def test_a_straight_line_does_not_turn(angle: float) -> None:
    found = boundary(Zero(lambda x: moved(x, angle, (0.1, 0.2))[:, 0]))
    assert found.turning < 1e-5
    slope = abs(math.tan(angle))
    if slope < 0.5:
        assert found.length == pytest.approx(4.17 * math.hypot(1, slope), rel=1e-9)
    assert (found.components, found.regions) == (1, 2)


def test_vertices_that_nearly_coincide_add_no_turning() -> None:
    # The line passes ten thousandths of a cell beside the points of the grid: vertices come in
    # pairs that are so near that rounding decides the direction between them.
    found = decision_boundary(
        Zero(lambda x: torch.sinh(3 * (0.7 * x[:, 0] - 0.7 * x[:, 1] + 3e-6))),
        plane((-1.0, 1.0, -1.0, 1.0)),
        resolution=65,
        precision=torch.float32,
    )
    assert found.precision == "float32"
    assert found.length == pytest.approx(2 * math.sqrt(2), rel=1e-4)
    # Taking each vertex at its word gives 3e-4.
    assert found.turning < 1e-5


def test_a_loop_much_smaller_than_a_cell_turns_once_around() -> None:
    speck = ring(0.05 / 16, (0.25, 0.5))
    found = boundary(Zero(speck), (-1.0, 1.0, -1.0, 1.0), 33)
    assert (found.components, found.regions) == (1, 2)
    assert found.turning == pytest.approx(TURN)


def test_every_vertex_lies_on_an_edge_of_the_grid_and_on_the_boundary() -> None:
    found = boundary(Zero(bent_ring), size=37)
    for lines in found.polylines:
        assert len(lines) == 1
        for line in lines:
            assert torch.equal(line[0], line[-1])
            assert float(ring(1.3)(line).abs().max()) < 1e-8
            steps = torch.tensor([4.14, 4.17], dtype=torch.float64) / 36
            cells = (line - torch.tensor([-2.03, -1.97], dtype=torch.float64)) / steps
            assert float((cells - cells.round()).abs().amin(dim=1).max()) < 1e-9


def test_the_length_converges_with_the_square_of_the_cell() -> None:
    missed = [
        1.2 * TURN - boundary(Zero(ring(1.2)), size=size).length for size in (60, 119, 237)
    ]
    assert missed[0] / missed[1] == pytest.approx(4, rel=0.1)
    assert missed[1] / missed[2] == pytest.approx(4, rel=0.1)


def test_a_sine_wave_has_the_length_and_curvature_of_its_integrals() -> None:
    found = boundary(Zero(lambda x: x[:, 1] - torch.sin(3 * x[:, 0])))
    low, high = WINDOW[:2]
    length = quad(lambda x: math.hypot(1, 3 * math.cos(3 * x)), low, high, limit=200)[0]
    # κ ds = d arctan(y'): the slope 3 cos 3x runs up and down between its extremes.
    ends = [low, *(k * math.pi / 3 for k in range(-1, 3)), high]
    slopes = [math.atan(3 * math.cos(3 * x)) for x in ends]
    turning = sum(abs(b - a) for a, b in itertools.pairwise(slopes))
    assert found.length == pytest.approx(length, rel=1e-3)
    # Only the angles at the window's ends and at the inflections are partly missed.
    assert found.turning == pytest.approx(turning, abs=0.02 * turning)


def test_a_cross_is_one_part_between_four_regions() -> None:
    found = boundary(Zero(lambda x: x.prod(dim=1)))
    assert (found.components, found.regions) == (1, 4)
    assert found.length == pytest.approx(4.14 + 4.17, abs=CELL)
    # Four right angles, each seen by both classes: half the sum over the classes.
    assert found.turning == pytest.approx(math.pi, abs=1e-6)


def test_three_half_planes_meet_in_a_point_and_count_once() -> None:
    angles = torch.tensor([0.1, 0.1 + TURN / 3, 0.1 + 2 * TURN / 3], dtype=torch.float64)
    directions = torch.stack([angles.cos(), angles.sin()])
    found = boundary(Logits(lambda x: x @ directions), (-1.0, 1.01, -1.0, 1.02))
    # The rays at 60° between the directions, from 0 to the window's edge.
    rays = [0.1 + TURN / 6 + k * TURN / 3 for k in range(3)]
    ends = [
        min(
            (1.01 if math.cos(t) > 0 else 1.0) / abs(math.cos(t)),
            (1.02 if math.sin(t) > 0 else 1.0) / abs(math.sin(t)),
        )
        for t in rays
    ]
    assert found.length == pytest.approx(sum(ends), abs=2 * 2.02 / 239)
    assert found.turning == pytest.approx(math.pi / 2, abs=1e-6)
    assert (found.components, found.regions) == (1, 3)
    assert sum(found.shares) == pytest.approx(1)


def test_a_boundary_through_the_points_of_the_grid_is_found() -> None:
    window = (-1.0, 1.0, -1.0, 1.0)
    line = boundary(Zero(lambda x: x[:, 0]), window, 33)
    assert line.lead[:, 16].tolist() == [0.0] * 33
    across = boundary(Zero(lambda x: x[:, 1]), window, 33)
    assert (across.components, across.length) == (1, pytest.approx(2))
    assert (line.length, line.turning) == (pytest.approx(2), 0)
    assert (line.components, line.regions, line.unanswered) == (1, 2, 0)
    cross = boundary(Zero(lambda x: x.prod(dim=1)), window, 33)
    assert (cross.components, cross.regions, cross.unanswered) == (1, 4, 0)
    # Corners at the crossing may be cut by a cell each.
    assert cross.length == pytest.approx(4, abs=4 / 16)


def test_one_class_everywhere_has_no_boundary() -> None:
    found = boundary(Zero(lambda x: 1 + 0 * x[:, 0]))
    assert (found.length, found.turning, found.density) == (0, 0, 0)
    assert (found.components, found.regions, found.mean_curvature) == (0, 1, None)
    assert sum(found.shares) == 1
    with pytest.raises(ShapeError, match="returns the columns 0 and z"):
        boundary(Logits(lambda x: x[:, :1]))


def test_where_the_largest_logit_is_shared_there_is_no_answer() -> None:
    found = boundary(Zero(lambda x: 0 * x[:, 0]))
    assert (found.unanswered, found.regions, found.components) == (1, 0, 0)
    assert (found.density, found.area, found.length) == (None, 0, 0)
    half = boundary(Zero(lambda x: (x[:, 0] - 0.5).clamp(min=0)))
    assert half.unanswered == pytest.approx((0.5 + 2.03) / 4.14, abs=0.01)
    assert (half.length, half.regions, half.components) == (0, 1, 0)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite_are_left_out(bad: float) -> None:
    found = boundary(Zero(lambda x: torch.where(x[:, 0] > 0, bad, ring(1.2)(x))))
    assert found.unanswered == pytest.approx(2.11 / 4.14, abs=0.01)
    assert found.area == pytest.approx(2.03 * 4.17, rel=0.01)
    assert found.length == pytest.approx(1.2 * math.pi, abs=2 * CELL)
    assert (found.components, found.regions) == (1, 2)
    assert int((found.classes == -1).sum()) == round(found.unanswered * 240**2)
    assert torch.equal(found.lead.isnan(), found.classes == -1)


def test_a_crossing_without_an_answer_between_two_answers_is_interpolated() -> None:
    def gap(x: Tensor) -> Tensor:
        return torch.where(x[:, 0].abs() < 0.01, math.nan, x[:, 0])

    found = boundary(Zero(gap), (-1.0, 1.0, -1.0, 1.0), 40)
    assert found.length == pytest.approx(2)


def test_the_share_outside_the_domain_is_stated() -> None:
    window = (-1.0, 3.0, -1.0, 3.0)
    found = decision_boundary(
        Zero(ring(1.0)), plane(window), resolution=81, domain=(0.0, 1.0), batch=64
    )
    # 21 × 21 of 81 × 81 points lie in [0, 1]².
    assert found.outside == pytest.approx(1 - 21**2 / 81**2)
    assert found.excess is not None
    assert float(found.excess[0, 0]) == pytest.approx(1)
    assert float(found.excess[30, 30]) == pytest.approx(-0.5)
    assert boundary(Zero(ring(1.0))).outside is None


def test_classes_lie_where_the_plane_says() -> None:
    found = boundary(Zero(lambda x: x[:, 1] - 1), (-1.0, 3.0, 0.0, 4.0), 9)
    assert found.classes[:, 0].tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert found.lead[:, 4].tolist() == [1, 0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3]


def small_network() -> nn.Module:
    network = nn.Sequential(nn.Linear(2, 20), nn.Tanh(), nn.Dropout(0.5), nn.Linear(20, 3))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    return network.train()


def test_a_network_is_left_as_it_was_and_batches_change_nothing() -> None:
    network = small_network()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    found, again = (
        decision_boundary(network, plane(), resolution=50, batch=size) for size in (37, 5000)
    )
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert all(value.dtype == torch.float32 for value in network.state_dict().values())
    assert all(module.training for module in network.modules())
    assert all(each.requires_grad and each.grad is None for each in network.parameters())
    assert found.length > 1
    assert found.precision == "float64"
    assert found.length == pytest.approx(again.length, rel=1e-9)
    assert found.turning == pytest.approx(again.turning, abs=1e-6)


def test_a_network_of_fixed_precision_is_searched_in_its_own() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = small_network()

        def forward(self, inputs: Tensor) -> Tensor:
            if inputs.dtype != torch.float32:
                raise RuntimeError("float32 only")
            return self.inner(inputs)

    fixed, free = boundary(Fixed()), boundary(small_network())
    assert (fixed.precision, free.precision) == ("float32", "float64")
    assert fixed.length == pytest.approx(free.length, rel=1e-5)
    # Vertices within 1e-4 cells, some hundred of them.
    assert fixed.turning == pytest.approx(free.turning, abs=0.05)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(SettingError, match="got 1"):
        boundary(Zero(ring(1.0)), size=1)


@pytest.mark.parametrize("shape", [(-1,), (-1, 2, 1), (1, -1)])
def test_what_is_not_a_batch_of_logits_is_refused(shape: tuple[int, ...]) -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Flatten(0), nn.Unflatten(0, shape))
    with pytest.raises(ShapeError, match=r"expected logits of shape \(batch, classes\)"):
        decision_boundary(network, plane())
