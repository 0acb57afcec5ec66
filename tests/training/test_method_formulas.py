"""The formulas of the methods, written out once more, beside what the methods compute."""

import copy
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.algebra import Interval, enclose
from gnomon.attacks import UniformNoise
from gnomon.bounds import CROWN, IBP
from gnomon.errors import SettingError
from gnomon.networks import MLP, Signature
from gnomon.objectives import cross_entropy
from gnomon.seeds import generator
from gnomon.sets import L2, Box, InputSet, Linf
from gnomon.training import Batch
from gnomon.training.adversaries import (
    AttackedInputs,
    EnclosedInputs,
    LayerwiseAscent,
    MovedInputs,
    MovedParameters,
    NoisyStep,
    RandomWeights,
    RobustAscent,
    Sharpness,
    SmallBoxes,
)
from gnomon.training.case import Case
from gnomon.training.criteria import MisclassificationAware, Tradeoff, WorstCase
from gnomon.training.methods import CROWNIBP, FreeTraining, GradAlign
from gnomon.training.min_max import MinMax
from gnomon.training.ramps import LinearRamp

SIGNATURE = Signature((3,), 4, (0.0,) * 3, (1.0,) * 3)
NETWORK = MLP(hidden=(8, 8))(SIGNATURE, generator(0)).double()
INPUTS = torch.rand(10, 3, generator=generator(0, "x"), dtype=torch.float64)
LABELS = torch.randint(4, (10,), generator=generator(0, "y"))
BATCH = Batch(INPUTS, LABELS, (0.0, 1.0))
EPSILON = Linf(0.1)
OWN = {name: each.detach().clone() for name, each in NETWORK.named_parameters()}


def losses(parameters: Mapping[str, Tensor] | None) -> Tensor:
    """What adversaries of the parameters see."""
    case = Case(NETWORK, BATCH, MovedInputs(INPUTS), MovedParameters(parameters), IBP())
    return WorstCase()(case)


def slope(inputs: Tensor) -> Tensor:
    """The gradient by the inputs, differentiable."""
    points = inputs.detach().requires_grad_()
    value = cross_entropy(NETWORK(points), LABELS).sum()
    return torch.autograd.grad(value, points, create_graph=True)[0]


def length(tensors: Mapping[str, Tensor]) -> Tensor:
    """Of all together."""
    return torch.cat([each.flatten() for each in tensors.values()]).norm()


def test_asam() -> None:
    """ρ T² g / ‖T g‖, with T = |w| + η for weights and 1 for biases."""
    found = Sharpness(0.5, 0.01)(NETWORK, losses, BATCH, generator(0)).centre
    value = cross_entropy(NETWORK(INPUTS), LABELS).mean()
    slopes = dict(zip(OWN, torch.autograd.grad(value, list(NETWORK.parameters())), strict=True))
    scale = {
        name: own.abs() + 0.01 if "weight" in name else torch.ones_like(own)
        for name, own in OWN.items()
    }
    whole = length({name: scale[name] * slopes[name] for name in OWN})
    assert found is not None
    for name, own in OWN.items():
        expected = own + 0.5 * scale[name] ** 2 * slopes[name] / whole
        torch.testing.assert_close(found[name][0], expected)


def robustly_perturbed(size: float, steps: int, threshold: float) -> dict[str, Tensor]:
    """The weights where robust weight perturbation ends, with copies as in its source.

    Every step of descent starts from the network at the full distance so far.
    """
    weights = {name: own for name, own in OWN.items() if own.dim() > 1}
    change = {name: torch.zeros_like(own) for name, own in weights.items()}
    reached = dict(weights)
    for _ in range(steps):
        proxy = copy.deepcopy(NETWORK)
        with torch.no_grad():
            for name, weight in reached.items():
                proxy.get_parameter(name).copy_(weight)
        optimizer = torch.optim.SGD(proxy.parameters(), lr=0.01)
        each = cross_entropy(proxy(INPUTS), LABELS)
        (-(each * (each.detach() < threshold)).mean()).backward()
        optimizer.step()
        for name, weight in reached.items():
            change[name] = change[name] + proxy.get_parameter(name).detach() - weight
        scale = size * length(weights) / length(change)
        reached = {name: own + scale * change[name] for name, own in weights.items()}
    return reached


@pytest.mark.parametrize("threshold", [1.4, torch.inf])
def test_rwp(threshold: float) -> None:
    """Each gradient is at the full distance γ ‖w‖, of losses that are below c there."""
    below = int((cross_entropy(NETWORK(INPUTS), LABELS) < 1.4).sum())
    assert 0 < below < len(LABELS)
    found = RobustAscent(0.3, 4, threshold)(NETWORK, losses, BATCH, generator(0)).centre
    assert found is not None
    for name, expected in robustly_perturbed(0.3, 4, threshold).items():
        torch.testing.assert_close(found[name][0], expected, rtol=1e-9, atol=1e-12)
        assert not torch.allclose(expected, robustly_perturbed(0.3, 1, threshold)[name])
    for name, own in OWN.items():
        assert own.dim() > 1 or torch.equal(found[name][0], own)


