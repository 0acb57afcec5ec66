"""How attacks see a network: precision, draws, surrogates, slopes from values alone."""

import pytest
import torch
from torch import Tensor, nn

from gnomon.attacks import (
    BIM,
    PGD,
    Antithetic,
    Ascent,
    Autograd,
    RandomPoint,
    Surrogate,
    View,
    fastest_precision,
)
from gnomon.attacks.outcome import NOBODY
from gnomon.errors import SettingError, SubjectError
from gnomon.objectives import margin, scale_free_kl_divergence
from gnomon.seeds import generator
from gnomon.sets import Linf

WITHIN = Linf(0.08)


class Winners(nn.Module):
    """The k largest units keep their value: its derivative says nothing of who wins."""

    def forward(self, x: Tensor) -> Tensor:
        least = x.topk(6, dim=1).values[:, -1:]
        return torch.where(x >= least, x, torch.zeros_like(x))


class Steps(nn.Module):
    """Rounds to multiples of 1/50: its derivative is 0 everywhere."""

    def forward(self, x: Tensor) -> Tensor:
        return (50 * x).round() / 50


class Jitter(nn.Module):
    """Adds noise that the caller's generator draws: another answer at every call."""

    def __init__(self, size: float) -> None:
        super().__init__()
        self.size, self.source = size, generator(3, "jitter")

    def forward(self, x: Tensor) -> Tensor:
        return x + self.size * torch.randn(x.shape, generator=self.source)


class Counter(nn.Module):
    """Counts its calls in a buffer, in place and anew."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("again", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.again = self.again + 1
        return x


def _network(*before: nn.Module, after: nn.Module | None = None) -> nn.Module:
    layers = [nn.Linear(12, 32), nn.Tanh(), nn.Linear(32, 4)]
    network = nn.Sequential(*before, *layers, *([after] if after else []))
    for index, parameter in enumerate(network.parameters()):
        with torch.no_grad():
            parameter.normal_(0, 0.5, generator=generator(0, str(index)))
    return network.eval()


def _examples(network: nn.Module, count: int = 60) -> tuple[Tensor, Tensor]:
    inputs = torch.rand(count, 12, generator=generator(0, "examples"))
    with torch.no_grad():
        return inputs, network(inputs).argmax(dim=1)


def test_the_slope_of_values_alone_is_the_gradient_of_a_linear_function() -> None:
    """Exactly so on average: 20,000 pairs leave a relative error of √(12 / 20,000) ≈ 2.4 %."""
    weights = torch.linspace(-1, 1, 12).double()
    points = torch.rand(3, 12, generator=generator(0)).double()
    found = Antithetic(20_000, 0.1)(
        lambda x: x * weights, points, lambda logits: logits.sum(dim=1), generator(1)
    )
    error = (found.gradient - weights).norm(dim=1) / weights.norm()
    assert float(error.max()) < 5 * 0.024
    torch.testing.assert_close(found.value, points @ weights)
    assert found.evaluations == 40_001


def test_its_scale_does_not_change_the_slope_of_a_linear_function() -> None:
    points = torch.zeros(1, 5).double()
    slopes = [
        Antithetic(30, scale)(lambda x: x, points, lambda logits: logits[:, 0], generator(1))
        for scale in (1e-3, 10.0)
    ]
    torch.testing.assert_close(slopes[0].gradient, slopes[1].gradient)


def test_values_alone_lead_through_steps_where_the_gradient_is_zero() -> None:
    network = _network(Steps())
    inputs, labels = _examples(network)
    blind = PGD(steps=10)(network, inputs, labels, WITHIN, generator(1))
    seeing = PGD(steps=10, view=View(slopes=Antithetic(50, 0.05)))(
        network, inputs, labels, WITHIN, generator(1)
    )
    assert blind.zero_gradients == 1
    assert seeing.zero_gradients < 0.05
    assert int(seeing.fooled.sum()) > int(blind.fooled.sum()) + 10
    assert int(seeing.queries.max()) >= 101


def test_a_surrogate_leads_through_steps_and_keeps_their_values() -> None:
    network = _network(Steps())
    inputs, labels = _examples(network)
    view = View(surrogates=(Surrogate(Steps, lambda x: x),))
    with view.of(network):
        torch.testing.assert_close(network(inputs), _network(Steps())(inputs))
    seeing = PGD(steps=10, view=view)(network, inputs, labels, WITHIN, generator(1))
    smooth = PGD(steps=10)(_network(), inputs, labels, WITHIN, generator(1))
    assert seeing.zero_gradients == 0
    assert int(seeing.fooled.sum()) >= 0.8 * int(smooth.fooled.sum())
    assert torch.equal(seeing.fooled, network(seeing.inputs).argmax(dim=1) != labels)
    assert not any(vars(module)["_forward_hooks"] for module in network.modules())


def test_a_surrogate_for_a_module_that_is_not_there_is_refused() -> None:
    network = _network()
    inputs, labels = _examples(network)
    view = View(surrogates=(Surrogate(Winners, torch.relu),))
    with pytest.raises(SubjectError, match="Winners"):
        PGD(view=view)(network, inputs, labels, WITHIN, generator(1))


def test_several_draws_of_a_random_network_are_averaged() -> None:
    network = _network(after=Jitter(0.5))
    inputs, labels = _examples(_network())
    many = BIM(steps=1, view=View(draws=400))(network, inputs, labels, Linf(0.0), generator(1))
    single = network(inputs).argmax(dim=1)
    assert int((single != labels).sum()) > 3  # single answers are wrong by chance
    # A mean of 400 has noise 0.025; nobody's margin may be as small for this to be exact.
    sure = -margin(_network()(inputs), labels) > 0.2
    assert not bool(many.fooled[sure].any())
    assert int(many.gradients.max()) == 400


def test_bfloat16_searches_and_the_network_itself_judges() -> None:
    network = _network()
    inputs, labels = _examples(network)
    full = PGD(steps=10)(network, inputs, labels, WITHIN, generator(1))
    half = PGD(steps=10, view=View("bfloat16"))(network, inputs, labels, WITHIN, generator(1))
    assert torch.equal(half.fooled, network(half.inputs).argmax(dim=1) != labels)
    assert abs(int(half.fooled.sum()) - int(full.fooled.sum())) <= 2
    assert half.inputs.dtype == torch.float32
    assert not torch.equal(half.inputs, full.inputs)  # otherwise nothing was narrower


def test_the_measured_precision_is_one_of_the_two() -> None:
    network = _network()
    assert fastest_precision(network, torch.rand(8, 12)) in {"network", "bfloat16"}


class _Clocked(nn.Module):
    """In bfloat16 its forward passes take half of the time, its gradients as much as ever."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = 0.0

    def forward(self, x: Tensor) -> Tensor:
        half, x = torch.is_autocast_enabled("cpu"), x.clone()
        self._tick(1 if half else 2)
        if x.requires_grad:
            x.register_hook(lambda _: self._tick(4 if half else 3))
        return x

    def _tick(self, seconds: float) -> None:
        self.clock += seconds


