"""Random search by blocks: what a block is, and what it finds without a gradient."""

import math

import pytest
import torch
from torch import Tensor, nn

from gnomon.attacks import PGD, RandomPoint, SquareAttack, View
from gnomon.attacks.blocks import Grid, two_pyramids
from gnomon.attacks.square_moves import Corners, Masses
from gnomon.errors import SettingError, ShapeError
from gnomon.seeds import generator
from gnomon.sets import L1, L2, Box, InputSet, Linf

DOMAIN = (0.0, 1.0)
SHAPES = {
    "vector": (30,),
    "one value": (1,),
    "sequence": (4, 9),
    "grey image": (1, 9, 7),
    "colour image": (3, 8, 8),
    "two channels": (2, 5, 6),
    "volume": (2, 4, 3, 5),
}
SETS = [Linf(0.05, DOMAIN), L2(0.6, DOMAIN), L1(2.0, DOMAIN), Box(-0.05, 0.03), L2(0.6)]


@pytest.fixture(params=SHAPES, ids=str)
def shape(request: pytest.FixtureRequest) -> tuple[int, ...]:
    return SHAPES[request.param]


@pytest.fixture(params=SETS, ids=str)
def within(request: pytest.FixtureRequest) -> InputSet:
    return request.param


class _Smooth(nn.Module):
    """A tanh network on whatever shape an example has."""

    def __init__(self, shape: tuple[int, ...], classes: int = 4) -> None:
        super().__init__()
        self.first = nn.Linear(math.prod(shape), 32)
        self.last = nn.Linear(32, classes)
        self.calls = list[int]()
        for index, parameter in enumerate(self.parameters()):
            with torch.no_grad():
                parameter.normal_(0, 0.4, generator=generator(0, str(index)))

    def forward(self, x: Tensor) -> Tensor:
        self.calls.append(len(x))
        return self.last(torch.tanh(self.first(x.flatten(1))))


def _examples(
    network: nn.Module, shape: tuple[int, ...], count: int = 20
) -> tuple[Tensor, Tensor]:
    inputs = torch.rand(count, *shape, generator=generator(0, "examples"))
    with torch.no_grad():
        return inputs, network(inputs).argmax(dim=1)


def test_examples_of_any_shape_are_searched(shape: tuple[int, ...], within: InputSet) -> None:
    network = _Smooth(shape)
    inputs, labels = _examples(network, shape)
    wide = within.with_radius(10 * within.radius)
    outcome = SquareAttack(queries=20)(network, inputs, labels, wide, generator(1))
    assert outcome.inputs.shape == inputs.shape
    assert bool((outcome.distance <= wide.radius).all())
    if shape != (1,):
        assert bool(outcome.fooled.any())
    assert int(outcome.gradients.sum()) == 0


@pytest.mark.parametrize("name", ["vector", "colour image"])
def test_it_fools_what_random_points_do_not(name: str, within: InputSet) -> None:
    shape = SHAPES[name]
    network = _Smooth(shape)
    inputs, labels = _examples(network, shape, 40)
    within = within.with_radius(within.radius * (0.5 if len(shape) == 1 else 1.0))
    random = RandomPoint(tries=150)(network, inputs, labels, within, generator(1))
    square = SquareAttack(queries=150)(network, inputs, labels, within, generator(1))
    gradient = PGD(steps=20)(network, inputs, labels, within, generator(1))
    assert int(square.fooled.sum()) > 1.2 * int(random.fooled.sum())
    if within.norm != "L1":  # where plain PGD, which moves one coordinate, is weak
        assert int(square.fooled.sum()) <= int(gradient.fooled.sum()) + 2


def test_only_who_resists_is_evaluated() -> None:
    network = _Smooth((12,))
    inputs, labels = _examples(network, (12,), 40)
    network.calls.clear()
    outcome = SquareAttack(queries=60)(network, inputs, labels, Linf(0.1), generator(1))
    assert sum(network.calls) == int(outcome.queries.sum())
    resisting = int((~outcome.fooled).sum())
    assert network.calls[-1] == resisting < len(labels) / 2
    # Its own logits, once more among others, the start, and each proposal: nobody who resists
    # is judged besides, but who seemed to be fooled in the search would be.
    assert set(outcome.queries[~outcome.fooled].tolist()) == {2 + 1 + 60}


def test_a_narrower_search_is_judged_by_the_network_itself() -> None:
    network = _Smooth((12,))
    inputs, labels = _examples(network, (12,), 40)
    half = SquareAttack(queries=60, view=View("bfloat16"))(
        network, inputs, labels, Linf(0.1), generator(1)
    )
    full = SquareAttack(queries=60)(network, inputs, labels, Linf(0.1), generator(1))
    assert torch.equal(half.fooled, network(half.inputs).argmax(dim=1) != labels)
    assert abs(int(half.fooled.sum()) - int(full.fooled.sum())) <= 2


@pytest.mark.parametrize("classes", [2, 3])
def test_few_classes_and_louder_logits_are_enough(classes: int) -> None:
    network = _Smooth((12,), classes)
    inputs, labels = _examples(network, (12,))
    plain = SquareAttack(queries=30)(network, inputs, labels, Linf(0.2), generator(1))
    loud = SquareAttack(queries=30)(_Loud(network), inputs, labels, Linf(0.2), generator(1))
    assert bool(plain.fooled.any())
    assert torch.equal(plain.fooled, loud.fooled)