def test_random_weights_have_noise_as_long_as_their_filters() -> None:
    """The deviation is γ ‖row‖; of 3,000 draws, eight numbers a row, known to 1 %."""
    draws = [
        RandomWeights(0.2)(NETWORK, losses, BATCH, generator(seed)).centre
        for seed in range(3000)
    ]
    name = "linear2.weight"
    moved = torch.stack([each[name][0].detach() - OWN[name] for each in draws if each])
    expected = 0.2 * OWN[name].norm(dim=1)
    ratio = moved.square().mean(dim=(0, 2)).sqrt() / expected
    torch.testing.assert_close(ratio, torch.ones_like(ratio), rtol=0.04, atol=0)


def test_n_fgsm_steps_from_a_noisy_input_without_projection() -> None:
    found = NoisyStep(EPSILON)(NETWORK, BATCH, generator(7)).points
    noisy = UniformNoise(0.2)(INPUTS, (0.0, 1.0), generator(7))
    expected = (noisy + 0.1 * slope(noisy).detach().sign()).clamp(0, 1)
    torch.testing.assert_close(found, expected)
    assert float((found - INPUTS).abs().max()) > 0.15


def test_free_at_moves_the_perturbation_up_by_the_gradient_of_the_step() -> None:
    method = FreeTraining(EPSILON, replays=2)
    first = method.loss(NETWORK, BATCH, generator(0))
    assert first.carried is not None
    assert not first.carried.any()
    first.value.backward()
    again = Batch(INPUTS, LABELS, (0.0, 1.0), 1.0, first.carried)
    second = method.loss(NETWORK, again, generator(0)).carried
    moved = (INPUTS + 0.1 * slope(INPUTS).detach().sign()).clamp(0, 1) - INPUTS
    assert second is not None
    torch.testing.assert_close(second.detach(), moved)


