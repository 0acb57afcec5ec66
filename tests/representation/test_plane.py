"""Planes in the space of inputs."""

import math

import pytest
import torch

from gnomon.errors import DataError, ShapeError
from gnomon.representation.plane import Plane


def three(*shape: int) -> torch.Tensor:
    return torch.randn(3, *shape, generator=torch.Generator().manual_seed(3))


def test_the_plane_of_data_is_the_plane_itself_with_a_tenth_to_spare() -> None:
    plane = Plane.of_data(torch.tensor([[0.0, -2.0], [10.0, 3.0], [5.0, 0.0]]))
    assert plane.window == pytest.approx((-1.0, 11.0, -2.5, 3.5))
    assert plane.area == pytest.approx(72.0)
    points = torch.tensor([[0.5, 1.5], [-3.0, 2.0]], dtype=torch.float64)
    assert torch.equal(plane.points(points), points)
    assert torch.equal(plane.coordinates(points), points)


def test_a_constant_coordinate_leaves_a_window() -> None:
    line = Plane.of_data(torch.tensor([[0.0, 4.0], [10.0, 4.0]]))
    assert line.window == (-1.0, 11.0, 3.0, 5.0)
    point = Plane.of_data(torch.tensor([[2.0, 4.0]]))
    assert point.window == (1.0, 3.0, 3.0, 5.0)


@pytest.mark.parametrize("shape", [(2,), (7,), (3, 4, 5)])
def test_three_inputs_lie_on_their_plane_at_their_true_distances(
    shape: tuple[int, ...],
) -> None:
    inputs = three(*shape)
    plane = Plane.through(inputs)
    places = plane.coordinates(inputs)
    # float64 arithmetic on values of size 1.
    assert torch.allclose(plane.points(places), inputs.double(), atol=1e-13)
    assert torch.allclose(
        torch.pdist(places), torch.pdist(inputs.double().flatten(1)), atol=1e-13
    )
    assert torch.allclose(places[:2, 1], torch.zeros(2).double(), atol=1e-13)
    assert places[1, 0] > 0
    assert places[2, 1] > 0
    assert float(plane.distance(inputs).max()) < 1e-13


def test_axes_are_orthonormal_even_where_the_three_are_nearly_on_a_line() -> None:
    first, second, noise = three(50).double()
    plane = Plane.through(torch.stack([first, second, second + 1e-4 * noise]))
    axes = plane.axes.flatten(1)
    assert torch.allclose(axes @ axes.T, torch.eye(2).double(), atol=1e-14)


def test_the_window_is_a_square_around_the_three() -> None:
    inputs = torch.tensor([[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [1.0, 0.0, 2.0]])
    assert Plane.through(inputs, 0.25).window == pytest.approx((-1.0, 5.0, -2.0, 4.0))


def test_the_distance_from_a_plane_is_the_part_across_it() -> None:
    plane = Plane.through(torch.tensor([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    points = torch.tensor([[9.0, -4.0, 3.0], [2.0, 2.0, 0.0]])
    assert plane.distance(points).tolist() == pytest.approx([3.0, 0.0])
    assert plane.coordinates(points).tolist() == [[9.0, -4.0], [2.0, 2.0]]


@pytest.mark.parametrize(
    "rows",
    [
        [[0.0, 0.0], [1.0, 1.0], [3.0, 3.0]],
        [[1.0, 2.0], [1.0, 2.0], [3.0, 0.0]],
        [[1.0, 2.0], [3.0, 0.0], [1.0, 2.0]],
        [[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]],
    ],
)
def test_three_inputs_on_a_line_span_no_plane(rows: list[list[float]]) -> None:
    with pytest.raises(DataError, match="on one line"):
        Plane.through(torch.tensor(rows))


def test_inputs_that_make_no_plane_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"got shape \(2, 5\)"):
        Plane.through(torch.zeros(2, 5))
    with pytest.raises(ShapeError, match="two coordinates"):
        Plane.through(torch.zeros(3, 1))
    with pytest.raises(ShapeError, match=r"\(examples, 2\)"):
        Plane.of_data(torch.zeros(4, 3))
    with pytest.raises(DataError, match="1 of 2"):
        Plane.of_data(torch.tensor([[0.0, math.nan], [1.0, 1.0]]))
    with pytest.raises(DataError, match="0 of 0"):
        Plane.of_data(torch.zeros(0, 2))
