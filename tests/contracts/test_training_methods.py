"""What every training method keeps: the network, its replicas, and the identities it states."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gnomon.attacks.climb import Climb
from gnomon.bounds import IBP
from gnomon.errors import DivergedError, SettingError
from gnomon.networks import MLP, Signature
from gnomon.objectives import cross_entropy
from gnomon.seeds import generator
from gnomon.sets import L2, Linf, ParameterBox, radius
from gnomon.training import SGD, Batch, Run, Standard, Training, TrainingMethod
from gnomon.training.adversaries import (
    AttackedInputs,
    EnclosedInputs,
    EnclosedParameters,
    LayerwiseAscent,
    MovedInputs,
    MovedParameters,
    Sharpness,
)
from gnomon.training.case import Case
from gnomon.training.criteria import MisclassificationAware, Tradeoff, WorstCase
from gnomon.training.methods import (
    APP,
    ASAM,
    CROWNIBP,
    MART,
    NFGSM,
    RWP,
    SABR,
    SAM,
    TRADES,
    TRADESAWP,
    AWPTraining,
    FastTraining,
    FGSMTraining,
    FreeTraining,
    GradAlign,
    IBPTraining,
    NoiseTraining,
    PGDTraining,
    RandomWeightPerturbation,
)
from gnomon.training.min_max import MinMax
from gnomon.training.ramps import Full, LinearRamp, SmoothRamp
from gnomon.training.replicas import ReplicatedNetwork, parameters_of
from reference.groups import alone, together, varied
from reference.small_experiments import RANDOM, run, small

SIGNATURE = Signature((3,), 4, (0.0,) * 3, (1.0,) * 3)
EPSILON, BOX = Linf(0.1), ParameterBox(radius.Relative(0.02))
METHODS: dict[str, TrainingMethod] = {
    "standard": Standard(),
    "noise": NoiseTraining(0.1),
    "random_weights": RandomWeightPerturbation(0.05),
    "fgsm_at": FGSMTraining(EPSILON),
    "fast_at": FastTraining(EPSILON),
    "n_fgsm": NFGSM(EPSILON),
    "gradalign": GradAlign(EPSILON),
    "free_at": FreeTraining(EPSILON, replays=2),
    "pgd_at": PGDTraining(EPSILON, steps=3),
    "trades": TRADES(EPSILON, steps=3),
    "mart": MART(EPSILON, steps=3),
    "sam": SAM(),
    "asam": ASAM(),
    "at_awp": AWPTraining(EPSILON, size=0.05, steps=2),
    "trades_awp": TRADESAWP(EPSILON, size=0.05, steps=2),
    "rwp": RWP(EPSILON, steps=2, weight_steps=3),
    "ibp": IBPTraining(EPSILON),
    "crown_ibp": CROWNIBP(EPSILON, clean_weight=0.2, final_share=0.3),
    "sabr": SABR(EPSILON, steps=2),
    "app": APP(EPSILON, radius.Relative(0.02)),
    "app_tanh": APP(EPSILON, radius.Tanh(0.05), biases=False, detached=True, ramp=Full()),
    "pgd_and_boxes": MinMax(AttackedInputs(EPSILON, 2), EnclosedParameters(BOX)),
    "boxes_and_awp": MinMax(EnclosedInputs(EPSILON), LayerwiseAscent(0.05)),
    "trades_and_boxes": MinMax(EnclosedInputs(EPSILON), EnclosedParameters(BOX), Tradeoff()),
}


def network_for(name: str) -> MLP:
    """Small, with dropout and, where that is well defined, batch normalisation.

    Only rounding moves a bias before a normalisation away from 0, and decides the sign of it;
    the derivative of a relative radius is that sign.
    """
    plain = "Relative(" in repr(METHODS[name])
    return MLP(hidden=(6,), normalization="none" if plain else "batch", dropout=0.2)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_serves_one_network_and_many(name: str, tmp_path: Path) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        training = Training(method=METHODS[name], epochs=1, batch_size=20, optimizer=SGD(0.9))
        experiments = varied(small(training, network_for(name), examples=60), 2)
        group, single = together(experiments, tmp_path), alone(experiments, tmp_path)
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip(group, single, strict=True):
        assert not isinstance(one, DivergedError)
        assert not isinstance(other, DivergedError)
        for key, tensor in other.network.state_dict().items():
            # Three steps in float64.
            found = one.network.state_dict()[key]
            torch.testing.assert_close(found, tensor, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", METHODS)
def test_a_method_trains_in_mixed_precision(name: str, tmp_path: Path) -> None:
    """In bfloat16, whose 8 bits are seen in validation, to about the loss of float32."""
    training = Training(method=METHODS[name], epochs=1, batch_size=20, optimizer=SGD(0.9))
    exact = small(training, network_for(name), examples=60)
    rough = replace(exact, training=replace(training, precision="bfloat16"))
    (first,), (second,) = run(exact, tmp_path / "a").history, run(rough, tmp_path / "b").history
    assert first.validation_loss != second.validation_loss
    assert first.train_loss == pytest.approx(second.train_loss, rel=0.05)


def test_bounds_keep_full_precision(tmp_path: Path) -> None:
    """A training on bounds alone is the same to the bit; validation is not."""
    method = APP(EPSILON, radius.Relative(0.02), clean_weight=0.0, ramp=Full())
    exact = small(Training(method=method, epochs=2, batch_size=20), examples=60)
    rough = replace(exact, training=replace(exact.training, precision="bfloat16"))
    one, other = run(exact, tmp_path / "a"), run(rough, tmp_path / "b")
    assert [each.train_loss for each in one.history] == [
        each.train_loss for each in other.history
    ]
    assert all(
        torch.equal(each, other.network.state_dict()[key])
        for key, each in one.network.state_dict().items()
    )
    assert one.history[0].validation_loss != other.history[0].validation_loss


def subject(seed: int = 0) -> tuple[nn.Module, Batch]:
    """A network and a batch in float64."""
    network = MLP(hidden=(8, 8))(SIGNATURE, generator(seed)).double().train()
    inputs = torch.rand(10, 3, generator=generator(seed, "x"), dtype=torch.float64)
    labels = torch.randint(4, (10,), generator=generator(seed, "y"))
    return network, Batch(inputs, labels, (0.0, 1.0))


@pytest.mark.parametrize("name", METHODS)
def test_a_loss_leaves_parameters_and_modes_as_they_are(name: str) -> None:
    network, batch = subject()
    before = {key: each.clone() for key, each in network.state_dict().items()}
    loss = METHODS[name].loss(network, batch, generator(0))
    assert loss.values.shape == loss.correct.shape == (10,)
    assert loss.values.isfinite().all()
    assert network.training
    assert all(module.training for module in network.modules())
    assert all(each.grad is None for each in network.parameters())
    loss.value.backward()
    assert any(each.grad is not None and each.grad.any() for each in network.parameters())
    for key, each in network.state_dict().items():
        assert torch.equal(each, before[key])


def weights_after(method: TrainingMethod, folder: Path) -> Mapping[str, Tensor]:
    """What a short training with this method ends in."""
    training = Training(method=method, epochs=2, batch_size=16)
    return run(small(training, RANDOM), folder).network.state_dict()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (APP(EPSILON, radius.Relative(0.0)), IBPTraining(EPSILON)),
        (APP(Linf(0.0), radius.Relative(0.0), clean_weight=0.0, ramp=Full()), Standard()),
        (IBPTraining(Linf(0.0), clean_weight=0.0, ramp=Full()), Standard()),
        (PGDTraining(Linf(0.0)), Standard()),
        (AWPTraining(Linf(0.0), size=0.0), Standard()),
        (SABR(EPSILON, share=1.0), IBPTraining(EPSILON, clean_weight=0.0)),
    ],
    ids=["app-ibp", "app-standard", "ibp-standard", "pgd-standard", "awp-standard", "sabr-ibp"],
)
def test_methods_that_coincide_agree_to_the_bit(
    one: TrainingMethod, other: TrainingMethod, tmp_path: Path
) -> None:
    first, second = weights_after(one, tmp_path / "a"), weights_after(other, tmp_path / "b")
    assert all(torch.equal(each, second[key]) for key, each in first.items())


def test_bounds_over_nearly_nothing_are_the_plain_loss() -> None:
    network, batch = subject()
    tiny = MinMax(
        EnclosedInputs(Linf(1e-12)), EnclosedParameters(ParameterBox(radius.Relative(1e-12)))
    )
    found = tiny.loss(network, batch, generator(0)).values
    torch.testing.assert_close(
        found, cross_entropy(network(batch.inputs), batch.labels), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize(
    "criterion", [WorstCase(), WorstCase(0.4), Tradeoff(), MisclassificationAware()]
)
def test_the_bound_is_never_below_a_sampled_or_attacked_loss(
    criterion: WorstCase | Tradeoff | MisclassificationAware,
) -> None:
    network, batch = subject()
    box = ParameterBox(radius.Relative(0.05))
    bounded = MinMax(EnclosedInputs(EPSILON), EnclosedParameters(box), criterion)
    with torch.no_grad():
        limit = bounded.loss(network, batch, generator(0)).values
    source, region = generator(1), box.of(network).detach()
    within = EPSILON.with_domain((0.0, 1.0))
    around, least = within.around(batch.inputs), torch.full_like(limit, torch.inf)
    for draw in range(60):
        points = around.perturb(around.sample(source))
        if draw % 3 == 0:
            points = Climb(5)(network, batch.inputs, batch.labels, within, source)
        weights = region.vertex(source) if draw % 2 else region.sample(source)
        with torch.no_grad():
            value = criterion(Sampled(network, batch, points, weights))
        assert (value <= limit + 1e-12).all()
        least = least.minimum(limit - value)
    assert least.max() < 5.0  # and it is no bound of another kind of thing


class Sampled(Case):
    """A case at one member of the box, compared with the answer of the network itself."""

    def __init__(
        self, network: nn.Module, batch: Batch, points: Tensor, weights: Mapping[str, Tensor]
    ) -> None:
        moved = MovedParameters({name: each[None] for name, each in weights.items()})
        super().__init__(network, batch, MovedInputs(points), moved, IBP())

    @property
    def clean(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The logits of the network's own parameters."""
        return self.plain


