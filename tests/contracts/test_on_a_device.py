"""What sets, attacks, bounds and training promise, on a graphics card.

`make test-gpu` runs this on CUDA. GNOMON_TEST_DEVICE=cpu runs the same tests on the CPU, which
shows that they are right, and nothing about a card.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from contracts.test_algebras import (
    ALGEBRAS,
    NETWORKS,
    RADIUS,
    RELATIVE,
    assert_contains,
    boxes,
    enclosure,
)
from contracts.test_attacks import SETS as WITHIN
from contracts.test_sets import SETS
from contracts.test_training_methods import METHODS, network_for, subject
from gnomon.bounds import CROWN, IBP
from gnomon.errors import DivergedError
from gnomon.seeds import generator
from gnomon.sets import InputSet, Linf
from gnomon.training import SGD, Batch, Training
from gnomon.training.devices import Device
from reference.attacks_on_inputs import ATTACKS, examples_of, network_of
from reference.groups import alone, together, varied
from reference.small_experiments import small

ON: Device = "cpu" if os.environ.get("GNOMON_TEST_DEVICE") == "cpu" else "cuda"
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        ON == "cuda" and not torch.cuda.is_available(), reason="needs a CUDA device"
    ),
]
DEAR = {"resnet20", "cnn4_conv", "residual", "vgg"}
"""Networks whose relaxations take seconds."""


@pytest.fixture(autouse=True)
def nothing_is_allocated_elsewhere() -> Iterator[None]:
    """The default device stays the CPU: what lands on the card was brought there."""
    assert torch.get_default_device().type == "cpu"
    yield
    assert torch.get_default_device().type == "cpu"


@pytest.mark.parametrize("allowed", SETS, ids=str)
def test_members_are_made_where_the_inputs_are(allowed: InputSet) -> None:
    inputs = (1.4 * torch.rand(16, 2, 3, 3, generator=generator(0)) - 0.2).clamp(0, 1).to(ON)
    direction = torch.randn(16, 2, 3, 3, generator=generator(1)).to(ON)
    region = allowed.around(inputs)
    here = allowed.around(inputs.cpu())
    source = generator(2, device=ON)
    moved = region.perturb(region.sample(source))
    for points in (moved, region.perturb(100 * direction)):
        assert points.device.type == ON
        distance = allowed.distance(points.double() - inputs.double())
        assert float(distance.max()) <= allowed.radius
        if allowed.domain is not None:
            assert float(points.min()) >= allowed.domain[0]
            assert float(points.max()) <= allowed.domain[1]
    # A projection is a few roundings of float32; a steepest member may be another where two
    # are as steep, but its value is the same, up to sums of 18 products.
    slack = 100 * torch.finfo(torch.float32).eps * max(1.0, allowed.radius)
    torch.testing.assert_close(
        region.project(direction).cpu(), here.project(direction.cpu()), rtol=0, atol=slack
    )
    torch.testing.assert_close(
        region.support(direction).cpu(), here.support(direction.cpu()), rtol=1e-5, atol=slack
    )


@pytest.mark.parametrize("within", WITHIN, ids=lambda item: f"{item} in {item.domain}")
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_keeps_its_promises(name: str, within: InputSet) -> None:
    network = network_of()
    inputs, labels = (each.to(ON) for each in examples_of(network))
    network.to(ON)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    first, second = (
        ATTACKS[name](network, inputs, labels, within, generator(1, device=ON))
        for _ in range(2)
    )
    assert first.inputs.device.type == first.fooled.device.type == ON
    assert (
        float(within.distance(first.inputs.double() - inputs.double()).max()) <= within.radius
    )
    assert torch.equal(first.fooled, network(first.inputs).argmax(dim=1) != labels)
    already = network(inputs).argmax(dim=1) != labels
    assert bool(first.fooled[already].all())
    assert int(first.fooled.sum()) > int(already.sum())
    assert torch.equal(first.inputs, second.inputs)
    untouched = ~first.fooled | already
    assert torch.equal(first.inputs[untouched], inputs[untouched])
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in DEAR])
@pytest.mark.parametrize("row", [row for row in ALGEBRAS if row != "exact interval"])
def test_bounds_contain_members_and_are_those_of_the_cpu(row: str, name: str) -> None:
    """In float64, up to the order of its sums."""
    network, x = NETWORKS[name]()
    x = x if x.ndim == 2 else x[:1]
    expected = enclosure(ALGEBRAS[row], network, x, RADIUS, boxes(network, RELATIVE))
    network, there = network.to(ON), x.to(ON)
    found = enclosure(ALGEBRAS[row], network, there, RADIUS, boxes(network, RELATIVE))
    for end, other in zip(found, expected, strict=True):
        assert end.device.type == ON
        torch.testing.assert_close(end.cpu(), other, rtol=1e-6, atol=1e-8)
    source = generator(5, device=ON)
    for _ in range(4):
        shift = 2 * torch.rand(there.shape, generator=source, device=ON, dtype=x.dtype) - 1
        assert_contains(found, network(there + RADIUS * shift))


@pytest.mark.parametrize("method", [IBP(), CROWN()], ids=["ibp", "crown"])
def test_margins_are_those_of_the_cpu(method: IBP | CROWN) -> None:
    network = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 4)).double()
    x = torch.rand(9, 12, generator=generator(0), dtype=torch.float64)
    labels = network(x).argmax(dim=1)
    here = method(network, x, labels, Linf(0.02)).upper
    there = method(network.to(ON), x.to(ON), labels.to(ON), Linf(0.02)).upper
    torch.testing.assert_close(there.cpu(), here, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", METHODS)
def test_a_loss_leaves_the_network_as_it_is(name: str) -> None:
    network, batch = subject()
    network, batch = network.to(ON), Batch(batch.inputs.to(ON), batch.labels.to(ON), (0.0, 1.0))
    before = {key: each.clone() for key, each in network.state_dict().items()}
    loss = METHODS[name].loss(network, batch, generator(0, device=ON))
    assert loss.values.device.type == loss.correct.device.type == ON
    assert bool(loss.values.isfinite().all())
    loss.value.backward()
    assert any(each.grad is not None and each.grad.any() for each in network.parameters())
    assert all(torch.equal(before[key], each) for key, each in network.state_dict().items())


@pytest.mark.parametrize("name", METHODS)
def test_a_method_trains_one_network_and_many(name: str, tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        training = Training(method=METHODS[name], epochs=1, batch_size=20, optimizer=SGD(0.9))
        experiments = varied(small(training, network_for(name), examples=60), 2)
        group = together(experiments, tmp_path, device=ON)
        single = alone(experiments, tmp_path, ON)
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip(group, single, strict=True):
        assert not isinstance(one, DivergedError)
        assert not isinstance(other, DivergedError)
        found = one.network.state_dict()
        for key, tensor in other.network.state_dict().items():
            # Three steps in float64; random numbers of each are drawn as alone.
            torch.testing.assert_close(found[key], tensor, rtol=0, atol=1e-9)
