"""Tries to beat a bound: a bound that an allowed member exceeds is wrong."""

import copy
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.algebra import Interval
from gnomon.bounds.margins import Margins
from gnomon.errors import SettingError, ShapeError
from gnomon.seeds import ensure
from gnomon.sets import InputSet, PerturbationSet
from gnomon.sets.parameters import ParameterRegion, TensorBall, TensorBox, TensorSet
from gnomon.shapes import Inputs

Weights = dict[str, Tensor]
Values = Float[Tensor, " batch outputs"]


@dataclass(frozen=True, eq=False)
class Falsification:
    """The result of a search for members beyond claimed bounds; all in float64.

    Attributes:
        claimed: the bounds.
        attained: the least and greatest value of each that was met; where no value was a
            number, they are ∞ and −∞.
        slack: the excess over each bound that rounding may explain.
        search: which search came closest to, or furthest beyond, some bound: "members",
            "corners" or "ascent".
        example: the number of the example in the batch.
        output: the number of its output.
        inputs: the allowed input of that example.
        parameters: the allowed parameters.
    """

    claimed: Interval
    attained: Interval
    slack: Values
    search: str
    example: int
    output: int
    inputs: Tensor
    parameters: Weights

    @property
    def excess(self) -> float:
        """The distance of the closest value beyond its bound; negative if it is inside."""
        return float(self._beyond[self.example, self.output])

    @property
    def beaten(self) -> bool:
        """True if some bound was exceeded by more than the slack: it is wrong."""
        return bool((self._beyond > self.slack).any())

    @property
    def tightness(self) -> Values:
        """The share of each bound's width that is attained: 1 if exact; NaN where unknown.

        Bounds of no width have 1. One that is infinite or NaN says nothing, and has NaN.
        """
        width, attained = self.claimed.width, self.attained.width
        share = torch.where(width == 0, torch.ones_like(width), attained / width)
        return torch.where(width.isfinite() & attained.isfinite(), share, torch.nan)

    @property
    def _beyond(self) -> Tensor:
        return _beyond(self.claimed, self.attained.lower, self.attained.upper)


@dataclass(frozen=True)
class Falsifier:
    """Three searches for a member of the sets whose output lies outside claimed bounds.

    - members: uniform in the sets;
    - corners: furthest along random directions; corners of boxes, and points of spheres;
    - ascent: projected gradient steps on inputs and parameters, from the centres, up and down
      each output.

    Values are computed in float64 from the weights and inputs as they are given: what rounding
    does to the network itself is not looked for. A network that cannot be run in float64, since
    it converts to another type itself, is run as it is. Bounds computed with ordinary rounding
    may be exceeded by a little; `ulps` says by how much. A search without success proves
    nothing.

    Attributes:
        members: number of random members.
        corners: number of random corners.
        steps: number of steps of each ascent, of which there are two for each output.
        ulps: the slack, in units of ε (1 + |bound|), with ε of the precision of the bounds,
            or of the network if that is run as it is; 0 for bounds that account for rounding.

    Raises:
        SettingError: a negative setting, or no search at all.
    """

    members: int = 20
    corners: int = 20
    steps: int = 10
    ulps: float = 1000.0

    def __post_init__(self) -> None:
        counts = (self.members, self.corners, self.steps)
        if min(*counts, self.ulps) < 0 or not any(counts):
            raise SettingError(
                "Falsifier: expected members, corners, steps and ulps ≥ 0 and one of the first "
                f"three > 0, got {counts} and {self.ulps}. Ask for a search."
            )

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        claimed: Interval | Margins,
        within: InputSet | None = None,
        region: ParameterRegion | None = None,
        generator: torch.Generator | None = None,
    ) -> Falsification:
        """Searches for members beyond bounds of outputs, or of margins z_j − z_y.

        Args:
            network: evaluated in evaluation mode, in a copy in float64.
            inputs: a batch, inside the set's domain.
            claimed: bounds that should hold for all members: batch × outputs.
            within: the allowed inputs; None for the inputs as they are.
            region: the allowed parameters; None for those of the network.
            generator: of random members and corners; by default one from seed 0.

        Raises:
            ShapeError: bounds of another shape than the network's output.
        """
        hunt = _Hunt(network, inputs, claimed, within, region, self.ulps)
        generator = ensure(generator)
        for _ in range(self.members):
            hunt.see("members", *hunt.member(generator))
        for _ in range(self.corners):
            hunt.see("corners", *hunt.corner(generator))
        for output in range(hunt.claimed.shape[1]) if self.steps else ():
            for sign in (1.0, -1.0):
                hunt.climb(output, sign, self.steps)
        return hunt.result()