def mean_slopes(network: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """The gradient of the mean cross-entropy by parameter."""
    names, each = zip(*network.named_parameters(), strict=True)
    value = cross_entropy(network(batch.inputs), batch.labels).mean()
    return dict(zip(names, torch.autograd.grad(value, each), strict=True))


def test_awp_moves_each_weight_by_its_length_along_its_gradient() -> None:
    network, batch = subject()
    slopes = mean_slopes(network, batch)

    def losses(parameters: Mapping[str, Tensor] | None) -> Tensor:
        moved = MovedParameters(parameters)
        case = Case(network, batch, MovedInputs(batch.inputs), moved, IBP())
        return WorstCase()(case)

    found = LayerwiseAscent(0.03)(network, losses, batch, generator(0)).centre
    joint = Sharpness(0.03)(network, losses, batch, generator(0)).centre
    assert found is not None
    assert joint is not None
    length = torch.cat([each.flatten() for each in slopes.values()]).norm()
    for name, own in network.named_parameters():
        step = found[name][0] - own
        if own.dim() > 1:
            expected = 0.03 * own.norm() * slopes[name] / slopes[name].norm()
            torch.testing.assert_close(step, expected, rtol=1e-9, atol=1e-12)
        else:
            assert not step.any()
        together_ = 0.03 * slopes[name] / length
        torch.testing.assert_close(joint[name][0] - own, together_, rtol=1e-9, atol=1e-12)


def test_ramps_begin_at_0_and_end_at_1() -> None:
    for ramp in (LinearRamp(0.1, 0.6), SmoothRamp(0.1, 0.6)):
        values = [ramp(t / 100) for t in range(101)]
        assert values[:11] == [0.0] * 11
        assert values[60:] == pytest.approx([1.0] * 41)
        assert all(a <= b for a, b in pairwise(values))
    assert LinearRamp(0.0, 1.0)(0.25) == 0.25
    # The smooth one, in two ways at its joint: u = 1/4, and the slopes on both sides.
    smooth = SmoothRamp(0.0, 1.0)
    slopes = [(smooth(0.25 + s) - smooth(0.25)) / s for s in (1e-6, -1e-6)]
    assert slopes[0] == pytest.approx(slopes[1], rel=1e-4)


def test_replicas_name_their_parameters_as_one_network_does() -> None:
    network, _ = subject()
    many = ReplicatedNetwork([network, subject(1)[0]])
    assert list(parameters_of(network)) == list(parameters_of(many))


BROKEN = (
    r"bounds: expected a finite loss, got (inf|nan); the intervals blew up at layer linear3"
)


def test_bounds_that_blow_up_name_the_layer() -> None:
    network, batch = subject()
    with torch.no_grad():
        weights = dict(network.named_parameters())
        weights["linear2.weight"].mul_(1e300)
        weights["linear3.weight"].mul_(1e10)
    method = IBPTraining(EPSILON, clean_weight=0.0, ramp=Full())
    (reason,) = method.loss(network, batch, generator(0)).broken.values()
    assert re.match(BROKEN, reason)
    many = ReplicatedNetwork([subject(1)[0], network, subject(2)[0]])
    many.examples = len(batch)
    inputs, labels = torch.cat([batch.inputs] * 3), torch.cat([batch.labels] * 3)
    loss = method.loss(many, Batch(inputs, labels, batch.domain), generator(0))
    assert loss.broken == {1: reason}
    assert loss.values.view(3, -1).isfinite().all(dim=1).tolist() == [True, False, True]


@pytest.mark.parametrize("trains", [alone, together])
def test_a_training_whose_bounds_blow_up_ends_with_the_name_of_the_layer(
    trains: Callable[..., list[Run | DivergedError]], tmp_path: Path
) -> None:
    method = APP(EPSILON, radius.Constant(1e30), clean_weight=0.0, ramp=Full())
    training = Training(method=method, epochs=1, batch_size=20)
    experiments = varied(small(training, MLP(hidden=(6,)), examples=60), 2)
    for ended in trains(experiments, tmp_path):
        assert isinstance(ended, DivergedError)
        assert re.search(r"the intervals (blew up at|widen most at) layer linear\d", str(ended))


def test_bounds_that_blow_up_are_named_where_the_group_lies() -> None:
    """A group may have moved since it was made; its type of number stands for a device here."""
    networks = [MLP(hidden=(4,) * 10)(SIGNATURE, generator(seed)) for seed in range(2)]
    with torch.no_grad():
        for parameter in networks[1].parameters():
            parameter.mul_(1e35)
    many = ReplicatedNetwork(networks).double()
    many.examples = 5
    inputs, labels = torch.rand(10, 3, dtype=torch.float64), torch.zeros(10, dtype=torch.long)
    method = IBPTraining(EPSILON, clean_weight=0.0, ramp=Full())
    loss = method.loss(many, Batch(inputs, labels, (0.0, 1.0)), generator(0))
    assert list(loss.broken) == [1]


def test_statistics_for_bounds_are_of_what_bounds_see() -> None:
    """Nothing is dropped in either, so that a tiny set gives the loss without dropout."""
    method = IBPTraining(Linf(1e-12), clean_weight=0.0, ramp=Full())
    inputs = torch.rand(40, 3, generator=generator(0, "x"), dtype=torch.float64)
    labels = torch.randint(4, (40,), generator=generator(0, "y"))
    found = list[Tensor]()
    for dropout in (0.0, 0.5):
        network = MLP((16, 16), normalization="batch", dropout=dropout)(SIGNATURE, generator(0))
        network.double().train()
        loss = method.loss(network, Batch(inputs, labels, (0.0, 1.0)), generator(0))
        found.append(loss.values)
    torch.testing.assert_close(found[0], found[1], rtol=1e-9, atol=0)


def test_an_overflow_does_not_move_the_perturbation() -> None:
    network, batch = subject()
    method = FreeTraining(L2(0.1))
    carried = torch.zeros_like(batch.inputs).requires_grad_()
    carried.grad = torch.full_like(batch.inputs, torch.inf)
    moved = replace(batch, carried=carried)
    assert method.loss(network, moved, generator(0)).values.isfinite().all()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: IBPTraining(EPSILON, clean_weight=7.0),
        lambda: APP(EPSILON, radius.Relative(0.1), clean_weight=-1.0),
        lambda: SABR(EPSILON, share=3.0),
        lambda: SABR(EPSILON, steps=0),
        lambda: CROWNIBP(EPSILON, final_share=2.0),
        lambda: CROWNIBP(EPSILON, clean_weight=2.0),
        lambda: PGDTraining(EPSILON, steps=0),
        lambda: AWPTraining(EPSILON, size=-1.0),
        lambda: NFGSM(L2(0.1)),
        lambda: NFGSM(EPSILON, relative_step=-1.0),
        lambda: NFGSM(EPSILON, noise=-1.0),
        lambda: SAM(-1.0),
        lambda: RWP(EPSILON, weight_steps=0),
        lambda: TRADES(EPSILON, weight=-6.0),
        lambda: MART(EPSILON, weight=-6.0),
        lambda: GradAlign(EPSILON, weight=-1.0),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_trained(
    wrong: Callable[[], TrainingMethod],
) -> None:
    with pytest.raises(SettingError, match="expected"):
        wrong()


def test_the_smooth_ramp_is_that_of_its_source() -> None:
    """u⁴ / (m³ (4 − 3 m)) up to m = 1/4, a line beyond: 1/13 at 1/4, 5/13 at 1/2."""
    ramp = SmoothRamp(0.0, 1.0)
    assert ramp(0.125) == pytest.approx(0.125**4 * 64 / 3.25)
    assert ramp(0.25) == pytest.approx(1 / 13)
    assert ramp(0.5) == pytest.approx(5 / 13)
