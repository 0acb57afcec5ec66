"""Searches for the nearest point that fools, against distances that are known."""

from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from gnomon.attacks import FAB, FABT, FMN, PGD, DeepFool, InputAttack, Stride, View
from gnomon.errors import SettingError
from gnomon.seeds import generator
from gnomon.sets import (
    L1,
    L2,
    Box,
    Domain,
    InputSet,
    Linf,
    MeasuredSet,
    PerturbationSet,
)

EXACT: dict[str, InputAttack] = {
    "FAB": FAB(steps=10),
    "FAB-T": FABT(steps=10),
    "DeepFool": DeepFool(),
    "FMN": FMN(),
}
FAR = 100.0
NORMS: list[MeasuredSet] = [
    Linf(FAR),
    L2(FAR),
    L1(FAR),
    Linf(FAR, (0.0, 1.0)),
    L2(FAR, (0.0, 1.0)),
    L1(FAR, (0.0, 1.0)),
    Box(-2.0, 1.0, radius=FAR),
]


@pytest.fixture(params=EXACT, ids=str)
def attack(request: pytest.FixtureRequest) -> InputAttack:
    return EXACT[request.param]


@pytest.fixture(params=NORMS, ids=lambda item: f"{item} in {item.domain}")
def within(request: pytest.FixtureRequest) -> MeasuredSet:
    return request.param


def _linear(classes: int, features: int = 12) -> tuple[nn.Linear, Tensor, Tensor]:
    """An affine network, and points of the unit cube with its own labels."""
    network = nn.Linear(features, classes)
    with torch.no_grad():
        network.weight.normal_(0, 1, generator=generator(0, "weight"))
        network.bias.normal_(0, 0.3, generator=generator(0, "bias"))
    inputs = torch.rand(25, features, generator=generator(0, "examples"))
    with torch.no_grad():
        return network, inputs, network(inputs).argmax(dim=1)


def _curved(classes: int = 4) -> tuple[nn.Sequential, Tensor, Tensor]:
    """A smooth network, and points of the unit cube with its own labels."""
    network = nn.Sequential(nn.Linear(8, 24), nn.Tanh(), nn.Linear(24, classes))
    for index, parameter in enumerate(network.parameters()):
        with torch.no_grad():
            parameter.normal_(0, 0.6, generator=generator(0, str(index)))
    inputs = torch.rand(30, 8, generator=generator(0, "examples"))
    with torch.no_grad():
        return network, inputs, network(inputs).argmax(dim=1)


def _to_class(
    network: nn.Linear, inputs: Tensor, labels: Tensor, wanted: Tensor, within: MeasuredSet
) -> Tensor:
    """The distance to another class's half space; ∞ where the domain has none of it."""
    normal = (network.weight[wanted] - network.weight[labels]).detach()
    logits = network(inputs).detach()
    height = (logits.gather(1, labels[:, None]) - logits.gather(1, wanted[:, None]))[:, 0]
    step = within.shortest(inputs, normal, height)
    reached = (step * normal).sum(dim=1) >= height - 1e-4
    return torch.where(reached & (wanted != labels), within.distance(step), torch.inf)


def test_between_two_classes_the_closed_form_is_met(
    attack: InputAttack, within: MeasuredSet
) -> None:
    """|z_y − z_j| / ‖w_y − w_j‖*, and its counterpart inside the cube: within 1 %."""
    network, inputs, labels = _linear(2)
    exact = _to_class(network, inputs, labels, 1 - labels, within)
    if within.domain is None and within.norm != "Box":
        dual = {"Linf": 1.0, "L2": 2.0, "L1": torch.inf}[within.norm]
        normal = (network.weight[0] - network.weight[1]).detach()
        logits = network(inputs).detach()
        closed = (logits[:, 0] - logits[:, 1]).abs() / normal.norm(p=dual)
        torch.testing.assert_close(exact, closed.double(), rtol=1e-5, atol=0)
    outcome = attack(network, inputs, labels, within, generator(1))
    found = exact.isfinite()
    assert torch.equal(outcome.fooled, found)
    ratio = (outcome.distance / exact)[found]
    assert float(ratio.min()) > 1 - 1e-4  # of rounding, in float32
    assert float(ratio.max()) < 1.01