class _Hunt:
    """One search: the sets and bounds in float64, and the closest member so far."""

    def __init__(
        self,
        network: nn.Module,
        inputs: Inputs,
        claimed: Interval | Margins,
        within: InputSet | None,
        region: ParameterRegion | None,
        ulps: float,
    ) -> None:
        self.network, self.dtype = _in_float64(network, inputs)
        self.inputs, self.within = inputs.detach().double(), within
        self.around = None if within is None else within.around(self.inputs)
        sets = {} if region is None else dict(region.detach())
        self.region = ParameterRegion({name: _double(each) for name, each in sets.items()})
        self.labels = claimed.labels if isinstance(claimed, Margins) else None
        bounds, eps = _bounds(claimed)
        self.claimed = bounds
        eps = max(eps, torch.finfo(self.dtype).eps)
        self.slack = ulps * eps * (1 + _finite(bounds.lower).maximum(_finite(bounds.upper)))
        self.low = torch.full_like(bounds.lower, torch.inf)
        self.high = -self.low
        self.closest, self.best = -torch.inf, ("", 0, 0, self.inputs[0], self.centre())
        with torch.no_grad():
            shape = self.outputs(self.inputs, self.centre()).shape
        if shape != bounds.shape:
            raise ShapeError(
                f"Falsifier: expected bounds of the output's shape {tuple(shape)}, got "
                f"{tuple(bounds.shape)}. Give those of this network and these inputs."
            )

    def centre(self) -> Weights:
        """The network's own parameters."""
        return dict(self.region.centre())

    def member(self, generator: torch.Generator) -> tuple[Tensor, Weights]:
        """Random members of both sets."""
        around, weights = self.around, self.region.sample(generator)
        step = None if around is None else around.sample(generator)
        return self._perturbed(step), _each_double(weights)

    def corner(self, generator: torch.Generator) -> tuple[Tensor, Weights]:
        """Random extreme points of both sets."""
        around, weights = self.around, self.region.vertex(generator)
        shape, device = self.inputs.shape, generator.device
        direction = torch.randn(shape, generator=generator, device=device).to(self.inputs)
        step = None if around is None else around.steepest(direction)
        return self._perturbed(step), _each_double(weights)

    def climb(self, output: int, sign: float, steps: int) -> None:
        """Projected ascent of one output; steps shrink from the sets' diameter to 0."""
        points, weights = self.inputs, self.centre()
        for step in range(steps):
            length = 2 * (1 - step / steps)
            slope, slopes = self._slopes(points, weights, output, sign)
            if self.around is not None and self.within is not None:
                move = self.within.steepest(slope, length * self.within.radius)
                points = self._perturbed(self.around.project(points + move - self.inputs))
            best, centre = self.region.steepest(slopes), self.region.centre()
            moved = {
                name: weight + length * (best[name] - centre[name])
                for name, weight in weights.items()
            }
            weights = _each_double(self.region.project(moved))
            self.see("ascent", points, weights)

    def see(self, search: str, points: Tensor, weights: Weights) -> None:
        """Evaluates the network, and notes what came nearest to a bound."""
        with torch.no_grad():
            values = self.outputs(points, weights)
        self.low, self.high = torch.fmin(self.low, values), torch.fmax(self.high, values)
        beyond = _beyond(self.claimed, values, values) - self.slack
        beyond = beyond.nan_to_num(nan=-torch.inf, neginf=-torch.inf, posinf=torch.inf)
        if float(beyond.max()) > self.closest:
            self.closest = float(beyond.max())
            example, output = divmod(int(beyond.argmax()), beyond.shape[1])
            self.best = (search, example, output, points[example], weights)

    def outputs(self, points: Tensor, weights: Weights) -> Tensor:
        """The numbers that are bounded: outputs, or margins."""
        # What the network writes into its inputs is not written into the points.
        points = points.to(self.dtype, copy=True)
        weights = {name: each.to(self.dtype) for name, each in weights.items()}
        values = torch.func.functional_call(self.network, weights, (points,)).double()
        if self.labels is None:
            return values.flatten(1)
        return values - values.gather(1, self.labels[:, None])

    def result(self) -> Falsification:
        """The closest member, as the outcome of the search."""
        attained = Interval.computed(self.low, self.high)
        return Falsification(self.claimed, attained, self.slack, *self.best)

    def _slopes(
        self, points: Tensor, weights: Weights, output: int, sign: float
    ) -> tuple[Tensor, Weights]:
        with torch.enable_grad():
            x = points.detach().requires_grad_()
            leaves = {name: each.detach().requires_grad_() for name, each in weights.items()}
            goal = sign * self.outputs(x, leaves)[:, output].sum()
            slope, *slopes = torch.autograd.grad(
                goal, [x, *leaves.values()], materialize_grads=True
            )
        return slope, dict(zip(leaves, slopes, strict=True))

    def _perturbed(self, step: Tensor | None) -> Tensor:
        around: PerturbationSet | None = self.around
        return self.inputs if around is None or step is None else around.perturb(step)


