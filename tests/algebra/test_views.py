"""Writing in place, through views too; properties of tensors; and what draws at random."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.algebra import Interval, LinearRelaxation, Moments, Value, Zonotope, evaluate
from gnomon.errors import SubjectError, UnsupportedOperationError
from gnomon.seeds import generator

X = torch.randn(3, 4, generator=generator(0)).double()
ALGEBRAS: dict[str, Callable[[Tensor], Value]] = {
    "interval": Interval.point,
    "affine": lambda x: Zonotope.around(x, 0.0),
    "relaxed": lambda x: LinearRelaxation.around(x, 0.0),
    "moments": lambda x: Moments.gaussian(x, 0.0),
}


class Apply(nn.Module):
    """A function as a network."""

    def __init__(self, function: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> object:
        return self.function(x)


@pytest.fixture(params=ALGEBRAS)
def algebra(request: pytest.FixtureRequest) -> Callable[[Tensor], Value]:
    return ALGEBRAS[request.param]


def added_to_a_part(x: Tensor) -> Tensor:
    y = x * 1
    y[:, :2] += 1
    y[1:] *= 2
    y[0] = 0.5
    return y


def a_view_goes_on(x: Tensor) -> Tensor:
    y = (x * 1).view(2, 6)
    functional.relu(y, inplace=True)
    return y + y.relu_()


def a_copy_was_written(x: Tensor) -> Tensor:
    y = x * 1
    y[torch.tensor([0, 1])].add_(1)
    y.clone().view(-1).relu_()
    return y


def its_input_was_written(x: Tensor) -> Tensor:
    x.relu_()
    return x


def turned(x: Tensor) -> Tensor:
    return x.T.T + x.mT.mT + x.unsqueeze(0).mT.squeeze(0).T


def constants_like_it(x: Tensor) -> Tensor:
    y = x * torch.ones_like(x) + x.new_zeros(4) - torch.full_like(x, 2.0)
    return y if x.is_cuda or x.is_sparse else y * 3


@pytest.mark.parametrize(
    "function",
    [
        added_to_a_part,
        a_view_goes_on,
        a_copy_was_written,
        its_input_was_written,
        turned,
        constants_like_it,
    ],
)
def test_what_torch_does_to_tensors_is_done_to_values(
    algebra: Callable[[Tensor], Value], function: Callable[[Tensor], Tensor]
) -> None:
    given = algebra(X)
    found = evaluate(Apply(function), given)
    assert torch.allclose(found.centre, function(X.clone()))
    assert torch.equal(given.parts[0], X)  # the caller's is as it was


def a_part_was_written(x: Tensor) -> Tensor:
    y = x * 1
    part = y[:, :2]
    part += 1
    return y


def a_reshaped_one_was_written(x: Tensor) -> Tensor:
    y = x * 1
    y.view(-1).transpose(0, 0).relu_()
    return y + 1


def by_a_function_in_place(x: Tensor) -> Tensor:
    y = x * 1
    functional.relu(y.flatten(), inplace=True)
    return torch.cat([y, y])


def the_whole_was_written(x: Tensor) -> Tensor:
    y = x * 1
    part = y.select(1, 0)
    y.add_(1)
    return part * 2


def another_part_was_written(x: Tensor) -> Tensor:
    y = x * 1
    first, second = y.split(2, dim=1)
    first.mul_(2)
    return second


def written_to_another_place(x: Tensor) -> Tensor:
    y = x * 1
    part = y[:, :2]
    part += 1
    y[:, 2:] = part
    return y


@pytest.mark.parametrize(
    "function",
    [
        a_part_was_written,
        a_reshaped_one_was_written,
        by_a_function_in_place,
        the_whole_was_written,
        another_part_was_written,
        written_to_another_place,
    ],
)
def test_what_was_written_through_a_view_is_not_read_as_it_was(
    algebra: Callable[[Tensor], Value], function: Callable[[Tensor], Tensor]
) -> None:
    assert not torch.equal(function(X.clone()), X)
    with pytest.raises(UnsupportedOperationError, match=r"Apply.*view.*clone\(\)"):
        evaluate(Apply(function), algebra(X))


def put_into_a_tensor(x: Tensor) -> Tensor:
    out = torch.zeros(3, 4)
    out[:, :2] = x[:, :2]
    return out


def added_into_a_tensor(x: Tensor) -> Tensor:
    return torch.zeros(3, 4).add_(x)


@pytest.mark.parametrize("function", [put_into_a_tensor, added_into_a_tensor])
def test_a_tensor_cannot_hold_a_value(
    algebra: Callable[[Tensor], Value], function: Callable[[Tensor], Tensor]
) -> None:
    with pytest.raises(UnsupportedOperationError, match=r"Apply.*tensor.*cat"):
        evaluate(Apply(function), algebra(X))


@pytest.mark.parametrize("name", ["real", "grad", "H", "data", "grad_fn"])
def test_other_properties_are_refused_by_name(
    algebra: Callable[[Tensor], Value], name: str
) -> None:
    network = nn.Sequential(nn.Identity(), Apply(lambda x: getattr(x, name)))
    with pytest.raises(UnsupportedOperationError, match=rf"1 \(Apply\).*{name!r}.*mT"):
        evaluate(network, algebra(X))


def test_what_no_tensor_has_is_an_attribute_error() -> None:
    value = Interval.point(X)
    assert not hasattr(value, "colour")
    assert not hasattr(value, "__array__")


def noise_like_it(x: Tensor) -> Tensor:
    return x + torch.randn_like(x)


def drawn_in_place(x: Tensor) -> Tensor:
    return (x * 1).uniform_()


@pytest.mark.parametrize("function", [noise_like_it, drawn_in_place])
def test_a_function_that_draws_is_refused(
    algebra: Callable[[Tensor], Value], function: Callable[[Tensor], Tensor]
) -> None:
    with pytest.raises(UnsupportedOperationError, match=r"Apply.*draws at random"):
        evaluate(Apply(function), algebra(X))


def noise_beside_it(x: Tensor) -> Tensor:
    return x + torch.rand(4)


def test_a_network_that_draws_is_refused(algebra: Callable[[Tensor], Value]) -> None:
    with pytest.raises(SubjectError, match=r"drew random numbers.*eval"):
        evaluate(Apply(noise_beside_it), algebra(X))
    layer = nn.Linear(4, 4).double()
    boxes = {"1.bias": Interval.around(layer.bias.detach(), 0.1)}
    with pytest.raises(SubjectError, match="drew random numbers"):
        evaluate(nn.Sequential(nn.Dropout(), layer).train(), X, boxes)


@pytest.mark.parametrize("dropout", [nn.Dropout, nn.Dropout1d, nn.AlphaDropout])
def test_dropout_in_training_mode_is_refused(
    algebra: Callable[[Tensor], Value], dropout: Callable[[], nn.Module]
) -> None:
    network = nn.Sequential(nn.Linear(4, 4).double(), dropout())
    with pytest.raises(UnsupportedOperationError, match=r"1 \(\w+\).*eval"):
        evaluate(network.train(), algebra(X))
    evaluate(network.eval(), algebra(X))
