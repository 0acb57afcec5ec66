"""Zonotopes hold every output of every architecture, and are never wider than intervals."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gnomon.activations import ACTIVATIONS, ReLU
from gnomon.algebra import Interval, evaluate
from gnomon.algebra.zonotope import Zonotope
from gnomon.networks import CNN4, MLP, Architecture, CNN4Conv, LeNet, Signature
from gnomon.networks.chain import Normalization

SIGNATURE = Signature((1, 12, 12), 4, (0.5,), (0.3,))
ARCHITECTURES: list[Architecture] = [
    MLP((20, 20)),
    LeNet((3, 4), (10,)),
    CNN4(width=1, linear=12),
    CNN4Conv(width=1, linear=12),
]
NORMALIZATIONS: tuple[Normalization, ...] = ("batch", "layer", "instance", "group")
CASES: list[Architecture] = [
    *ARCHITECTURES,
    *(MLP((20, 20), activation=make()) for make in ACTIVATIONS.values()),
    *(MLP((20, 20), normalization=kind) for kind in NORMALIZATIONS),
    *(CNN4(1, 12, normalization=kind) for kind in NORMALIZATIONS),
]
SLACK = 1e-10  # of rounding, in numbers of size 1 to 100


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def made(architecture: Architecture) -> nn.Module:
    network = architecture(SIGNATURE, generator(1)).double().eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            assert layer.running_mean is not None
            layer.running_mean.normal_(0, 0.2, generator=generator(2))
    return network


def inputs(radius: float) -> Interval:
    images = torch.rand(2, 1, 12, 12, generator=generator(3), dtype=torch.float64)
    return Interval.around(images, radius, domain=(0.0, 1.0))


def boxes_of(network: nn.Module, relative: float) -> dict[str, Interval]:
    return {
        name: Interval(p.detach() - relative * p.abs(), p.detach() + relative * p.abs())
        for name, p in network.named_parameters()
    }


def output(
    network: nn.Module, x: Interval, parameters: dict[str, Interval], at: dict[str, Tensor]
) -> Tensor:
    """The output at a place given by numbers in [−1, 1] for inputs and parameters."""
    values = {name: box.centre + at[name] * box.radius for name, box in parameters.items()}
    return torch.func.functional_call(network, values, (x.centre + at["x"] * x.radius,))


def places(x: Interval, parameters: dict[str, Interval], seed: int) -> dict[str, Tensor]:
    rng = generator(seed)
    every = {"x": x, **parameters}
    at = {
        name: torch.rand(box.shape, generator=rng, dtype=torch.float64) * 2 - 1
        for name, box in every.items()
    }
    return {name: place.sign() if seed % 2 else place for name, place in at.items()}


def attacked(
    network: nn.Module, x: Interval, parameters: dict[str, Interval], objective: Tensor
) -> Tensor:
    """The output that signed gradient steps on inputs and parameters together lead to."""
    at = {name: torch.zeros(box.shape).double() for name, box in {"x": x, **parameters}.items()}
    for step in (1.0, 0.5, 0.25, 0.1):
        for place in at.values():
            place.requires_grad_()
        value = (output(network, x, parameters, at) * objective).sum()
        slopes = torch.autograd.grad(value, list(at.values()))
        at = {
            name: (place.detach() + step * slope.sign()).clamp(-1, 1)
            for (name, place), slope in zip(at.items(), slopes, strict=True)
        }
    return output(network, x, parameters, at).detach()


def check(network: nn.Module, x: Interval, parameters: dict[str, Interval]) -> Zonotope:
    """Sampled, vertex and attacked outputs lie within, and bounds within those of intervals."""
    with torch.no_grad():
        found: Any = evaluate(network, Zonotope.of(x, symbols=100), parameters)
        plain = evaluate(network, x, parameters)
        slack = SLACK * (1 + plain.upper.abs())
        assert bool((found.lower >= plain.lower - slack).all())
        assert bool((found.upper <= plain.upper + slack).all())
        for seed in range(12):
            at = places(x, parameters, seed)
            assert found.contains(output(network, x, parameters, at), SLACK)
    for objective in (*torch.eye(4).double(), *-torch.eye(4).double()):
        assert found.contains(attacked(network, x, parameters, objective), SLACK)
    return found


@pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{type(c).__name__}-{c.activation}-{c.normalization}"
)
def test_outputs_lie_within(case: Any) -> None:  # noqa: ANN401
    network, x = made(case), inputs(0.01)
    check(network, x, {})
    check(network, x, boxes_of(network, 0.003))


@pytest.mark.parametrize("case", ARCHITECTURES, ids=lambda c: type(c).__name__)
def test_only_parameters_may_vary(case: Architecture) -> None:
    network = made(case)
    check(network, Interval.point(inputs(0.0).centre), boxes_of(network, 0.01))


@pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{type(c).__name__}-{c.activation}-{c.normalization}"
)
def test_a_point_maps_to_a_point(case: Any) -> None:  # noqa: ANN401
    network, x = made(case), inputs(0.0)
    with torch.no_grad():
        found = evaluate(network, Zonotope.of(x), boxes_of(network, 0.0))
        true = network(x.centre)
    assert float(found.width.max()) <= SLACK
    torch.testing.assert_close(found.lower, true, atol=SLACK, rtol=0)


@pytest.mark.parametrize("kind", ["none", "batch", "layer"])
def test_they_are_much_tighter_than_intervals(kind: Normalization) -> None:
    network, x = made(MLP((20, 20, 20), normalization=kind)), inputs(0.002)
    with torch.no_grad():
        found, plain = evaluate(network, Zonotope.of(x)), evaluate(network, x)
    assert float(found.width.mean()) < {"none": 0.2, "batch": 0.2, "layer": 0.9}[kind] * float(
        plain.width.mean()
    )


def test_a_larger_box_gives_wider_bounds_where_the_network_is_affine_or_relu() -> None:
    """On average; a single bound may shrink, since slopes change with the set."""
    network = made(MLP((20, 20), activation=ReLU()))
    with torch.no_grad():
        widths = [
            float(evaluate(network, Zonotope.of(inputs(radius))).width.mean())
            for radius in (0.0, 0.001, 0.003, 0.01, 0.03, 0.1)
        ]
    assert widths == sorted(widths)
    affine = made(MLP(()))
    with torch.no_grad():
        smaller, larger = (evaluate(affine, Zonotope.of(inputs(r))) for r in (0.01, 0.02))
    assert bool((smaller.upper <= larger.upper + 1e-12).all())
    assert bool((smaller.lower >= larger.lower - 1e-12).all())
