"""Slopes, symbols and matrices, against dense grids and written-down operators."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.activations import ACTIVATIONS, Activation, Profile
from gnomon.algebra import Interval
from gnomon.algebra.profiles import CURVED, PROFILES
from gnomon.algebra.slope_ranges import slope_range
from gnomon.algebra.subdivision import slopes_of
from gnomon.bounds.lipschitz import ECLipsEFast, IntervalJacobian, NormProduct
from gnomon.bounds.lipschitz.eclipse import next_root
from gnomon.bounds.lipschitz.symbol import symbol_bound
from gnomon.seeds import generator

SETTINGS: dict[str, tuple[float, ...]] = {
    "clamp": (-0.7, 1.2),
    "clamp_max": (0.4,),
    "clamp_min": (-0.4,),
    "pow": (3,),
    "leaky_relu": (-0.3,),
}
ENDS = [(-3.0, 2.0), (-1.0, -0.2), (0.0, 1.5), (-2.5, 0.0), (1.0, 1.7), (-7.0, 9.0), (0.5, 0.5)]


def _function(name: str) -> Callable[[Tensor], Tensor]:
    owner = functional if hasattr(functional, name) else torch
    name = {"log_sigmoid": "logsigmoid"}.get(name, name)
    function = getattr(functional if name == "logsigmoid" else owner, name)
    return lambda value: function(value, *SETTINGS.get(name, ()))


def _quotients(function: Callable[[Tensor], Tensor], low: float, high: float) -> Tensor:
    """Slopes of chords between neighbours of a fine grid."""
    at = torch.linspace(low, high, 20001).double()
    return function(at).diff() / at.diff()


@pytest.mark.parametrize("name", sorted({*CURVED} - {"log_sigmoid"}))
def test_slopes_of_torch_functions_are_exact_ranges(name: str) -> None:
    function, shape = _function(name), PROFILES[name](*SETTINGS.get(name, ()))
    assert shape is not None
    for low, high in ENDS:
        ends = (torch.tensor([end]).double() for end in (low, high))
        found = slope_range(function, shape, Interval.computed(*ends))
        least, most = float(found.lower), float(found.upper)
        assert least <= most
        if low == high:
            continue
        seen = _quotients(function, low, high)
        assert least - 1e-8 <= float(seen.min()) <= least + 2e-3 * (1 + abs(least)), (low, high)
        assert most + 1e-8 >= float(seen.max()) >= most - 2e-3 * (1 + abs(most)), (low, high)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_steepest_slope_anywhere_is_the_lipschitz_fact(
    name: str, dtype: torch.dtype
) -> None:
    function: Activation = ACTIVATIONS[name]()
    infinite = torch.full((1,), torch.inf, dtype=dtype)
    found = slopes_of(
        function.requires_grad_(requires_grad=False), Interval.computed(-infinite, infinite)
    )
    steepest = max(abs(float(found.lower)), abs(float(found.upper)))
    profile = function.profile()
    assert profile is not None
    assert steepest == pytest.approx(float(profile.lipschitz), rel=1e-6)
    assert float(found.lower) >= 0 or not profile.monotone
    assert float(found.lower) < 0 or profile.monotone or any(function.parameters())


def test_an_unknown_activation_has_the_slopes_that_its_facts_allow() -> None:
    class Wave(Activation):
        """sin 2x."""

        def profile(self) -> Profile:
            return Profile(lipschitz=2.0)

        def forward(self, x: Tensor) -> Tensor:
            return (2 * x).sin()

    found = slopes_of(Wave(), Interval.around(torch.zeros(2), 1.0))
    assert found.lower.tolist() == [-2.0, -2.0]
    assert found.upper.tolist() == [2.0, 2.0]
    network = nn.Sequential(nn.Linear(2, 3), Wave(), nn.Linear(3, 2))
    exact = math.prod(
        float(torch.linalg.matrix_norm(layer.weight.detach(), 2))
        for layer in network
        if isinstance(layer, nn.Linear)
    )
    assert NormProduct()(network, torch.zeros(1, 2)).value == pytest.approx(2 * exact, rel=1e-5)


def test_of_an_interval_that_is_not_a_number_every_slope_is_possible() -> None:
    nothing = torch.full((1,), torch.nan)
    shape = PROFILES["relu"]()
    assert shape is not None
    found = slope_range(functional.relu, shape, Interval.computed(nothing, nothing))
    assert (float(found.lower), float(found.upper)) == (-torch.inf, torch.inf)


CONVOLUTIONS = {
    "3 x 3": nn.Conv2d(2, 3, 3, padding=1),
    "4 x 4, stride 2": nn.Conv2d(2, 3, 4, stride=2, padding=1),
    "3 x 5, stride 2, 3": nn.Conv2d(1, 4, (3, 5), stride=(2, 3), padding=2),
    "dilated": nn.Conv2d(2, 2, 3, dilation=2, padding=2),
    "dilated, stride 2": nn.Conv2d(2, 2, 3, dilation=3, stride=2, padding=3),
    "groups": nn.Conv2d(4, 6, 3, padding=1, groups=2),
    "one axis": nn.Conv1d(3, 2, 5, padding=2),
    "transposed": nn.ConvTranspose2d(2, 3, 4, stride=2, padding=1),
    "transposed, groups": nn.ConvTranspose2d(4, 4, 3, groups=2, stride=2),
    "circular": nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"),
}


def _matrix(layer: nn.Module, shape: tuple[int, ...]) -> Tensor:
    """The operator, written down by unit images."""
    count = math.prod(shape)
    units = torch.eye(count).double().reshape(count, *shape)
    with torch.no_grad():
        return (layer(units) - layer(torch.zeros_like(units))).flatten(1).T


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_a_symbol_bounds_the_operator_and_hardly_exceeds_it(kind: str) -> None:
    """On images of every size; a larger one comes nearer to the infinite one."""
    layer = CONVOLUTIONS[kind].double()
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator(1)))
    gaps = tuple(layer.dilation)
    bound = symbol_bound(layer.weight, tuple(layer.stride), gaps, layer.groups)
    axes = layer.weight.ndim - 2
    sizes = [(5,) * axes, (16 if axes == 2 else 60,) * axes]
    exact = [
        float(torch.linalg.matrix_norm(_matrix(layer, (layer.in_channels, *size)), 2))
        for size in sizes
    ]
    assert max(exact) <= bound <= 1.15 * exact[-1]


def test_the_grid_of_a_symbol_misses_maxima_by_no_more_than_is_added() -> None:
    """Of 1 + e^{iω} turned so that its maximum lies in the middle between two points."""
    for turn in torch.linspace(0, 2 * math.pi / 128, 7).tolist():
        kernel = torch.tensor([[[1.0], [0.0]], [[0.0], [1.0]]]).double()
        cosine, sine = math.cos(turn), math.sin(turn)
        spin = torch.tensor([[cosine, -sine], [sine, cosine]], dtype=torch.float64)
        weight = torch.cat([kernel, spin[..., None]], dim=2)  # σ_max = |1 + e^{i(ω ± t)}|
        bound = symbol_bound(weight, (1,), (1,))
        assert 2.0 * (1 - 1e-12) <= bound <= 2.0 * 1.001


@pytest.mark.parametrize("norm", ["L1", "L2", "Linf"])
@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_norms_of_convolutions_on_their_images(kind: str, norm: str) -> None:
    """Decomposed, the operator's own norm; by single steps, no less and (L1, L∞) the same."""
    layer = CONVOLUTIONS[kind].double()
    shape = (layer.in_channels, *[4] * (layer.weight.ndim - 2))
    network = nn.Sequential(layer, nn.Flatten())
    order = {"L1": 1, "L2": 2, "Linf": torch.inf}[norm]
    exact = float(torch.linalg.matrix_norm(_matrix(network, shape), order))
    images = torch.zeros(1, *shape).double()
    whole = NormProduct(norm)(network, images)  # type: ignore[arg-type]
    steps = NormProduct(norm, widest=1)(network, images)  # type: ignore[arg-type]
    assert whole.value == pytest.approx(exact, rel=1e-9)
    assert steps.value >= exact * (1 - 1e-12)
    if norm != "L2" and "circular" not in kind:
        assert steps.value == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("alpha", [-1.0, -0.4, 0.0, 0.3, 0.9, 1.0])
