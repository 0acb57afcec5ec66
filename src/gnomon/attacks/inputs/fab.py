"""The fast adaptive boundary attack, to the nearest class or to one after another."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.boundary_walk import STRIDE, BoundaryWalk, Stride, Until
from gnomon.attacks.guards import Aims
from gnomon.attacks.outcome import Outcome
from gnomon.attacks.view import PLAIN, View
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class FAB:
    """Walks along the decision boundary, to whichever class is nearest in each step.

    `Stride` says how. The set names the norm, the domain, and the largest distance that
    counts: what fools only outside it resists. Each step takes a gradient for every wrong
    class; `FABT` takes one.

    Attributes:
        steps: number of steps per run.
        restarts: number of runs; all but the first start at random.
        stride: the step rule of an iterate.
        until: "nearest" goes on and keeps the nearest point, whose distance is an upper
            bound of the robust radius; "within" lets an example leave once it is fooled
            inside the set.
        view: how the network is seen while searching.

    Raises:
        SettingError: a setting outside its range.

    References:
        crocefab2020, algorithm 1.
    """

    steps: int = 100
    restarts: int = 1
    stride: Stride = STRIDE
    until: Until = "nearest"
    view: View = PLAIN

    def __post_init__(self) -> None:
        self._walk()

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
    ) -> Outcome:
        """Attacks one batch; see `Search` for the errors."""
        return self._walk()(network, inputs, labels, within, generator)

    def _walk(self) -> BoundaryWalk:
        repeated = f" × {self.restarts}" if self.restarts > 1 else ""
        return BoundaryWalk(
            f"FAB-{self.steps}{repeated}",
            None,
            self.steps,
            self.restarts,
            self.stride,
            self.until,
            self.view,
        )


@dataclass(frozen=True)
class FABT:
    """Walks along the boundaries to the likeliest wrong classes, in their order.

    Each example's targets are the wrong classes of largest logit at its unperturbed input, at
    most classes − 1 of them. A step takes one gradient, however many classes there are; as
    many runs go together as fill the batch that examples which left have made smaller.

    Attributes:
        steps: number of steps per target and restart.
        targets: the most classes that are walked to.
        restarts: runs for each target; all but the first start at random.
        stride: see `FAB`.
        until: see `FAB`.
        view: how the network is seen while searching.

    Raises:
        SettingError: a setting outside its range.

    References:
        crocefab2020, algorithm 1; croce2020, section 5 (targets).
    """

    steps: int = 100
    targets: int = 9
    restarts: int = 1
    stride: Stride = STRIDE
    until: Until = "nearest"
    view: View = PLAIN

    def __post_init__(self) -> None:
        self._walk()

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
        targets: Aims = None,
    ) -> Outcome:
        """Attacks one batch; see `Search` for the errors.

        With targets each example walks to where its own becomes the largest logit, and is
        fooled if it is given that class.
        """
        return self._walk()(network, inputs, labels, within, generator, targets)

    def _walk(self) -> BoundaryWalk:
        repeated = f" × {self.restarts}" if self.restarts > 1 else ""
        return BoundaryWalk(
            f"FAB-T-{self.steps}{repeated}",
            self.targets,
            self.steps,
            self.restarts,
            self.stride,
            self.until,
            self.view,
        )
