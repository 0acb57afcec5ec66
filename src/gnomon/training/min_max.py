"""Training as a min–max: what is minimised, and who works against it."""

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from gnomon.bounds import IBP, BoundMethod
from gnomon.shapes import PerExample
from gnomon.training.adversaries import (
    InputAdversary,
    MovedParameters,
    Nobody,
    ParameterAdversary,
    Unmoved,
)
from gnomon.training.adversaries.parameters import kept_statistics
from gnomon.training.case import Case
from gnomon.training.criteria import Criterion, WorstCase
from gnomon.training.method import Batch, InOwnLoop, Loss, check_numbers

_WORST, _NOBODY, _UNMOVED, _IBP = WorstCase(), Nobody(), Unmoved(), IBP()


@dataclass(frozen=True)
class MinMax(InOwnLoop):
    """Minimises a criterion of what two adversaries make of inputs and parameters.

        min_θ  Σ  criterion( max over S_θ, max over S_x )

    Each adversary is none, random, a gradient attack or bounds; any two go together. The
    adversary of the inputs moves first, against the network as it is; that of the parameters
    sees the loss at what the first one chose. What they leave open is enclosed by bounds, for
    each example by itself: the worst parameters of one example need not be those of another,
    so that the loss is an upper bound of that in which all share them.

    Attributes:
        inputs: the adversary of the inputs.
        parameters: the adversary of the parameters.
        criterion: what is minimised.
        bound: how sets are enclosed.
    """

    inputs: InputAdversary = _NOBODY
    parameters: ParameterAdversary = _UNMOVED
    criterion: Criterion = _WORST
    bound: BoundMethod = _IBP

    def __post_init__(self) -> None:
        check_numbers(self)

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:
        """The loss of `network` on `batch`."""
        inputs = self.inputs(network, batch, generator)

        def losses(parameters: Mapping[str, Tensor] | None) -> PerExample:
            moved = MovedParameters(parameters)
            return self.criterion(Case(network, batch, inputs, moved, self.bound))

        parameters = self.parameters(network, losses, batch, generator)
        case = Case(network, batch, inputs, parameters, self.bound)
        with kept_statistics(network) if parameters.measured else nullcontext():
            values = self.criterion(case)
        return Loss(values, case.worst.correct(batch.labels), broken=case.blown_up(values))


class Composed(InOwnLoop):
    """A method of the literature: a frozen dataclass that says which min–max it is."""

    references: ClassVar[tuple[str, ...]]

    def __post_init__(self) -> None:
        check_numbers(self)
        self.composed()  # refuses wrong settings before anything is trained

    @abstractmethod
    def composed(self) -> MinMax:
        """The method in terms of its adversaries."""

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:
        """The loss of `network` on `batch`."""
        return self.composed().loss(network, batch, generator)
