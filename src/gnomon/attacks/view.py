"""The view of a network that an attack searches with."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, cast

import torch
from torch import Tensor, nn

from gnomon.attacks.slopes import AUTOGRAD, Forward, Slope, SlopeEstimate
from gnomon.attacks.surrogates import Surrogate, surrogates_in
from gnomon.errors import SettingError
from gnomon.networks.classifiers import check_logits
from gnomon.networks.undisturbed import undisturbed
from gnomon.shapes import Inputs, Logits, PerExample

_Attack = TypeVar("_Attack")
Precision = Literal["network", "bfloat16"]
Measured = Literal["gradients", "logits"]
"""The quantity that an attack mostly evaluates: gradients or logits."""


@dataclass(frozen=True)
class View:
    """The settings by which an attack evaluates a network; only the search depends on them.

    Whether a point fools the network is never judged through a view, but by the network
    itself, in its own precision.

    Attributes:
        precision: "network" computes as the network does; "bfloat16" lets matrix products and
            convolutions run in bfloat16, which is twice as fast on some hardware
            (`fastest_precision`), and changes gradients by about 1 %.
        draws: of a network whose output is random; logits, objectives and gradients are means
            over so many (expectation over transformation), and an answer is the mean of so
            many logits. Several fresh answers judge.
        slopes: how gradients are found.
        surrogates: for modules whose own derivative leads nowhere.

    Raises:
        SettingError: fewer than one draw.

    References:
        athalye2018 (draws and surrogates).
    """

    precision: Precision = "network"
    draws: int = 1
    slopes: SlopeEstimate = AUTOGRAD
    surrogates: tuple[Surrogate, ...] = ()

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise SettingError(f"View: expected draws ≥ 1, got {self.draws}. Raise it.")

    @contextmanager
    def of(self, network: nn.Module) -> Generator[Forward, None, None]:
        """The network as it is seen: in evaluation mode, with surrogates, in this precision.

        All is put back at the end.
        """
        with undisturbed(network), surrogates_in(network, self.surrogates):
            yield network if self.precision == "network" else _Narrow(network)

    def logits(self, seen: Forward, points: Inputs) -> Logits:
        """The mean logits over the draws, of a network as it is seen."""
        logits = [check_logits(seen(points), len(points)) for _ in range(self.draws)]
        return logits[0] if len(logits) == 1 else torch.stack(logits).mean(dim=0)

    def slope(
        self,
        seen: Forward,
        points: Inputs,
        objective: Callable[[Logits], PerExample],
        generator: torch.Generator,
    ) -> Slope:
        """The objective and its gradient at each point."""
        slopes = [self.slopes(seen, points, objective, generator) for _ in range(self.draws)]
        return slopes[0] if len(slopes) == 1 else Slope.mean(slopes)


PLAIN = View()
"""The network as it is."""


def averaged(attack: _Attack, draws: int) -> _Attack:
    """The attack with a view of so many draws at least; itself, if it has no view."""
    view = getattr(attack, "view", None)
    if not isinstance(view, View) or view.draws >= draws:
        return attack
    return replace(cast("Any", attack), view=replace(view, draws=draws))


def fastest_precision(
    network: nn.Module, inputs: Inputs, rounds: int = 3, of: Measured = "gradients"
) -> Precision:
    """The precision in which a gradient of the network takes least time here, measured.

    bfloat16 is taken where it needs less than 0.8 of the time, each the best of some rounds.

    Args:
        network: as it will be attacked.
        inputs: a batch as large as those that will be attacked.
        rounds: measurements of each.
        of: "logits" measures a forward pass instead, for an attack that takes no gradient,
            such as `SquareAttack`: the answers can differ.
    """
    full, half = list[float](), list[float]()
    for _ in range(rounds + 1):  # the first is for warming up
        for view, seconds in ((PLAIN, full), (View("bfloat16"), half)):
            seconds.append(_seconds(view, network, inputs, of))
    return "bfloat16" if min(half[1:]) < 0.8 * min(full[1:]) else "network"


class _Narrow:
    """A network whose matrices and convolutions run in bfloat16, with weights cast once."""

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.weights = {
            name: each.to(torch.bfloat16)
            for name, each in network.named_parameters()
            if each.dim() > 1 and each.dtype == torch.float32
        }

    def __call__(self, points: Tensor) -> Tensor:
        with torch.autocast(points.device.type, dtype=torch.bfloat16):
            logits = torch.func.functional_call(self.network, self.weights, (points,))
        return logits.to(points.dtype)


def _seconds(view: View, network: nn.Module, inputs: Inputs, of: Measured) -> float:
    """The time of one evaluation, in seconds."""
    source = torch.Generator(inputs.device).manual_seed(0)
    with view.of(network) as seen:
        begun = _now(inputs.device)
        if of == "gradients":
            view.slope(seen, inputs, _sum, source)
        else:
            with torch.no_grad():
                view.logits(seen, inputs)
        return _now(inputs.device) - begun


def _sum(logits: Logits) -> PerExample:
    return logits.sum(dim=1)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