@pytest.mark.parametrize("within", [EPSILON, L2(0.1)], ids=["linf", "l2"])
def test_gradalign_keeps_the_gradient_from_turning(within: InputSet) -> None:
    """Value and derivative in the parameters; η is in the set."""
    found = GradAlign(within, weight=0.7).loss(NETWORK, BATCH, generator(5)).values
    here = within.with_domain((0.0, 1.0))
    noise = here.around(INPUTS).sample(generator(5))
    assert here.around(INPUTS).contains(noise).all()
    turn = 1 - functional.cosine_similarity(slope(INPUTS), slope(INPUTS + noise), dim=1)
    step = within.steepest(slope(INPUTS).detach(), within.radius)
    points = INPUTS + here.around(INPUTS).project(step)
    expected = cross_entropy(NETWORK(points), LABELS) + 0.7 * turn
    torch.testing.assert_close(found, expected)
    parameters = list(NETWORK.parameters())
    for one, other in zip(
        torch.autograd.grad(found.mean(), parameters),
        torch.autograd.grad(expected.mean(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_mart() -> None:
    """−log p̂_y − log(1.0001 − max p̂) + β (1 − p_y) KL(p ‖ p̂)."""
    points = (INPUTS + 0.05).clamp(0, 1)
    case = Case(NETWORK, BATCH, MovedInputs(points), MovedParameters(), IBP())
    clean, worst = (NETWORK(each).softmax(dim=1) for each in (INPUTS, points))
    own = (torch.arange(10), LABELS)
    others = worst.clone()
    others[own] = 0
    divergence = (clean * (clean / worst).log()).sum(dim=1)
    boosted = -worst[own].log() - (1.0001 - others.amax(dim=1)).log()
    torch.testing.assert_close(
        MisclassificationAware(5.0)(case), boosted + 5 * (1 - clean[own]) * divergence
    )


@pytest.mark.parametrize("share", [0.25, 0.5, 0.8, 1.0])
@pytest.mark.parametrize(
    "within",
    [Linf(0.1), Box(-0.1, torch.tensor([0.02, 0.1, 0.3])), Linf(0.6), Linf(3.0)],
    ids=["linf", "box", "half", "all"],
)
def test_a_small_box_is_shifted_inside_the_domain_and_lies_in_the_set(
    within: Linf | Box, share: float
) -> None:
    """As wide as it may be: all of its sides, or what the set and the domain have in common."""
    inputs = torch.rand(200, 3, generator=generator(1), dtype=torch.float64)
    inputs[:100] = inputs[:100].round()  # as the pixels of many images, black or white
    batch = Batch(inputs, torch.arange(200) % 4, (0.0, 1.0))
    found = SmallBoxes(within, share)(NETWORK, batch, generator(3))
    assert found.within is not None
    box = enclose(found.points, found.within)
    whole = enclose(inputs, within.with_domain((0.0, 1.0)))
    assert isinstance(box, Interval)
    assert isinstance(whole, Interval)
    slack = 1e-12  # some roundings of numbers up to 3
    assert bool(
        (box.lower >= whole.lower - slack).all() & (box.upper <= whole.upper + slack).all()
    )
    sides = within.at(torch.ones_like(inputs)) - within.at(-torch.ones_like(inputs))
    widest = (share * sides).minimum(whole.upper - whole.lower)
    torch.testing.assert_close(box.upper - box.lower, widest, rtol=0, atol=slack)


def test_small_boxes_without_a_domain_stay_where_the_attack_ends() -> None:
    attack = AttackedInputs(Linf(0.1 * 0.75), 8)
    batch = Batch(INPUTS, LABELS)
    found = SmallBoxes(EPSILON, share=0.25)(NETWORK, batch, generator(3))
    assert torch.equal(found.points, attack(NETWORK, batch, generator(3)).points)


def test_small_boxes_lie_in_the_set_and_reach_its_border() -> None:
    found = SmallBoxes(EPSILON, share=0.25, steps=20)(NETWORK, BATCH, generator(3))
    assert found.within is not None
    assert found.within.radius == pytest.approx(0.025)
    away = (found.points - INPUTS).abs()
    assert float(away.max()) == pytest.approx(0.075)
    assert bool((away <= 0.075 + 1e-12).all())


@pytest.mark.parametrize(("progress", "share"), [(0.25, 0.8), (0.5, 0.6), (1.0, 0.2)])
def test_crown_ibp_mixes_both_bounds_by_the_strength(progress: float, share: float) -> None:
    """With a ramp r(t) = t, the share of CROWN is 1 − (1 − 0.2) t, κ is 1 − t."""
    method = CROWNIBP(EPSILON, 0.0, final_share=0.2, ramp=LinearRamp(0.0, 1.0))
    batch = Batch(INPUTS, LABELS, (0.0, 1.0), progress)
    within = Linf(0.1 * progress, (0.0, 1.0))
    given = (NETWORK, INPUTS, LABELS, within, None)
    tight, wide = CROWN(intermediate="interval")(*given).upper, IBP()(*given).upper
    margins = share * tight + (1 - share) * wide
    bound = functional.cross_entropy(margins, LABELS, reduction="none")
    expected = (1 - progress) * cross_entropy(NETWORK(INPUTS), LABELS) + progress * bound
    found = method.loss(NETWORK, batch, generator(0)).values
    torch.testing.assert_close(found, expected)


def test_ties_are_not_certified() -> None:
    """All margins of a network that always says the same are 0."""
    network = copy.deepcopy(NETWORK)
    for parameter in network.parameters():
        nn.init.zeros_(parameter)
    method = CROWNIBP(EPSILON, 0.0, final_share=0.2, ramp=LinearRamp(0.0, 0.5))
    assert not method.loss(network, BATCH, generator(0)).correct.any()


@pytest.mark.parametrize("adversary", [RobustAscent(), LayerwiseAscent()])
def test_a_network_without_matrices_has_no_weights_to_move(
    adversary: RobustAscent | LayerwiseAscent,
) -> None:
    """Not even where the scale and shift of a normalisation have two axes."""
    for network in (nn.BatchNorm1d(3).double(), nn.LayerNorm([2, 3])):
        with pytest.raises(SettingError, match=r"two axes or more .* none among weight, bias"):
            adversary(network, losses, BATCH, generator(0))
    with pytest.raises(SettingError, match="none among no parameters"):
        adversary(nn.ReLU(), losses, BATCH, generator(0))


@pytest.mark.parametrize("criterion", [WorstCase(), Tradeoff(), MisclassificationAware()])
def test_bounds_are_computed_once(
    criterion: WorstCase | Tradeoff | MisclassificationAware, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    bounded = Case.bounded
    monkeypatch.setattr(Case, "bounded", lambda *given: calls.append(given) or bounded(*given))
    loss = MinMax(EnclosedInputs(Linf(0.01)), criterion=criterion).loss(
        NETWORK, BATCH, generator(0)
    )
    assert len(calls) == 1
    certified = IBP()(NETWORK, INPUTS, LABELS, Linf(0.01, (0.0, 1.0))).certified
    assert torch.equal(loss.correct, certified)
    assert 0 < int(certified.sum()) < len(LABELS)
