"""The networks that a course trains: one network by itself, or many in step."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from gnomon.training.checkpoint import Checkpoint
from gnomon.training.evaluation import Score
from gnomon.training.method import Batch, Loss
from gnomon.training.progress import Progress
from gnomon.training.replicas.examples import Examples


class Figures(NamedTuple):
    """Measurements of one step; tensors, so that a device need not be waited for.

    Each has one entry per network, or no axes where there is one network.

    Attributes:
        loss: mean over the batch of what was minimised.
        correct: number of examples that were right.
        gradient_norm: Euclidean norm over all parameters, before clipping.
    """

    loss: Float[Tensor, "*replicas"]
    correct: Shaped[Tensor, "*replicas"]
    gradient_norm: Float[Tensor, "*replicas"]


@runtime_checkable
class Draws(Protocol):
    """Random numbers of every network, while entered.

    Attributes:
        token: handed to what draws; it stands for the generator of each network.
    """

    @property
    def token(self) -> torch.Generator:
        """The generator to hand on."""
        ...

    def __enter__(self) -> object: ...

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> object: ...


@runtime_checkable
class Members(Protocol):
    """R networks of one architecture that are trained in step; R = 1 is the common case.

    All that differs between one network (any precision, several processes, any layout of
    memory) and many (one batched computation) is here; `Course` and `Epoch` tell the rest once.
    """

    @property
    def network(self) -> nn.Module:
        """The network that a method is called with: one, or a `ReplicatedNetwork`."""
        ...

    @property
    def device(self) -> torch.device:
        """Where they are trained."""
        ...

    @property
    def share(self) -> tuple[int, int]:
        """The number of this process, and how many share every batch."""
        ...

    def __len__(self) -> int:
        """R."""
        ...

    def expect(self, examples: int) -> None:
        """Says how many examples of each network come next."""
        ...

    def draws(self, *names: str | int) -> Draws:
        """Each network's random stream of these names."""
        ...

    def dropping(self, *names: str | int) -> AbstractContextManager[object]:
        """Makes dropout draw from each network's stream of these names within the block."""
        ...

    def step(
        self, batch: Batch, examples: int, rates: Sequence[float], noise: Draws
    ) -> tuple[Figures, Loss | None]:
        """Moves the parameters once along what the method minimises.

        Args:
            batch: this process's share, possibly empty; examples of the first network first.
            examples: number of examples of each network in the whole batch.
            rates: the learning rate of each network.
            noise: what the method draws from.

        Returns:
            What was measured, and what the method said; None for an empty share.
        """
        ...

    def scale_adapts(self) -> bool:
        """True if float16's scale can still fall: an infinite gradient is no failure then."""
        ...

    def agree(self) -> None:
        """Gives every process the first one's running statistics."""
        ...

    def tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers as they are now, in the form of `Checkpoint.network`."""
        ...

    def finite(self, tensors: Mapping[str, Tensor]) -> list[bool]:
        """Tells whether all parameters and buffers of each network are finite."""
        ...

    def checkpoint(
        self,
        progress: Sequence[Progress],
        tensors: Mapping[str, Tensor],
        best: Mapping[str, Tensor],
    ) -> Checkpoint:
        """The state as it is now; its tensors are the networks' own, not copies."""
        ...

    def load(self, checkpoint: Checkpoint) -> None:
        """Takes up the state of a checkpoint.

        Raises:
            WeightsError: its tensors are not those of these networks.
        """
        ...

    def replaced(
        self, tensors: Mapping[str, Tensor], new: Mapping[str, Tensor], rows: Sequence[int]
    ) -> dict[str, Tensor]:
        """Copies of `tensors` in which the parts of some networks are those of `new`."""
        ...

    def keep(self, chosen: Sequence[int]) -> None:
        """Drops every network except the chosen ones."""
        ...

    def single(self, checkpoint: Checkpoint, row: int) -> Checkpoint:
        """One network's part of a checkpoint, in the form that it has of a single network."""
        ...

    def plain(self, tensors: Mapping[str, Tensor], row: int) -> nn.Module:
        """One network by itself, with its part of `tensors`."""
        ...

    def scores(self, examples: Examples) -> list[Score]:
        """The score of each network in evaluation mode; the mode is left as it was."""
        ...

    def summed(self, tensor: Tensor) -> Tensor:
        """The sum of a tensor over all processes."""
        ...