def test_logits_may_be_fastest_in_another_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    network, inputs = _Clocked(), torch.rand(8, 12)
    monkeypatch.setattr("gnomon.attacks.view.time.perf_counter", lambda: network.clock)
    assert fastest_precision(network, inputs) == "network"
    assert fastest_precision(network, inputs, of="logits") == "bfloat16"


def test_measuring_logits_asks_for_no_gradient() -> None:
    network = nn.Sequential(_network(), _Rounded())
    with pytest.raises(SubjectError):
        fastest_precision(network, torch.rand(8, 12))
    assert fastest_precision(network, torch.rand(8, 12), of="logits")


class _Rounded(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.detach().round()


def test_probabilities_are_searched_by_their_logarithms() -> None:
    """The softmax of logits × 30 is within rounding of 0 and 1: plain gradients are tiny."""
    network = _network()
    inputs, labels = _examples(network)
    sure = nn.Sequential(network, _Times(30.0), nn.Softmax(dim=1))
    plain = PGD(steps=10)(network, inputs, labels, WITHIN, generator(1))
    found = PGD(steps=10)(sure, inputs, labels, WITHIN, generator(1))
    assert abs(int(plain.fooled.sum()) - int(found.fooled.sum())) <= 1
    assert found.zero_gradients < 0.05  # where the others' probabilities underflow to 0


def test_buffers_are_put_back_whether_changed_or_replaced() -> None:
    network = _network(Counter())
    inputs, labels = _examples(_network())
    buffers = dict(network.named_buffers())
    PGD(steps=3)(network, inputs, labels, WITHIN, generator(1))
    assert all(buffers[name] is buffer for name, buffer in network.named_buffers())
    assert all(float(buffer) == 0 for buffer in buffers.values())


def test_divergence_is_driven_up_from_the_answer_itself() -> None:
    network = _network()
    inputs, labels = _examples(network)
    found = PGD(steps=10, objective=scale_free_kl_divergence)(
        network, inputs, labels, WITHIN, generator(1)
    )
    random = RandomPoint()(network, inputs, labels, WITHIN, generator(1))
    assert int(found.fooled.sum()) > int(random.fooled.sum())


def test_who_fooled_is_said_and_nobody_where_none_was_needed() -> None:
    network = _network()
    inputs, labels = _examples(network)
    labels[:5] = (labels[:5] + 1) % 4
    outcome = PGD(steps=10)(network, inputs, labels, WITHIN, generator(1))
    assert outcome.parts == (outcome.attack,)
    assert outcome.by[:5].tolist() == [NOBODY] * 5
    assert torch.equal(outcome.by[5:] == 0, outcome.fooled[5:])


def test_restarts_fill_the_batch_and_cost_what_they_did_one_after_the_other() -> None:
    """With everybody resisting, restarts follow one another; with few, they run together."""
    network = _Counting(_network())
    inputs, labels = _examples(network.inner)
    within = Linf(1e-4)  # nobody is fooled
    PGD(steps=4, restarts=5)(network, inputs, labels, within, generator(1))
    assert network.calls == 2 + 5 * (4 + 1)  # one to answer, one to see that it does not vary
    wrong = (labels + 1) % 4
    wrong[:10] = labels[:10]  # ten resist: six restarts fit into the batch of 60
    network.calls = 0
    outcome = PGD(steps=4, restarts=6)(network, inputs, wrong, within, generator(1))
    assert network.calls == 2 + 4 + 1
    assert outcome.gradients[:10].tolist() == [24] * 10
    assert int(outcome.gradients[10:].sum()) == 0


def test_the_nearest_of_several_points_is_kept() -> None:
    network = _Far()
    inputs, labels = torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64)
    outcome = RandomPoint(tries=1)(network, inputs, labels, Linf(1.0), generator(1))
    assert bool(outcome.fooled.all())
    many = PGD(steps=1, restarts=30, relative_step=1e-6, view=View(slopes=Antithetic(1, 1e-3)))
    single = torch.zeros(40, 3)
    correct = torch.ones(40, dtype=torch.int64)
    correct[0] = 0  # one resists, 30 restarts run together
    found = many(network, single, correct, Linf(1.0), generator(2))
    # The least of 30 uniform maxima of three sizes: almost surely below 0.7, mean of one 0.75.
    assert 0 < float(found.distance[0]) < 0.7


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (View, {"draws": 0}),
        (Antithetic, {"samples": 0}),
        (Antithetic, {"scale": 0.0}),
        (RandomPoint, {"tries": 0}),
        (PGD, {"momentum": -0.1}),
    ],
)
def test_settings_outside_their_range_are_refused(
    kind: type, settings: dict[str, float]
) -> None:
    with pytest.raises(SettingError, match="expected"):
        kind(**settings)


