"""What every attack promises that can be aimed at classes of the caller's choice."""

from typing import cast

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import Tensor, nn

from gnomon.attacks import PGD, TargetedAttack
from gnomon.errors import SettingError, SubjectError
from gnomon.objectives import scale_free_kl_divergence
from gnomon.seeds import generator
from gnomon.sets import L1, L2, InputSet, Linf
from reference.attacks_on_inputs import ATTACKS, TARGETED, examples_of, network_of

SETS = [Linf(0.15, (0.0, 1.0)), L2(0.5), L1(1.2)]


@pytest.fixture(params=TARGETED)
def attack(request: pytest.FixtureRequest) -> TargetedAttack:
    return cast("TargetedAttack", ATTACKS[request.param])


@pytest.fixture(params=SETS, ids=str)
def within(request: pytest.FixtureRequest) -> InputSet:
    return request.param


FEW = {"FGSM", "FAB-T within", "FMN", "PGD on the DLR", "APGD on the DLR"}
"""One step, a walk of few steps, or a quotient whose denominator can be driven up instead."""


def _aims(labels: Tensor) -> Tensor:
    """Another class for each example, not the same for all."""
    return (labels + 1 + torch.arange(len(labels)) % 3) % 4


def test_fooled_is_who_is_given_the_target(attack: TargetedAttack, within: InputSet) -> None:
    network = network_of()
    inputs, labels = examples_of(network)
    aims = _aims(labels)
    outcome = attack(network, inputs, labels, within, generator(1), targets=aims)
    answers = network(outcome.inputs).argmax(dim=1)
    assert torch.equal(outcome.fooled, answers == aims)
    already = network(inputs).argmax(dim=1) == aims
    assert int(outcome.fooled.sum()) > int(already.sum())
    assert torch.equal(outcome.inputs[~outcome.fooled], inputs[~outcome.fooled])
    moved = outcome.inputs.double() - inputs.double()
    assert float(within.distance(moved).max()) <= within.radius
    assert float(outcome.distance[already].max() if already.any() else 0.0) == 0


def test_one_class_stands_for_each(attack: TargetedAttack) -> None:
    network = network_of()
    inputs, labels = examples_of(network)
    kept = labels != 2
    inputs, labels = inputs[kept], labels[kept]
    one, each = (
        attack(network, inputs, labels, Linf(0.15), generator(1), targets=targets)
        for targets in (2, torch.full_like(labels, 2))
    )
    assert torch.equal(one.inputs, each.inputs)


def test_of_two_classes_the_other_is_any_wrong_one(attack: TargetedAttack) -> None:
    network = network_of(classes=2)
    inputs = torch.rand(40, 12, generator=generator(0))
    labels = network(inputs).argmax(dim=1)
    plain = attack(network, inputs, labels, Linf(0.1), generator(1))
    aimed = attack(network, inputs, labels, Linf(0.1), generator(1), targets=1 - labels)
    # The objectives are the same but for rounding, which may decide single examples.
    assert abs(int(plain.fooled.sum()) - int(aimed.fooled.sum())) <= 1


def _reachable(network: nn.Linear, x: Tensor, target: int, radius: float) -> float:
    """The most by which the target can exceed all others in the box: a linear programme."""
    weight, bias = (np.array(each.tolist()) for each in (network.weight, network.bias))
    others = [each for each in range(len(bias)) if each != target]
    slope = weight[target] - weight[others]
    level = slope @ np.array(x.tolist()) + bias[target] - bias[others]
    # Largest m with m − slope · δ ≤ level.
    columns = np.hstack([np.ones((len(others), 1)), -slope])
    bounds = [(None, None)] + [(-radius, radius)] * len(x)
    goal = np.zeros(1 + len(x))
    goal[0] = -1
    return -float(linprog(goal, A_ub=columns, b_ub=level, bounds=bounds).fun)


@pytest.mark.parametrize("name", TARGETED)
def test_of_an_affine_network_what_can_be_reached_is(name: str) -> None:
    """Nothing else is; and of what can be by a margin, attacks of several steps miss little.

    The target must exceed all others at once, so that a step along the present best other
    overshoots: a tenth of a typical margin is left to searches of a few steps.
    """
    network = nn.Linear(6, 4).eval()
    with torch.no_grad():
        network.weight.normal_(generator=generator(2))
        network.bias.zero_()
    inputs = torch.rand(60, 6, generator=generator(3))
    labels = network(inputs).argmax(dim=1)
    aims = _aims(labels)
    attack = cast("TargetedAttack", ATTACKS[name])
    outcome = attack(network, inputs, labels, Linf(0.3), generator(1), targets=aims)
    room = torch.tensor(
        [_reachable(network, x, int(t), 0.3) for x, t in zip(inputs, aims, strict=True)]
    )
    assert not bool(outcome.fooled[room < -1e-5].any())  # rounding of sums of six products
    sure = room > 0.1
    assert int(sure.sum()) > 10
    if name not in FEW:
        assert float(outcome.fooled[sure].double().mean()) > 0.9
    assert float(outcome.fooled[sure].double().mean()) > 0.3


def test_a_target_that_is_the_label_is_refused(attack: TargetedAttack) -> None:
    inputs, labels = examples_of(network_of())
    aims = _aims(labels)
    aims[7] = labels[7]
    with pytest.raises(SettingError, match=r"targets other than the labels.*index 7"):
        attack(network_of(), inputs, labels, Linf(0.1), generator(1), targets=aims)


def test_a_target_without_a_logit_is_refused(attack: TargetedAttack) -> None:
    inputs, labels = examples_of(network_of())
    for target in (4, -1):
        with pytest.raises(SubjectError, match="below 4"):
            attack(network_of(), inputs, labels, Linf(0.1), generator(1), targets=target)


def test_a_divergence_cannot_be_aimed() -> None:
    inputs, labels = examples_of(network_of())
    attack = PGD(objective=scale_free_kl_divergence)
    with pytest.raises(SettingError, match="looks at the label"):
        attack(network_of(), inputs, labels, Linf(0.1), generator(1), targets=_aims(labels))


def test_nan_reaches_no_target() -> None:
    class Breaking(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([x, -x], dim=1) + torch.sqrt(0.6 - x) * 0

    inputs, labels = torch.tensor([[0.5]]), torch.tensor([0])
    outcome = PGD()(Breaking(), inputs, labels, Linf(0.2), generator(0), targets=1)
    assert not bool(outcome.fooled)
