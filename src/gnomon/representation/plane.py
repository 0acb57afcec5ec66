"""Defines windows on planes in the space of inputs."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.errors import DataError, ShapeError
from gnomon.shapes import Inputs

Window = tuple[float, float, float, float]
"""The bounds (x_low, x_high, y_low, y_high), in the data's units."""
_COLLINEAR = 1e-6
"""Smallest sine of the angle between two sides at which three inputs span a plane."""


@dataclass(frozen=True, eq=False)
class Plane:
    """The inputs p(x, y) = o + x u + y v, with u and v orthonormal, for (x, y) in a window.

    An input is flattened for lengths and angles, so that x and y are Euclidean lengths in the
    data's units. All tensors are float64.

    Attributes:
        origin: the input o.
        axes: the vectors u and v, each with the shape of an input.
        window: bounds of x and y, with x_low < x_high and y_low < y_high.
    """

    origin: Float[Tensor, " *shape"]
    axes: Float[Tensor, " two *shape"]
    window: Window

    @classmethod
    def of_data(cls, inputs: Inputs) -> "Plane":
        """The plane of two-dimensional data itself: x and y are the two coordinates.

        The window is the range of the data, and a tenth more on each side. A coordinate that
        is constant takes its spare from the other one; where both are, it is 1.

        Raises:
            ShapeError: the inputs are not of shape (examples, 2).
            DataError: there are none, or some are not finite.
        """
        if inputs.dim() != 2 or inputs.shape[1] != 2:
            raise ShapeError(
                f"Plane.of_data: expected inputs of shape (examples, 2), got "
                f"{tuple(inputs.shape)}. Use Plane.through(three inputs)."
            )
        _check_finite(inputs, "Plane.of_data")
        points = inputs.double()
        low, high = points.amin(dim=0), points.amax(dim=0)
        extent = high - low
        spare = 0.1 * torch.where(extent > 0, extent, extent.amax())
        spare = torch.where(spare > 0, spare, 1.0)
        ends = torch.stack([low - spare, high + spare], dim=1)
        axes = torch.eye(2, dtype=torch.float64, device=inputs.device)
        return cls(torch.zeros_like(axes[0]), axes, _window(ends.flatten().tolist()))

    @classmethod
    def through(cls, inputs: Inputs, margin: float = 0.1) -> "Plane":
        """The plane through three inputs a, b, c: a is its origin, u points from a to b.

        v is the direction of c − a without its component along u (Gram–Schmidt), so that c lies
        at y > 0. The window is a square around the middle of the smallest rectangle,
        with sides along u and v, that holds the three; its side is 1 + 2 `margin` times the
        rectangle's longer one.

        Raises:
            ShapeError: there are not exactly three inputs, or an input has one coordinate.
            DataError: they are not finite, or lie on a line.
        """
        if len(inputs) != 3 or inputs[0].numel() < 2:
            raise ShapeError(
                f"Plane.through: expected three inputs of two coordinates or more, got shape "
                f"{tuple(inputs.shape)}. Choose three examples."
            )
        _check_finite(inputs, "Plane.through")
        first, second, third = inputs.double().flatten(1)
        axes = _orthonormal(second - first, third - first)
        shape = inputs.shape[1:]
        plane = cls(first.reshape(shape), axes.reshape(2, *shape), (0.0, 1.0, 0.0, 1.0))
        places = plane.coordinates(inputs)
        low, high = places.amin(dim=0), places.amax(dim=0)
        half = (0.5 + margin) * (high - low).amax()
        ends = torch.stack([(low + high) / 2 - half, (low + high) / 2 + half], dim=1)
        return cls(plane.origin, plane.axes, _window(ends.flatten().tolist()))

    @property
    def area(self) -> float:
        """The area of the window, in the square of the data's unit."""
        x_low, x_high, y_low, y_high = self.window
        return (x_high - x_low) * (y_high - y_low)

    def points(
        self, coordinates: Float[Tensor, " batch two"]
    ) -> Float[Tensor, " batch *shape"]:
        """The inputs p(x, y) at coordinates (x, y), in float64."""
        flat = self.origin.flatten() + coordinates.to(self.axes) @ self.axes.flatten(1)
        return flat.reshape(-1, *self.origin.shape)

    def coordinates(self, inputs: Inputs) -> Float[Tensor, " batch two"]:
        """The (x, y) of the orthogonal projection of each input on the plane."""
        return (inputs.to(self.axes) - self.origin).flatten(1) @ self.axes.flatten(1).T

    def distance(self, inputs: Inputs) -> Float[Tensor, " batch"]:
        """The Euclidean distance of each input from the (unbounded) plane."""
        projected = self.points(self.coordinates(inputs))
        return (inputs.to(self.axes) - projected).flatten(1).norm(dim=1)


def _check_finite(inputs: Tensor, who: str) -> None:
    finite = inputs.flatten(1).isfinite().all(dim=1)
    if not len(inputs) or not finite.all():
        raise DataError(
            f"{who}: expected finite inputs, got {int((~finite).sum())} of {len(inputs)} with "
            "NaN or infinity. Leave them out."
        )


def _orthonormal(first: Tensor, second: Tensor) -> Tensor:
    """Orthonormalises by Gram–Schmidt; repeats the second step, for accuracy to rounding."""
    along = first / first.norm().clamp_min(torch.finfo(first.dtype).tiny)
    across = second - (second @ along) * along
    if not (first.norm() > 0 and across.norm() > _COLLINEAR * second.norm()):
        raise DataError(
            "Plane.through: expected three inputs that span a plane, got three on one line, or "
            "two that are equal. Choose others."
        )
    across = across - (across @ along) * along
    return torch.stack([along, across / across.norm()])


def _window(ends: Sequence[float]) -> Window:
    x_low, x_high, y_low, y_high = ends
    return x_low, x_high, y_low, y_high