def test_the_next_form_satisfies_the_matrix_inequality(alpha: float) -> None:
    """[[M + α λ WᵀW, −(1+α)/2 λ Wᵀ], [·, λ − M']] ≥ 0, for the λ of the closed form."""
    source = generator(7)
    weight = torch.randn(5, 4, generator=source).double()
    root = torch.randn(4, 4, generator=source).double()
    moved = weight @ root
    gram = moved @ moved.T + 1e-9 * torch.eye(5).double()
    after = next_root(gram, alpha)
    form = torch.linalg.inv(root @ root.T)
    inverse = after @ after.T
    largest = float(torch.linalg.eigvalsh(gram)[-1])
    if alpha == 1.0:
        assert torch.allclose(inverse, gram)
        return
    scale = 2 / ((1 - alpha) * largest)
    cross = -(1 + alpha) / 2 * scale * weight
    corner = scale * torch.eye(5).double() - torch.linalg.inv(inverse)
    upper = torch.cat([form + alpha * scale * weight.T @ weight, cross.T], dim=1)
    block = torch.cat([upper, torch.cat([cross, corner], dim=1)])
    size = float(torch.linalg.eigvalsh(block)[-1])
    assert float(torch.linalg.eigvalsh(block)[0]) >= -1e-7 * size
    # And it is as good as a product of norms everywhere, better somewhere.
    values = torch.linalg.eigvalsh(inverse)
    assert float(values[-1]) == pytest.approx(largest)
    assert alpha == -1.0 or float(values[0]) < 0.9 * largest


