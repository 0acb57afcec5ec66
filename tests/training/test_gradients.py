"""The gradients of a network in one tensor are those that torch would leave."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gnomon.training.gradients import Gradients


def mixed() -> nn.Module:
    """Convolutions with channels last, vectors, one parameter of another type, one fixed."""
    convolution, normalisation, linear = nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(12, 2)
    convolution.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (missing in torch's types)
    normalisation.bias.requires_grad = False
    linear.bias = nn.Parameter(linear.bias.detach().double())
    return nn.Sequential(convolution, normalisation, nn.Flatten(), linear)


def loss_of(network: nn.Module) -> Tensor:
    """Some number that depends on all parameters but one."""
    convolution, normalisation, _, linear = network.children()
    x = torch.linspace(-1, 1, 5 * 2 * 16).view(5, 2, 4, 4)
    hidden = normalisation(convolution(x)).flatten(1)
    return (hidden @ linear.weight.T).pow(2).mean()


def expected(network: nn.Module) -> list[Tensor]:
    """The gradient of each trained parameter, 0 for the one that does not matter."""
    trained = [each for each in network.parameters() if each.requires_grad]
    return list(torch.autograd.grad(loss_of(network), trained, materialize_grads=True))


Step = Callable[[nn.Module], None]


def backward(network: nn.Module) -> None:
    """As every method has it."""
    loss_of(network).backward()


def replaced(network: nn.Module) -> None:
    """As by a method that lets all gradients go first."""
    network.zero_grad(set_to_none=True)
    loss_of(network).backward()


def differentiable(network: nn.Module) -> None:
    """With a graph of the gradients, which torch then adds to others out of place."""
    loss_of(network).backward(create_graph=True)


@pytest.mark.filterwarnings("ignore:Using backward")
@pytest.mark.parametrize("step", [backward, replaced, differentiable])
def test_every_step_leaves_its_own_gradients(step: Step) -> None:
    network = mixed()
    gradients, wanted = Gradients(network.parameters()), expected(network)
    assert [len(flat) for flat in gradients.flat] == [2 * 3 * 9 + 3 + 3 + 24, 2]
    for _ in range(2):
        gradients.clear()
        step(network)
        gradients.collect()
        for parameter, gradient in zip(gradients.trained, wanted, strict=True):
            assert parameter.grad is not None
            assert torch.equal(parameter.grad, gradient)
            assert parameter.grad.stride() == parameter.stride()
        whole = torch.cat([each.double().flatten() for each in wanted])
        # One square root of a sum of 84 squares in float32.
        torch.testing.assert_close(gradients.norm().double(), whole.norm(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("share", [0.5, 2.0], ids=["cut", "left"])
def test_clipped_gradients_are_to_the_bit_those_of_torch(share: float) -> None:
    network = mixed()
    gradients = Gradients(network.parameters())
    loss_of(network).backward()
    bound = share * gradients.norm().item()
    plain = [each.clone().requires_grad_() for each in gradients.trained]
    for parameter, other in zip(gradients.trained, plain, strict=True):
        assert parameter.grad is not None
        other.grad = parameter.grad.clone()
    norm = nn.utils.clip_grad_norm_(plain, bound, foreach=True)
    assert torch.equal(gradients.clip(bound), norm)
    for parameter, other in zip(gradients.trained, plain, strict=True):
        assert parameter.grad is not None
        assert other.grad is not None
        assert torch.equal(parameter.grad, other.grad)
