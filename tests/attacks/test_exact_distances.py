"""Attacks beside exact distances: none is nearer than is possible, the strong ones are near."""

import pytest
import torch
from torch import Tensor, nn

from gnomon.attacks import (
    APGDT,
    BIM,
    FAB,
    FABT,
    FGSM,
    FMN,
    PGD,
    AutoAttack,
    DeepFool,
    InputAttack,
    Part,
    SquareAttack,
)
from gnomon.seeds import generator
from gnomon.sets import L2, Linf
from reference.nearest_fooling_point import Distances, Norm, nearest_fooling_points

NORMS: tuple[Norm, Norm] = ("Linf", "L2")
SETS = {"Linf": Linf, "L2": L2}
MOST = 3.0
IN_A_SET: dict[str, tuple[InputAttack, float]] = {
    "FGSM": (FGSM(), 0.7),
    "BIM": (BIM(), 0.7),
    "PGD": (PGD(restarts=5), 0.9),
    "APGD-T": (APGDT(steps=40, restarts=3), 0.9),
    "Square": (SquareAttack(queries=300), 0.9),
    "AutoAttack": (
        AutoAttack((Part("APGD-T", APGDT(steps=30)), Part("FAB", FAB(steps=20)))),
        0.9,
    ),
}
NEAREST: dict[str, tuple[InputAttack, float]] = {
    "DeepFool": (DeepFool(), 1.1),
    "FMN": (FMN(steps=100), 1.01),
    "FAB": (FAB(steps=40), 1.01),
    "FAB-T": (FABT(steps=40), 1.01),
}


def _network(activation: nn.Module, features: int = 2) -> nn.Sequential:
    network = nn.Sequential(
        nn.Linear(features, 12), activation, nn.Linear(12, 12), activation, nn.Linear(12, 3)
    )
    for index, parameter in enumerate(network.parameters()):
        with torch.no_grad():
            parameter.normal_(0, 0.7, generator=generator(index, "parameter"))
    return network.double().eval()


def _examples(network: nn.Module, count: int, features: int = 2) -> tuple[Tensor, Tensor]:
    inputs = 2 * torch.randn(count, features, generator=generator(0, "examples")).double()
    with torch.no_grad():
        return inputs, network(inputs).argmax(dim=1)


@pytest.fixture(scope="module", params=NORMS)
def norm(request: pytest.FixtureRequest) -> Norm:
    return request.param


@pytest.fixture(scope="module", params=["relu", "tanh"])
def network(request: pytest.FixtureRequest) -> nn.Module:
    return _network(nn.ReLU() if request.param == "relu" else nn.Tanh())


@pytest.fixture(scope="module")
def exact(network: nn.Module, norm: Norm) -> Distances:
    return nearest_fooling_points(network, *_examples(network, 20), norm, MOST)


@pytest.mark.parametrize("features", [1, 2, 3])
def test_a_linear_network_has_the_distances_of_its_hyperplanes(
    features: int, norm: Norm
) -> None:
    """The least |z_y − z_j| / ‖w_y − w_j‖, in the dual norm."""
    network = nn.Sequential(nn.Linear(features, 4)).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(generator=generator(0, str(parameter.shape)))
        weight = next(network.parameters())
        inputs, labels = _examples(network, 12, features)
        logits = network(inputs)
        gaps = logits.gather(1, labels[:, None]) - logits
        between = weight[labels][:, None] - weight
        away = gaps / between.norm(p=1 if norm == "Linf" else 2, dim=2)
    expected = away.scatter(1, labels[:, None], torch.inf).amin(dim=1)
    found = nearest_fooling_points(network, inputs, labels, norm, 20.0)
    assert bool((found.lower <= expected).all())
    assert bool((expected <= found.upper).all())
    assert bool((found.upper <= found.lower / (1 - 1.001e-3)).all())


def test_no_point_of_a_dense_grid_is_wrong_nearer(
    network: nn.Module, norm: Norm, exact: Distances
) -> None:
    inputs, labels = _examples(network, 20)
    side, order = torch.linspace(-1, 1, 201).double(), torch.inf if norm == "Linf" else 2
    grid = torch.cartesian_prod(side, side)
    for index in exact.upper.isfinite().nonzero()[:5, 0].tolist():
        # Half as far again as the nearest point: cells are a seventieth of that wide.
        moves = 1.5 * grid * exact.upper[index]
        with torch.no_grad():
            wrong = network(inputs[index] + moves).argmax(dim=1) != labels[index]
        nearest = float(moves[wrong].norm(p=order, dim=1).min())
        assert exact.lower[index] <= nearest <= 1.04 * exact.upper[index]


def test_a_bracket_is_narrow_and_its_point_is_wrong(
    network: nn.Module, norm: Norm, exact: Distances
) -> None:
    inputs, labels = _examples(network, 20)
    found = exact.upper.isfinite()
    assert 10 < int(found.sum()) < 20
    assert bool((exact.upper <= exact.lower / (1 - 1.001e-3))[found].all())
    assert bool((exact.lower[~found] == MOST).all())
    with torch.no_grad():
        wrong = network(exact.points).argmax(dim=1) != labels
    assert torch.equal(wrong, found)
    away = SETS[norm](MOST).distance(exact.points - inputs)
    torch.testing.assert_close(away[found], exact.upper[found])


def test_nothing_is_found_beyond_the_largest_distance(network: nn.Module, norm: Norm) -> None:
    inputs, labels = _examples(network, 20)
    near = nearest_fooling_points(network, inputs, labels, norm, 0.3)
    assert bool(near.upper.isinf().any())
    assert bool((near.upper[near.upper.isfinite()] <= 0.3).all())
    labels = (labels + 1) % 3
    nowhere = nearest_fooling_points(network, inputs, labels, norm, 0.3)
    assert float(nowhere.upper.max()) == 0


@pytest.mark.parametrize("name", IN_A_SET)
def test_attacks_in_a_set_find_what_can_be_fooled(
    name: str, network: nn.Module, norm: Norm, exact: Distances
) -> None:
    attack, least = IN_A_SET[name]
    middle = float(exact.upper.median())
    outcome = attack(network, *_examples(network, 20), SETS[norm](1.01 * middle), generator(1))
    assert bool((outcome.distance >= exact.lower)[outcome.fooled].all())
    assert float(outcome.fooled[exact.upper <= middle].double().mean()) >= least


@pytest.mark.parametrize("name", NEAREST)
def test_attacks_for_the_nearest_point_come_near_it(
    name: str, network: nn.Module, norm: Norm, exact: Distances
) -> None:
    attack, most = NEAREST[name]
    outcome = attack(network, *_examples(network, 20), SETS[norm](3 * MOST), generator(1))
    assert bool((outcome.distance >= exact.lower)[outcome.fooled].all())
    ratio = torch.where(outcome.fooled, outcome.distance / exact.upper, torch.inf)
    assert float(ratio[exact.upper.isfinite()].median()) <= most