@pytest.mark.parametrize("name", ["FAB", "FAB-T", "DeepFool"])
def test_of_several_classes_the_nearest_is_found(name: str) -> None:
    network, inputs, labels = _linear(5)
    for within in NORMS[:3]:
        each = [
            _to_class(network, inputs, labels, torch.full_like(labels, other), within)
            for other in range(5)
        ]
        exact = torch.stack(each).amin(dim=0)
        outcome = EXACT[name](network, inputs, labels, within, generator(1))
        ratio = outcome.distance / exact
        assert float(ratio.min()) > 1 - 1e-4
        assert float(ratio.max()) < 1.01


def test_fewer_targets_find_less() -> None:
    network, inputs, labels = _linear(5)
    one, all_of_them = (
        FABT(steps=5, targets=targets)(network, inputs, labels, L2(FAR), generator(1))
        for targets in (1, 4)
    )
    assert bool((all_of_them.distance <= one.distance).all())
    assert bool((all_of_them.distance < 0.95 * one.distance).any())
    assert int(one.gradients.max()) == 5
    assert int(all_of_them.gradients.max()) == 20


def _shortened(
    network: nn.Module, inputs: Tensor, labels: Tensor, within: InputSet, most: Tensor
) -> Tensor:
    """The least share of each distance, from 1/2 on, at which a long PGD still fools."""
    low, high = torch.full_like(most, 0.5), torch.ones_like(most)
    for _ in range(5):
        middle = (low + high) / 2
        fooled = torch.zeros_like(labels, dtype=torch.bool)
        for index, radius in enumerate((middle * most).tolist()):
            one = slice(index, index + 1)
            ball = within.with_radius(radius)
            outcome = PGD(steps=25)(network, inputs[one], labels[one], ball, generator(3))
            fooled[one] = outcome.fooled
        low, high = torch.where(fooled, low, middle), torch.where(fooled, middle, high)
    return high


@pytest.mark.parametrize("kind", [Linf, L2])
def test_on_a_curved_network_a_bisection_along_pgd_is_not_much_nearer(kind: type) -> None:
    network, inputs, labels = _curved()
    inputs, labels = inputs[:6], labels[:6]
    fab = EXACT["FAB"](network, inputs, labels, kind(FAR), generator(1))
    assert bool(fab.fooled.all())
    share = _shortened(network, inputs, labels, kind(FAR), fab.distance)
    assert float(share.min()) > 0.75
    assert float(share.median()) > 0.95
    for name, most in (("FAB-T", 1.02), ("FMN", 1.05), ("DeepFool", 1.35)):
        other = EXACT[name](network, inputs, labels, kind(FAR), generator(1))
        ratio = other.distance / fab.distance
        assert float(ratio.median()) < most
        assert float(ratio.min()) > 0.8


def test_a_small_set_is_searched_as_a_part_of_a_large_one() -> None:
    """Who is nearer than the radius is fooled inside, and nobody else."""
    network, inputs, labels = _linear(4)
    whole = FABT(steps=10)(network, inputs, labels, L2(FAR), generator(1))
    radius = float(whole.distance.median()) * 1.02
    for until in ("within", "nearest"):
        part = FABT(steps=10, until=until)(network, inputs, labels, L2(radius), generator(1))
        assert torch.equal(part.fooled, whole.distance <= radius)


def test_within_stops_where_nearest_goes_on() -> None:
    network, inputs, labels = _curved()
    within, nearest = (
        FAB(steps=10, until=until)(network, inputs, labels, L2(FAR), generator(1))
        for until in ("within", "nearest")
    )
    assert bool(within.fooled.all())
    assert int(within.gradients.sum()) < int(nearest.gradients.sum()) / 2
    assert int(nearest.gradients.min()) == 30  # three wrong classes
    first, following = (
        FABT(steps=10, targets=targets, until="within")(
            network, inputs, labels, L2(FAR), generator(1)
        )
        for targets in (1, 3)
    )
    assert bool(first.fooled.all())
    assert torch.equal(first.gradients, following.gradients)
    assert bool((nearest.distance <= within.distance).all())


