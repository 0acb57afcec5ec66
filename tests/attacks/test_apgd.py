"""Auto-PGD: against a written-out reference for one example, and against plain ascent."""

from dataclasses import replace
from fractions import Fraction
from math import ceil

import pytest
import torch
from torch import Tensor, nn

from gnomon.attacks import APGD, APGDT, PGD, Surrogate, View
from gnomon.attacks.auto_ascent import Trail
from gnomon.attacks.step_rules import Halving, checkpoints
from gnomon.errors import SettingError
from gnomon.objectives import Objective, dlr, margin, targeted_margin
from gnomon.seeds import generator
from gnomon.sets import L1, L2, InputSet, Linf


class Waves(nn.Module):
    """Two classes; the second one's lead is a wave in each coordinate, and never positive.

    Every point that a gradient is taken at is noted.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        source = generator(5, "waves")
        self.weight = torch.rand(features, generator=source, dtype=torch.float64)
        self.phase = 6 * torch.rand(features, generator=source, dtype=torch.float64)
        self.visited: list[Tensor] = []

    def lead(self, x: Tensor) -> Tensor:
        return (self.weight * (torch.cos(9 * x + self.phase) + x)).sum(dim=-1) - 100

    def forward(self, x: Tensor) -> Tensor:
        if x.requires_grad:
            self.visited.append(x.detach().clone())
        lead = self.lead(x)
        return torch.stack([torch.zeros_like(lead), lead], dim=1)


def rise(network: Waves, x: Tensor) -> tuple[float, Tensor]:
    """The lead at one point, and its gradient."""
    leaf = x.clone().requires_grad_()
    value = network.lead(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    return float(value.detach()), gradient


def window_ends(steps: int) -> list[int]:
    """w_j = ⌈p_j N⌉ of the paper, in exact arithmetic."""
    p = [Fraction(0), Fraction(22, 100)]
    while p[-1] < 1:
        p.append(p[-1] + max(p[-1] - p[-2] - Fraction(3, 100), Fraction(6, 100)))
    return [ceil(each * steps) for each in p if each <= 1]


def halving_by_hand(
    network: Waves, x: Tensor, start: Tensor, within: InputSet, steps: int
) -> tuple[list[Tensor], int, int]:
    """The points of Auto-PGD for one example; halvings for either reason."""
    region = within.around(x[None])

    def into(point: Tensor) -> Tensor:
        return x + region.project((point - x)[None])[0]

    def unit(gradient: Tensor) -> Tensor:
        return gradient.sign() if within.norm == "Linf" else gradient / gradient.norm()

    ends, eta = window_ends(steps), 2 * within.radius
    points, rises, restless, stuck = [x + start], 0, 0, 0
    value, gradient = rise(network, points[0])
    best = (value, points[0], gradient)
    etas, records = [eta, eta], [best[0], best[0]]
    before = points[0]
    for k in range(1, steps):
        here = points[-1]
        aimed = into(here + eta * unit(gradient))
        a = 0.75 if k > 1 else 1.0
        new = into(here + a * (aimed - here) + (1 - a) * (here - before))
        old, before = value, here
        value, gradient = rise(network, new)
        rises += value > old
        if value > best[0]:
            best = (value, new, gradient)
        points.append(new)
        network_sees = new
        if k in ends:
            width = k - ends[ends.index(k) - 1]
            first = rises < 0.75 * width
            second = k != ends[1] and etas[-1] == etas[-2] and records[-1] == best[0]
            if first or second:
                eta /= 2
                restless, stuck = restless + first, stuck + (second and not first)
                value, network_sees, gradient = best
            etas.append(eta)
            records.append(best[0])
            rises = 0
        points[-1] = network_sees
    return points, restless, stuck


@pytest.mark.parametrize("within", [Linf(0.7), L2(0.7), Linf(0.7, (-0.5, 0.6))], ids=str)
def test_steps_are_halved_and_begin_again_from_the_best_as_written_out(
    within: InputSet,
) -> None:
    network = Waves(6)
    x = 0.4 * torch.rand(6, generator=generator(1), dtype=torch.float64)
    start = within.around(x[None]).sample(generator(2))[0]
    expected, restless, _ = halving_by_hand(network, x, start, within, 60)
    attack = APGD(steps=60, objective=margin)
    outcome = attack(network, x[None], torch.tensor([0]), within, generator(2))
    assert not bool(outcome.fooled)
    assert len(network.visited) == 60
    assert restless >= 3  # otherwise this says little
    # What is visited differs from where one goes on only where one goes back to the best.
    went_back = 0
    for step, (visited, wanted) in enumerate(zip(network.visited, expected, strict=True)):
        if step in window_ends(60) and not torch.allclose(visited[0], wanted, atol=1e-6):
            went_back += 1
            continue
        torch.testing.assert_close(visited[0], wanted, rtol=0, atol=1e-6)
    assert went_back >= 1


@pytest.mark.parametrize("steps", [1, 2, 5, 20, 57, 100, 1000])
def test_checkpoints_are_the_papers(steps: int) -> None:
    ends = sorted(set(window_ends(steps)))
    assert list(checkpoints(steps)) == ends[1:]
    assert sum(checkpoints(steps).values()) == ends[-1]


def test_a_hundred_steps_are_reviewed_where_the_authors_do() -> None:
    assert list(checkpoints(100)) == [22, 41, 57, 70, 80, 87, 93, 99]


class Ridge(nn.Module):
    """Wrong only very near one point, which lies on a narrow ridge."""

    def __init__(self, peak: Tensor, width: float) -> None:
        super().__init__()
        self.peak, self.width = peak, width
        self.steep = torch.logspace(0, 2, peak.shape[1])

    def forward(self, x: Tensor) -> Tensor:
        lead = self.width - (self.steep * (x - self.peak).square()).sum(dim=1)
        return torch.stack([torch.zeros_like(lead), lead], dim=1)


@pytest.mark.parametrize("within", [Linf(0.3), L2(0.5)], ids=str)
def test_it_beats_plain_ascent_of_equal_budget_on_a_ridge(within: InputSet) -> None:
    """Fixed steps cross the ridge to and fro; halved ones come to rest on it."""
    one = torch.rand(1, 8, generator=generator(1))
    network = Ridge(one + within.around(one).sample(generator(2)) / 2, 2e-3)
    inputs = one.repeat(40, 1)
    labels = torch.zeros(40, dtype=torch.int64)
    share = {
        name: float(attack(network, inputs, labels, within, generator(0)).fooled.float().mean())
        for name, attack in {
            "PGD": PGD(steps=50, objective=margin),
            "APGD": APGD(steps=50, objective=margin),
        }.items()
    }
    assert share["APGD"] > share["PGD"] + 0.3, share


def few_matter(features: int, important: int, height: float = 1.0) -> nn.Linear:
    """Linear: some coordinates carry nearly all of the lead, and none may be left out."""
    network = nn.Linear(features, 2).double()
    weight = torch.full((features,), 0.01, dtype=torch.float64)
    weight[:important] = height
    with torch.no_grad():
        network.weight.copy_(torch.stack([-weight, weight]) / 2)
        network.bias.zero_()
    return network


def test_steps_in_l1_become_sparse() -> None:
    """The best point spends the radius on three coordinates of 60, up to their ends."""
    network, within = few_matter(60, 3), L1(2.7, (0.0, 1.0))
    x = torch.full((1, 60), 0.05, dtype=torch.float64)
    with torch.no_grad():
        lead = float(network(x)[0, 1] - network(x)[0, 0])
        best = 2.7 * 1.0
        network.bias.copy_(torch.tensor([lead + best - 1e-3, 0.0]))  # a hair from the best
    attack = APGD(steps=50, objective=margin)
    outcome = attack(network, x, torch.tensor([0]), within, generator(0))
    assert bool(outcome.fooled)
    moved = outcome.inputs - x
    assert int((moved.abs() > 0.01).sum()) == 3


def test_a_single_coordinate_is_found_in_l1() -> None:
    """With so few coordinates k has to fall to one, which rounding up would not let it."""
    network, within = few_matter(12, 1), L1(1.0)
    with torch.no_grad():
        network.weight[:, 1:] *= 95  # the others are nearly as good
        network.bias.copy_(torch.tensor([0.998, 0.0]))
    x = torch.zeros(1, 12, dtype=torch.float64)
    outcome = APGD(steps=40)(network, x, torch.tensor([0]), within, generator(0))
    assert bool(outcome.fooled)


def three_ways(x: Tensor) -> Tensor:
    """Class 1 is nearer at first and never reached; class 2 is reached further on."""
    near = 0.9 - 4 * (x[:, :1] - 0.1).square()
    far = 4 * x[:, 1:2] - 1
    return torch.cat([torch.ones_like(near), near, far], dim=1)


class Function(nn.Module):
    """A network that is one function."""

    def forward(self, x: Tensor) -> Tensor:
        return three_ways(x)


def test_every_class_is_aimed_at_in_the_order_of_its_logit() -> None:
    x, label = torch.zeros(1, 2), torch.tensor([0])
    within = Linf(0.505)
    only_the_first = APGDT(steps=20, targets=1)(Function(), x, label, within, generator(0))
    both = APGDT(steps=20, targets=2)(Function(), x, label, within, generator(0))
    assert not bool(only_the_first.fooled)
    assert int(only_the_first.gradients) == 20
    assert bool(both.fooled)
    assert 20 < int(both.gradients) < 40
    assert int(Function()(both.inputs).argmax()) == 2


def test_more_targets_than_wrong_classes_are_all_of_them() -> None:
    x, label = torch.zeros(1, 2), torch.tensor([0])
    outcome = APGDT(steps=5, targets=9)(Function(), x, label, Linf(1e-3), generator(0))
    assert int(outcome.gradients) == 10


def test_restarts_and_targets_that_run_together_are_counted_apart() -> None:
    inputs = torch.zeros(6, 2)
    labels = torch.tensor([0, 1, 1, 1, 1, 1])  # all but one are wrong from the start
    attack = APGDT(steps=5, targets=2, restarts=3, objective=targeted_margin)
    outcome = attack(Function(), inputs, labels, Linf(1e-3), generator(0))
    assert outcome.gradients.tolist() == [30, 0, 0, 0, 0, 0]


class Winners(nn.Module):
    """The k largest units keep their value: its derivative says nothing of who wins."""

    def forward(self, x: Tensor) -> Tensor:
        least = x.topk(3, dim=1).values[:, -1:]
        return torch.where(x >= least, x, torch.zeros_like(x))


def dense(*middle: nn.Module, classes: int = 4) -> nn.Sequential:
    """A network with given middle modules, of fixed weights."""
    network = nn.Sequential(nn.Linear(12, 32), *middle, nn.Linear(32, classes))
    for index, parameter in enumerate(network.parameters()):
        with torch.no_grad():
            parameter.normal_(0, 0.5, generator=generator(index, "dense"))
    return network.eval()


def soft_winners(x: Tensor) -> Tensor:
    """Each unit weighted by how nearly it wins."""
    least = x.topk(3, dim=1).values[:, -1:]
    return x * torch.sigmoid(4 * (x - least))


def test_surrogates_help_it_through_k_winners() -> None:
    network = dense(Winners())
    inputs = torch.rand(200, 12, generator=generator(0))
    labels = network(inputs).argmax(dim=1)
    view = View(surrogates=(Surrogate(Winners, soft_winners),))

    def fooled(attack: APGD) -> int:
        outcome = attack(network, inputs, labels, Linf(0.06), generator(0))
        assert torch.equal(outcome.fooled, network(outcome.inputs).argmax(dim=1) != labels)
        return int(outcome.fooled.sum())

    assert fooled(APGD(steps=20, view=view)) > fooled(APGD(steps=20)) + 10


class Jitter(nn.Module):
    """Adds noise that its own generator draws: another answer at every call."""

    def __init__(self) -> None:
        super().__init__()
        self.source = generator(3, "jitter")

    def forward(self, x: Tensor) -> Tensor:
        return x + 1.5 * torch.randn(x.shape, generator=self.source)


def test_draws_lead_it_through_noise() -> None:
    """Judged by the noise-free network, the mean of gradients points the right way."""
    network = dense(Jitter())
    quiet = nn.Sequential(network[0], network[2])
    inputs = torch.rand(100, 12, generator=generator(0))
    labels = quiet(inputs).argmax(dim=1)

    def moved_lead(draws: int) -> float:
        attack = APGD(steps=12, objective=margin, view=View(draws=draws))
        outcome = attack(network, inputs, labels, Linf(0.03), generator(0))
        return float((quiet(outcome.inputs).argmax(dim=1) != labels).float().mean())

    assert moved_lead(32) > moved_lead(2)


@pytest.mark.parametrize("objective", [margin, dlr])
def test_it_is_never_weaker_with_more_restarts(objective: Objective) -> None:
    network = dense(nn.ReLU())
    inputs = torch.rand(100, 12, generator=generator(0))
    labels = network(inputs).argmax(dim=1)
    one = APGD(steps=4, objective=objective)(network, inputs, labels, Linf(0.1), generator(0))
    four = APGD(steps=4, restarts=4, objective=objective)(
        network, inputs, labels, Linf(0.1), generator(0)
    )
    assert bool((four.fooled | ~one.fooled).all())


@pytest.mark.parametrize(
    "settings", [{"steps": 0}, {"restarts": 0}, {"share": 0.0}, {"share": 1.0}], ids=str
)
def test_settings_outside_their_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(SettingError, match="APGD: expected"):
        APGD(**settings)  # pyright: ignore[reportArgumentType]


def test_no_targets_are_refused() -> None:
    with pytest.raises(SettingError, match="expected targets ≥ 1"):
        APGDT(targets=0)


def test_a_step_that_neither_shortens_nor_improves_is_halved() -> None:
    """Rises alone are not enough: the best value has to have grown since the last review."""
    here, nothing = torch.zeros(2, 3), torch.zeros(2)
    aims = torch.tensor([0, 0])
    best = torch.tensor([1.0, 1.0])
    trail = Trail(torch.arange(2), aims, here, here, nothing, here, here, best, here)
    rule = Halving.of(here, 0.5, 100, 0.75)
    for _ in range(22):
        rule = rule.noted(torch.tensor([True, True]))
    rule, back = rule.reviewed(22, trail)
    assert back.tolist() == [False, False]
    for _ in range(19):
        rule = rule.noted(torch.tensor([True, True]))
    rule, back = rule.reviewed(41, replace(trail, best_value=torch.tensor([1.0, 2.0])))
    assert back.tolist() == [True, False]
    assert rule.length.tolist() == [0.5, 1.0]