POOLS = {
    "disjoint": (nn.MaxPool2d(2), 1.0),
    "overlapping": (nn.MaxPool2d(3, stride=1, padding=1), 3.0),
    "dilated": (nn.MaxPool2d(2, stride=1, dilation=2), 2.0),
    "whole images": (nn.AdaptiveMaxPool2d(1), 1.0),
}


@pytest.mark.parametrize("kind", POOLS)
def test_a_maximum_is_as_steep_as_its_windows_overlap(kind: str) -> None:
    layer, repeated = POOLS[kind]
    network = nn.Sequential(layer, nn.Flatten())
    x = torch.rand(2, 1, 6, 6, generator=generator(2)).double()
    assert NormProduct("L2")(network, x).value == pytest.approx(repeated)
    assert NormProduct("Linf")(network, x).value == pytest.approx(1.0)
    assert NormProduct("L1")(network, x).value == pytest.approx(repeated**2)
    point = Interval.around(x, 1e-9)
    held = IntervalJacobian().jacobian(network, point)
    exact = torch.stack([torch.func.jacrev(network)(each[None])[0, :, 0] for each in x])
    assert torch.equal(held.lower, exact)
    assert torch.equal(held.upper, exact)
    wide = IntervalJacobian().jacobian(network, Interval.around(x, 0.4))
    for draw in range(20):
        near = x + 0.4 * (2 * torch.rand(x.shape, generator=generator(draw)).double() - 1)
        seen = torch.stack([torch.func.jacrev(network)(each[None])[0, :, 0] for each in near])
        assert wide.contains(seen)


def test_forms_of_a_chain_with_one_matrix_are_its_norm() -> None:
    layer = nn.Linear(6, 4).double()
    exact = float(torch.linalg.matrix_norm(layer.weight.detach(), 2))
    assert ECLipsEFast()(layer, torch.zeros(1, 6).double()).value == pytest.approx(exact)
