"""No bound of 2,000 random networks is beaten, whatever they do to their data."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import gnomon as gn
from gnomon.algebra import Value
from gnomon.errors import UnsupportedOperationError
from gnomon.seeds import generator
from gnomon.sets import Box
from gnomon.sets.parameters import TensorBall, TensorBox
from reference.random_networks import Draw, random_network

NETWORKS = 2_000
PORTION = 50
MEMBERS = 200
"""Of the set of inputs of each network; half of them are extreme points."""

Weights = Mapping[str, Tensor]
Claim = Callable[["Question"], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Question:
    """A network, and the sets of its inputs and parameters."""

    network: nn.Module
    x: Tensor
    labels: Tensor
    within: gn.InputSet
    region: Any
    level: gn.algebra.Deployed


def evaluated(make: Callable[[Question], Value]) -> Claim:
    def claim(question: Question) -> tuple[Tensor, Tensor]:
        found = gn.evaluate(question.network, make(question), question.region)
        return found.lower, found.upper

    return claim


def box(question: Question) -> gn.Interval:
    return gn.enclose(question.x, question.within)


def rounded_box(question: Question) -> gn.Interval:
    return gn.enclose(question.x, question.within, gn.Outward(level=question.level))


PLAIN: dict[str, Claim] = {
    "interval": evaluated(box),
    "affine": evaluated(lambda question: gn.Zonotope.of(box(question))),
    "relaxed": evaluated(lambda question: gn.LinearRelaxation.of(box(question))),
    "relaxed by intervals": evaluated(
        lambda question: gn.LinearRelaxation.of(box(question), intermediate="interval")
    ),
}
ROUNDED: dict[str, Claim] = {
    "rounded": evaluated(rounded_box),
    "rounded relaxed": evaluated(
        lambda question: gn.LinearRelaxation.of(rounded_box(question))
    ),
}


def margins_of(question: Question) -> dict[str, Tensor]:
    """Upper bounds of margins by every method that takes the network."""
    methods = {
        "IBP": gn.IBP(),
        "CROWN": gn.CROWN(),
        "rounded IBP": gn.IBP(gn.Outward(level=question.level)),
        "rounded CROWN": gn.CROWN(gn.algebra.Outward(question.level)),
    }
    found: dict[str, Tensor] = {}
    for name, method in methods.items():
        try:
            margins = method(
                question.network, question.x, question.labels, question.within, question.region
            )
            found[name] = margins.upper
        except UnsupportedOperationError:
            continue
    return found


def random_question(number: int) -> Question:
    dtype = (torch.float64, torch.float32)[number % 2]
    network, x = random_network(number, dtype)
    draw = Draw(-number - 1)
    radius = 10 ** float(2.3 * torch.rand((), generator=draw.random) - 2)
    domain = (None, (-1.0, 1.5))[draw.below(2)]
    if domain is not None:
        x = x.clamp(*domain)
    kinds = (gn.Linf, gn.L2, gn.L1)
    kind = draw.below(4)
    if kind < 3:
        within: gn.InputSet = kinds[kind](radius, domain)
    else:
        sides = draw.tensor(2, x.shape[1]).abs()
        within = Box(-sides[0], sides[1], domain=domain, radius=radius)
    region: Any = None
    law = draw.below(6)
    if law == 0:
        region = gn.ParameterBox(gn.radius.Relative(radius / 10)).of(network)
    elif law == 1:
        region = gn.ParameterBox(gn.radius.Constant(radius / 10)).of(network)
    elif law == 2:
        region = gn.ParameterBall(radius / 10).of(network)
    labels = network(x.clone()).argmax(dim=1)
    return Question(network, x, labels, within, region, gn.algebra.Deployed(dtype))


def inputs_of(question: Question) -> Tensor:
    """Members of the set of inputs: draws × the shape of the batch."""
    x, within = question.x.double(), question.within
    random = generator(12)
    shape = (MEMBERS, *x.shape)
    if isinstance(within, Box):
        part = torch.rand(shape, generator=random, dtype=x.dtype)
        part[::2] = part[::2].round()
        steps = within.radius * (within.lower + part * (within.upper - within.lower))
    else:
        steps = torch.randn(shape, generator=random, dtype=x.dtype)
        if isinstance(within, gn.Linf):
            steps = steps.clamp(-1, 1)
            steps[::2] = steps[::2].sign()
        elif isinstance(within, gn.L2):
            steps = steps / steps.norm(dim=-1, keepdim=True)
        else:
            steps[::2] *= steps[::2].abs() == steps[::2].abs().amax(dim=-1, keepdim=True)
            steps = steps / steps.abs().sum(dim=-1, keepdim=True)
        part = torch.rand((MEMBERS, 1, 1), generator=random, dtype=x.dtype)
        part[::2] = 1.0
        steps = within.radius * part * steps
    members = x + steps * (1 - 1e-6)  # inside, also when they are rounded to float32
    if within.domain is not None:
        members = members.clamp(*within.domain)
    return members.to(question.x.dtype)


def weights_of(question: Question) -> list[Weights]:
    """Members of the set of parameters, centre first; half of them are extreme points."""
    own: dict[str, Tensor] = dict(question.network.named_parameters())
    found: list[Weights] = [own]
    if question.region is None:
        return found
    random = generator(13)
    for draw in range(10):
        member: dict[str, Tensor] = {}
        for name, each in question.region.items():
            step = torch.rand(own[name].shape, generator=random, dtype=torch.float64) * 2 - 1
            if isinstance(each, TensorBox):
                step = step.sign() if draw % 2 else step
                step = step * each.radius
            else:
                assert isinstance(each, TensorBall)
                step = step / step.norm().clamp_min(1e-9) * each.radius
            member[name] = (own[name] + step * (1 - 1e-5)).to(own[name].dtype)
        found.append({**own, **member})
    return found


def outputs_of(question: Question, points: Tensor, weights: Weights) -> Tensor:
    """Outputs of draws × batch; every draw is a part of one batch."""
    flat = points.flatten(0, 1).clone()
    found = torch.func.functional_call(question.network, dict(weights), (flat,))
    return found.unflatten(0, points.shape[:2])


def climbed(question: Question) -> Tensor | None:
    """Members that steps along the gradient of some output lead to, where it has one."""
    corners = []
    for output in range(3):
        for sign in (1.0, -1.0):
            x = question.x.clone().requires_grad_()
            try:
                goal = question.network(x.clone())[:, output].sum()
                (slope,) = torch.autograd.grad(goal, x)
            except RuntimeError:  # torch cannot differentiate what was written in place
                return None
            around = question.within.around(question.x)
            step = around.steepest(sign * slope.nan_to_num()) * (1 - 1e-5)
            corners.append(around.perturb(step))
    return torch.stack(corners)


def excess(outputs: Tensor, lower: Tensor, upper: Tensor) -> float:
    """How far some output lies beyond its bounds, relative to both; NaN bounds say nothing."""
    size = 1 + outputs.abs().maximum(
        lower.abs().fmin(upper.abs()).nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
    )
    beyond = torch.fmax(lower - outputs, outputs - upper) / size
    return float(beyond.nan_to_num(nan=-1.0, neginf=-1.0).max())


def beaten(question: Question, counts: Counter[str]) -> list[str]:
    """Which claims some member exceeds, beyond what rounding explains."""
    members = inputs_of(question)
    with torch.no_grad():
        found = [outputs_of(question, members, each) for each in weights_of(question)]
    corners = climbed(question)
    if corners is not None:
        with torch.no_grad():
            found.append(
                outputs_of(question, corners, dict(question.network.named_parameters()))
            )
    outputs = torch.cat(found).double()
    own = question.labels[None, :, None].expand(len(outputs), -1, 1)
    gaps = outputs - outputs.gather(2, own)
    eps = torch.finfo(torch.float32).eps
    slack = SLACK[question.x.dtype] * eps
    wrong: list[str] = []
    for name, claim in {**PLAIN, **ROUNDED}.items():
        counts["asked"] += 1
        try:
            lower, upper = claim(question)
        except UnsupportedOperationError:
            counts[f"{name} refused"] += 1
            continue
        allowed = 0.0 if name in ROUNDED else slack
        if excess(outputs, lower.double(), upper.double()) > allowed:
            wrong.append(name)
    for name, upper in margins_of(question).items():
        counts[name] += 1
        lower = torch.full_like(upper, -torch.inf)
        # The difference of two outputs in float32 is not rounded in float64.
        allowed = 0.0 if "rounded" in name else slack
        if excess(gaps, lower.double(), upper.double()) > allowed:
            wrong.append(name)
    return wrong


SLACK = {torch.float32: 2_000, torch.float64: 20}
"""Of bounds and outputs rounded to nearest, in units of float32's ε, by the network's type.

Some layers enlarge errors; a network in float64 may convert to float32 on its way.
"""


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, NETWORKS, PORTION))
def test_no_bound_of_a_random_network_is_beaten(first: int) -> None:
    counts, wrong = Counter[str](), dict[int, list[str]]()
    for number in range(first, first + PORTION):
        question = random_question(number)
        names = beaten(question, counts)
        if names:
            wrong[number] = names
    assert not wrong
    for name in (*PLAIN, *ROUNDED):
        assert counts[f"{name} refused"] < PORTION / 2
