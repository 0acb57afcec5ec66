"""The seam between the loop, which is shared, and what is minimised, which is the method."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.errors import SettingError
from gnomon.seeds import generator as seeded
from gnomon.sets import Domain
from gnomon.shapes import Inputs, Labels, Mask, PerExample


@dataclass(frozen=True)
class Batch:
    """The examples of one optimiser step.

    Attributes:
        inputs: in the data's own units.
        labels: 0 … classes − 1.
        domain: the interval of every coordinate of an input; None where there is none.
        progress: how much of the training is done, from 0 at its first step towards 1. What a
            method does step by step is in full force at 1.
        carried: what the method left for this step at the one before it (`Loss.carried`); None
            at the first step of an epoch.
    """

    inputs: Inputs
    labels: Labels
    domain: Domain = None
    progress: float = 1.0
    carried: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Loss:
    """The losses of one batch, example by example.

    One number for each example, because a batch may hold the examples of many networks that
    are trained as one (`ReplicatedNetwork`), each of which takes the mean of its own.

    Attributes:
        values: what is minimised, on the network's device; differentiable in its parameters.
        correct: which examples the network got right as it was trained on them: perturbed, and
            under the method's own worst case.
        carried: what the method wants to find in the next batch; if it is a leaf of the graph
            of `values`, with its gradient.
        broken: why values of a network are not finite, where the method knows; by its place
            among the networks of the batch, 0 for a single one.
    """

    values: PerExample
    correct: Mask
    carried: Tensor | None = None
    broken: Mapping[int, str] = field(default_factory=dict)

    @property
    def value(self) -> Float[Tensor, ""]:
        """The mean over the batch."""
        return self.values.mean()


def check_numbers(settings: object, name: str = "") -> None:
    """Refuses NaN in any setting of a method, of its adversaries, ramps and so on.

    A comparison with NaN is false, so that it passes many a check of a range.

    Args:
        settings: a dataclass whose fields are settings.
        name: of the settings that it is a field of.

    Raises:
        SettingError: a field, or a field of a field, is NaN.
    """
    assert is_dataclass(settings)
    own = f"{name}{type(settings).__name__}"
    for each in fields(settings):
        value = getattr(settings, each.name)
        if isinstance(value, float) and math.isnan(value):
            raise SettingError(
                f"{own}: expected a number for {each.name}, got {value}. Correct it."
            )
        if is_dataclass(value) and not isinstance(value, type):
            check_numbers(value, f"{own}.{each.name}: ")


@runtime_checkable
class TrainingMethod(Protocol):
    """A frozen dataclass whose fields are the settings of the method."""

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:
        """The losses of `network` on `batch`; whatever is random is drawn from `generator`.

        The network is in training mode. The method leaves its parameters as they are; buffers
        (running statistics) change as a forward pass changes them.

        The network may be many networks in one, and the batch that of all of them in turn. A
        method need not know, if it treats examples one by one, runs the network on as many
        inputs as the batch has, in their order, and draws tensors whose first axis is the
        batch. One that changes parameters asks for them by `parameters_of` and runs the
        network by `run_with`.
        """
        ...


class InOwnLoop(ABC):
    """A method that can be called on a batch in a training loop of one's own."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:
        """Returns the losses of `network` on `batch`; see `TrainingMethod`."""

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        generator: torch.Generator | None = None,
        *,
        domain: Domain = None,
        progress: float = 1.0,
    ) -> PerExample:
        """Returns the losses of a batch, one per example, differentiable in the parameters.

        Args:
            network: in training mode, from inputs to logits (batch, classes).
            inputs: the batch, in the data's own units.
            labels: 0 … classes − 1.
            generator: source of all that is random; pass one generator for the whole loop.
                Without it, draws depend on seed 0 and on how often the parameters have been
                changed, so that every step has its own.
            domain: the interval of every coordinate of an input, where the set names none.
            progress: the share of the training that is done, from 0 to 1; ramps follow it.

        What a method carries from step to step (`FreeTraining`) begins anew at each call.

        >>> from gnomon.training import Standard
        >>> network = nn.Linear(2, 3)
        >>> optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        >>> losses = Standard()(network, torch.ones(4, 2), torch.tensor([0, 1, 2, 0]))
        >>> losses.mean().backward()
        >>> optimizer.step()
        """
        if generator is None:
            counts = (each._version for each in network.parameters())  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (torch's)
            generator = seeded(0, "method", sum(counts), device=inputs.device)
        batch = Batch(inputs, labels, domain, progress)
        return self.loss(network, batch, generator).values


@runtime_checkable
class ReplayingMethod(TrainingMethod, Protocol):
    """A method that takes several steps in a row on the same batch."""

    @property
    def replays(self) -> int:
        """The number of steps that each batch is used for."""
        ...