def test_restarts_come_only_nearer() -> None:
    network, inputs, labels = _curved()
    once, often = (
        FABT(steps=6, restarts=restarts)(network, inputs, labels, Linf(FAR), generator(1))
        for restarts in (1, 3)
    )
    # The first start is the original itself; the bisections end at other places.
    assert bool((often.distance <= 1.001 * once.distance).all())
    assert int(often.gradients.max()) == 3 * int(once.gradients.max())


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_few_classes_are_enough(attack: InputAttack, classes: int) -> None:
    network, inputs, labels = _curved(classes)
    assert bool(attack(network, inputs, labels, Linf(FAR), generator(1)).fooled.all())


def test_louder_logits_and_double_precision_are_searched_as_well(attack: InputAttack) -> None:
    network, inputs, labels = _curved()
    plain = attack(network, inputs, labels, Linf(FAR), generator(1))
    loud = nn.Sequential(network, _Times(1000.0))
    scaled = attack(loud, inputs, labels, Linf(FAR), generator(1))
    torch.testing.assert_close(scaled.distance, plain.distance, rtol=0.02, atol=0)
    double = attack(network.double(), inputs.double(), labels, Linf(FAR), generator(1))
    assert double.inputs.dtype == torch.float64
    torch.testing.assert_close(double.distance, plain.distance, rtol=0.02, atol=0)


def test_images_are_walked_like_vectors() -> None:
    network, inputs, labels = _curved()
    flat = FAB(steps=5)(network, inputs, labels, L2(FAR), generator(1))
    images = inputs.reshape(-1, 2, 2, 2)
    shaped = FAB(steps=5)(
        nn.Sequential(nn.Flatten(), network), images, labels, L2(FAR), generator(1)
    )
    torch.testing.assert_close(shaped.inputs.flatten(1), flat.inputs)


def test_a_narrower_search_is_judged_by_the_network_itself() -> None:
    network, inputs, labels = _curved()
    found = FAB(steps=10, view=View("bfloat16"))(network, inputs, labels, L2(FAR), generator(1))
    assert torch.equal(found.fooled, network(found.inputs).argmax(dim=1) != labels)
    plain = FAB(steps=10)(network, inputs, labels, L2(FAR), generator(1))
    assert float((found.distance / plain.distance).median()) < 1.1


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (FAB, {"steps": 0}),
        (FAB, {"restarts": 0}),
        (Stride, {"alpha_max": 1.5}),
        (Stride, {"eta": 0.9}),
        (Stride, {"beta": 1.0}),
        (FABT, {"targets": 0}),
        (DeepFool, {"classes": 0}),
        (DeepFool, {"overshoot": -0.1}),
        (FMN, {"steps": 0}),
        (FMN, {"last_change": 0.2}),
    ],
)
def test_settings_outside_their_range_are_refused(
    kind: type, settings: dict[str, float]
) -> None:
    with pytest.raises(SettingError, match="expected"):
        kind(**settings)


def test_a_set_without_a_way_to_a_hyperplane_is_refused(attack: InputAttack) -> None:
    network, inputs, labels = _linear(3)
    with pytest.raises(SettingError, match="shortest"):
        attack(network, inputs, labels, _Unmeasured(), generator(0))


class _Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class _Unmeasured:
    """A set that knows distances and directions only."""

    norm: ClassVar[str] = "other"
    radius, domain = 1.0, None

    def around(self, inputs: Tensor) -> PerturbationSet:
        return L2(1.0).around(inputs)

    def with_radius(self, radius: float) -> InputSet:
        return L2(radius)

    def with_domain(self, domain: Domain) -> InputSet:
        return L2(1.0, domain)

    def distance(self, perturbation: Tensor) -> Tensor:
        return L2(1.0).distance(perturbation)

    def steepest(self, direction: Tensor, length: float) -> Tensor:
        return L2(1.0).steepest(direction, length)
