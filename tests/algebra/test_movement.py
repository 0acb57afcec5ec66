"""Methods of tensors that move, pick or repeat coordinates, on values of every algebra."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gnomon.algebra import Interval, LinearRelaxation, Moments, Outward, Value, Zonotope
from gnomon.errors import UnsupportedOperationError
from gnomon.seeds import generator

RADIUS = 0.1
CENTRE = torch.randn(2, 3, 4, 4, generator=generator(1), dtype=torch.float64)
OTHER = torch.randn(2, 3, 4, 4, generator=generator(2), dtype=torch.float64)
MASK, NUMBERS = OTHER > 0, torch.tensor([0, 2, 2])
PLACES = NUMBERS.reshape(1, 3, 1, 1).expand(2, 3, 4, 4)

MOVEMENTS: dict[str, Callable[[Any], Any]] = {
    "mT": lambda x: x.mT,
    "broadcast_to": lambda x: x[:, :1].broadcast_to(2, 3, 4, 4),
    "channel_shuffle": lambda x: functional.channel_shuffle(x, 3),
    "chunk": lambda x: x.chunk(2, -1)[1],
    "diagonal": lambda x: x.diagonal(dim1=2, dim2=3),
    "expand": lambda x: x[:, :1].expand(2, 3, 4, 4),
    "expand_as": lambda x: x[:, :1].expand_as(x),
    "expand_as a tensor": lambda x: x[:, :1].expand_as(OTHER),
    "flip": lambda x: x.flip(-1, 1),
    "fliplr": lambda x: x.fliplr(),
    "gather": lambda x: x.gather(1, PLACES),
    "index": lambda x: x[:, NUMBERS, ..., None, ::2],
    "index_select": lambda x: x.index_select(1, NUMBERS),
    "moveaxis": lambda x: x.moveaxis(1, -1),
    "narrow": lambda x: x.narrow(1, 1, 2),
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "pixel_unshuffle": lambda x: functional.pixel_unshuffle(x, 2),
    "ravel": lambda x: x.ravel().reshape(2, -1),
    "repeat": lambda x: x.repeat(1, 2, 1, 1),
    "repeat_interleave": lambda x: x.repeat_interleave(2, 1),
    "reshape_as": lambda x: x.reshape_as(OTHER.flatten(1)),
    "roll": lambda x: x.roll(1, -1),
    "rot90": lambda x: x.rot90(1, (2, 3)),
    "select": lambda x: x.select(2, 1),
    "split": lambda x: torch.split(x, [1, 3], -1)[1],
    "squeeze": lambda x: x[:, :1].squeeze(1),
    "swapaxes": lambda x: x.swapaxes(1, 2),
    "swapdims": lambda x: x.swapdims(-1, -2),
    "take_along_dim": lambda x: torch.take_along_dim(x, PLACES, 1),
    "tensor_split": lambda x: x.tensor_split(2, -1)[0],
    "tile": lambda x: x.tile(1, 2, 1, 1),
    "type_as": lambda x: x.type_as(OTHER),
    "unbind": lambda x: x.unbind(-1)[2],
    "unflatten": lambda x: x.unflatten(1, (3, 1)),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "view_as": lambda x: x.view_as(OTHER.reshape(2, 12, 4)),
}
CHOICES: dict[str, Callable[[Any], Any]] = {
    "concatenate": lambda x: torch.concatenate([x, OTHER], 1),
    "stack": lambda x: torch.stack([x, OTHER, x], 1),
    "where": lambda x: torch.where(MASK, x, OTHER),
    "where, elsewhere": lambda x: torch.where(MASK, OTHER, x),
    "where, a number": lambda x: torch.where(MASK[:1], x, 2.0),
    "where, two values": lambda x: torch.where(MASK, x, x.flip(-1)),
    "where, a method": lambda x: x.where(MASK, OTHER),
    "masked_fill": lambda x: x.masked_fill(MASK, 3.0),
}
BOUNDED: dict[str, Callable[[Tensor], Any]] = {
    "Interval": lambda x: Interval.around(x, RADIUS),
    "Zonotope": lambda x: Zonotope.around(x, RADIUS),
    "LinearRelaxation": lambda x: LinearRelaxation.around(x, RADIUS),
    "rounded Interval": lambda x: Interval.around(x, RADIUS, arithmetic=Outward()),
    "rounded LinearRelaxation": lambda x: LinearRelaxation.around(
        x, RADIUS, arithmetic=Outward()
    ),
}
ALGEBRAS: dict[str, Callable[[Tensor], Value]] = {
    **BOUNDED,
    "Moments": lambda x: Moments.gaussian(x, RADIUS),
}
EXPRESSIONS = {"Zonotope", "LinearRelaxation", "rounded LinearRelaxation"}
"""Algebras that remember where a coordinate came from."""

FORGOTTEN = {("Zonotope", "ravel")}
"""Zonotopes know the examples by the first axis."""


def _reach(function: Callable[[Tensor], Tensor]) -> Tensor:
    """The radius of each output of an affine function of the inputs."""
    matrix = torch.func.jacrev(function)(CENTRE)
    return RADIUS * matrix.abs().flatten(-CENTRE.ndim).sum(-1)


@pytest.mark.parametrize("name", MOVEMENTS | CHOICES)
@pytest.mark.parametrize("algebra", BOUNDED)
def test_bounds_move_as_coordinates_do(algebra: str, name: str) -> None:
    function = (MOVEMENTS | CHOICES)[name]
    found, centre = function(BOUNDED[algebra](CENTRE)), function(CENTRE)
    reach = _reach(function)
    torch.testing.assert_close(found.lower, centre - reach, rtol=0, atol=1e-12)
    torch.testing.assert_close(found.upper, centre + reach, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", MOVEMENTS)
def test_moments_move_as_coordinates_do(name: str) -> None:
    function = MOVEMENTS[name]
    found = function(Moments.gaussian(CENTRE, RADIUS))
    assert torch.equal(found.centre, function(CENTRE))
    assert torch.equal(found.variance, function(torch.full_like(CENTRE, RADIUS**2)))


@pytest.mark.parametrize(
    ("algebra", "name"),
    [
        (algebra, name)
        for algebra in sorted(EXPRESSIONS)
        for name in MOVEMENTS | CHOICES
        if (algebra, name) not in FORGOTTEN
    ],
)
def test_what_is_moved_keeps_its_origin(algebra: str, name: str) -> None:
    """A matrix after the movement, and one before: the exact range of an affine function."""
    function = (MOVEMENTS | CHOICES)[name]
    before = torch.randn(4, 4, generator=generator(3), dtype=torch.float64)
    outputs = function(CENTRE)[0].numel()
    after = torch.randn(outputs, 2, generator=generator(4), dtype=torch.float64)

    def composed(x: Any) -> Any:  # noqa: ANN401 - a value or a tensor
        return function(x @ before).flatten(1) @ after

    found, reach = composed(BOUNDED[algebra](CENTRE)), _reach(composed)
    centre = composed(CENTRE)
    torch.testing.assert_close(found.lower, centre - reach, rtol=0, atol=1e-9)
    torch.testing.assert_close(found.upper, centre + reach, rtol=0, atol=1e-9)


def test_a_tensor_takes_the_shape_of_a_value() -> None:
    x: Any = Interval.around(CENTRE, RADIUS)
    assert torch.equal(OTHER[:, :1].expand_as(x), OTHER[:, :1].expand_as(CENTRE))


UNKNOWN: dict[str, Callable[[Any], Any]] = {
    "einsum": lambda x: torch.einsum("bchw->bc", x),
    "eq": lambda x: x == 0,
    "floor_divide": lambda x: x // 2,
    "lerp": lambda x: torch.lerp(x, OTHER, 0.5),
    "numpy": lambda x: x.numpy(),
    "remainder": lambda x: x % 2,
    "rpow": lambda x: 2**x,
    "sin": lambda x: x.sin(),
    "sort": lambda x: x.sort(),
    "topk": lambda x: x.topk(1),
    "tril": lambda x: x.tril(),
    "unfold": lambda x: x.unfold(2, 2, 2),
    "var": lambda x: x.var(1),
}


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("algebra", ALGEBRAS)
def test_what_has_no_rule_is_named(algebra: str, name: str) -> None:
    with pytest.raises(UnsupportedOperationError, match=f"got '{name}'"):
        UNKNOWN[name](ALGEBRAS[algebra](CENTRE))


@pytest.mark.parametrize("algebra", ALGEBRAS)
def test_a_condition_does_not_vary(algebra: str) -> None:
    x: Any = ALGEBRAS[algebra](CENTRE)
    with pytest.raises(UnsupportedOperationError, match="where"):
        torch.where(x, OTHER, OTHER)