def test_the_share_of_a_block_is_halved_as_published() -> None:
    shares = list(SquareAttack(queries=9000).shares())
    assert [shares.index(share) for share in sorted(set(shares), reverse=True)] == [
        0, 11, 51, 201, 501, 1001, 2001, 4001, 6001, 8001,
    ]  # fmt: skip
    assert shares[0] == 0.8
    assert shares[-1] == pytest.approx(0.8 / 512)
    assert list(SquareAttack(queries=60).shares()) == shares[:60]  # however many there are


def test_a_block_is_a_square_of_an_image_anywhere_in_it() -> None:
    grid = Grid.of(torch.Size((3, 6, 5)))
    assert (grid.channels, grid.sides, grid.positions) == (3, (6, 5), 30)
    assert grid.block(0.3) == (3, 3)
    assert grid.block(1.0) == (5, 5)
    assert grid.block(1e-4) == (1, 1)
    assert grid.block(1e-4, least=3) == (3, 3)
    places = grid.anywhere((3, 2), 4000, generator(0))
    rows, columns = places // 5, places % 5
    assert bool((rows.amax(dim=1) - rows.amin(dim=1) == 2).all())
    assert bool((columns.amax(dim=1) - columns.amin(dim=1) == 1).all())
    corners = torch.stack([rows.amin(dim=1), columns.amin(dim=1)], dim=1)
    counts = torch.unique(corners, dim=0, return_counts=True)[1]
    # All 4 × 4 places, each 250 times ± 5 standard errors.
    assert len(counts) == 16
    assert bool(((counts - 250).abs() < 5 * math.sqrt(250)).all())


def test_a_block_of_a_vector_is_a_run_of_indices() -> None:
    grid = Grid.of(torch.Size((10,)))
    assert (grid.channels, grid.sides, grid.block(0.8)) == (1, (10,), (8,))
    places = grid.anywhere((3,), 500, generator(0))
    assert torch.equal(places - places[:, :1], torch.arange(3).expand(500, 3))
    assert set(places[:, 0].tolist()) == set(range(8))


def test_examples_without_coordinates_are_refused() -> None:
    for shape in ((), (0,)):
        with pytest.raises(ShapeError, match="coordinate"):
            Grid.of(torch.Size(shape))


def test_two_pyramids_of_a_side_of_five_are_as_published() -> None:
    """Halves of 2 × 5 and 3 × 5, with Σ 1/(k + 1)² over three levels in their centres."""
    across, along = two_pyramids((5, 5), 2).reshape(2, 5, 5)
    assert float(across.norm()) == pytest.approx(1)
    torch.testing.assert_close(along, across.T)
    assert bool((across[:2] > 0).all())
    assert bool((across[2:] < 0).all())
    centre, next_to, corner = 1 + 1 / 4 + 1 / 9, 1 / 4 + 1 / 9, 1 / 9
    ratio = across[1] / across[1, 2]
    expected = torch.tensor([corner, next_to, centre, next_to, corner]).double() / centre
    torch.testing.assert_close(ratio, expected)
    torch.testing.assert_close(-across[3, 2], across[1, 2])


def test_corners_start_in_stripes_and_stay_at_the_border() -> None:
    inputs = torch.rand(5, 3, 6, 7, generator=generator(0))
    moves = Corners(Grid.of(inputs.shape[1:]), Linf(0.1).around(inputs))
    start = moves.start(inputs, generator(1))
    assert torch.equal(start, start[:, :, :1].expand_as(start))
    assert not torch.equal(start, start[..., :1].expand_as(start))
    moved = moves.propose(start, 0.2, generator(2))
    torch.testing.assert_close(moved.abs(), torch.full_like(moved, 0.1))
    changed = (moved != start).flatten(2).sum(dim=2)
    assert int(changed.max()) <= 9  # round(√(0.2 · 42))²
    assert int(changed.max()) > 0


@pytest.mark.parametrize("shape", [(3, 10, 10), (12,)], ids=str)
@pytest.mark.parametrize("exponent", [1, 2])
def test_masses_keep_the_whole_length(shape: tuple[int, ...], exponent: int) -> None:
    inputs = torch.rand(6, *shape, generator=generator(0)).double()
    ball = L2(0.5) if exponent == 2 else L1(0.5)
    moves = Masses(Grid.of(inputs.shape[1:]), ball.around(inputs), exponent, 0.5)
    source = generator(1)
    present = moves.start(inputs, source)
    lengths = torch.full((6,), 0.5).double()
    torch.testing.assert_close(ball.distance(present), lengths)
    for share in (0.8, 0.1, 0.01):
        proposed = moves.propose(present, share, source)
        torch.testing.assert_close(ball.distance(proposed), lengths)
        assert not torch.equal(proposed, present)
        present = proposed


def test_what_the_domain_cut_off_is_spent_elsewhere() -> None:
    """Half of the coordinates cannot rise: a proposal is longer than what it began with."""
    inputs = torch.ones(20, 1, 10, 10).double()
    ball = L2(1.0, DOMAIN)
    moves = Masses(Grid.of(inputs.shape[1:]), ball.around(inputs), 2, 1.0)
    start = moves.start(inputs, generator(1))
    assert bool((ball.distance(start) < 0.9).all())
    moved = moves.propose(start, 0.1, generator(2))
    assert float(ball.distance(moved).mean()) > float(ball.distance(start).mean())


@pytest.mark.parametrize(
    ("queries", "restarts", "p_init"), [(0, 1, 0.8), (1, 0, 0.8), (1, 1, 0.0), (1, 1, 1.5)]
)
def test_settings_outside_their_range_are_refused(
    queries: int, restarts: int, p_init: float
) -> None:
    with pytest.raises(SettingError, match="expected"):
        SquareAttack(queries, restarts, p_init)


class _Loud(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return 1000 * self.inner(x)