def test_momentum_remembers_where_it_came_from() -> None:
    """A step whose gradient is 0 goes on as before with momentum, and stands without."""
    network = _Ledge()
    inputs, labels = torch.zeros(1, 1), torch.zeros(1, dtype=torch.int64)
    ascents = [
        Ascent("climb", 8, 0.2, momentum=momentum, objective=margin) for momentum in (0.0, 1.0)
    ]
    without, with_it = (
        ascent(network, inputs, labels, Linf(1.0), generator(4)) for ascent in ascents
    )
    assert not bool(without.fooled)
    assert bool(with_it.fooled)


class _Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


class _Counting(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.calls = inner, 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.inner(x)


class _Far(nn.Module):
    """Wrong everywhere but at 0."""

    def forward(self, x: Tensor) -> Tensor:
        moved = (x.abs().amax(dim=1) > 0).to(x) + 0 * x.sum(dim=1)
        return torch.stack([torch.full_like(moved, 0.5), moved], dim=1)


class _Ledge(nn.Module):
    """Rises up to 0.3, is flat up to 0.8, and is wrong beyond."""

    def forward(self, x: Tensor) -> Tensor:
        height = x[:, 0].clamp_max(0.3) + 20 * (x[:, 0] - 0.8).clamp_min(0)
        return torch.stack([torch.full_like(height, 2.0), height], dim=1)


def test_slopes_are_exact_by_default() -> None:
    assert View().slopes == Autograd()