def _in_float64(network: nn.Module, inputs: Inputs) -> tuple[nn.Module, torch.dtype]:
    """A copy of the network in float64, or as it is if that does not run, and its type."""
    made = copy.deepcopy(network).double().eval().requires_grad_(requires_grad=False)
    with torch.no_grad():
        try:
            made(inputs[:1].double())
        except RuntimeError:  # it converts to float32, and goes on with weights in float64
            made = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
            kinds = {each.dtype for each in made.parameters()} | {torch.float32}
            return made, max(kinds, key=lambda kind: torch.finfo(kind).bits)
    return made, torch.float64


def _bounds(claimed: Interval | Margins) -> tuple[Interval, float]:
    """Lower and upper bounds in float64, outputs along one axis, and their own ε."""
    upper = claimed.upper.detach()
    lower = (
        torch.full_like(upper, -torch.inf)
        if isinstance(claimed, Margins)
        else claimed.lower.detach()
    )
    ends = (lower.double().flatten(1), upper.double().flatten(1))
    return Interval.computed(*ends), torch.finfo(upper.dtype).eps


def _beyond(claimed: Interval, low: Tensor, high: Tensor) -> Tensor:
    """The distances of values beyond their bounds; a bound that is NaN is never exceeded."""
    return torch.fmax(claimed.lower - low, high - claimed.upper)


def _finite(bound: Tensor) -> Tensor:
    return bound.abs().nan_to_num(nan=0.0, posinf=0.0)


def _double(allowed: TensorSet) -> TensorSet:
    """The same set in float64; a set of another kind as it is, whose members are converted."""
    if isinstance(allowed, TensorBox):
        return TensorBox(allowed.centre.double(), allowed.radius.double())
    if isinstance(allowed, TensorBall):
        return TensorBall(allowed.centre.double(), allowed.radius.double())
    return allowed


def _each_double(weights: Weights) -> Weights:
    return {name: each.double() for name, each in weights.items()}
