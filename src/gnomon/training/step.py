"""One optimiser step, shared among processes where there are several."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, cast

import torch
from accelerate import Accelerator
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from gnomon.errors import DivergedError
from gnomon.training.gradients import Gradients
from gnomon.training.method import Batch, TrainingMethod


class StepFigures(NamedTuple):
    """What a step measured; tensors, so that a device need not be waited for.

    Attributes:
        loss: mean over the batch of what was minimised.
        correct: how many examples were right.
        gradient_norm: before clipping.
    """

    loss: Float[Tensor, ""]
    correct: Shaped[Tensor, ""]
    gradient_norm: Float[Tensor, ""]


@dataclass(frozen=True)
class Step:
    """Moves the parameters once along what a method minimises.

    Each process takes a share of the batch. The shares may differ in size, and a method may run
    the network many times, with other parameters too; torch's own wrapper for data parallelism
    allows for neither. So the gradients are summed here, each process's weighted by its share:
    the result is the gradient of the mean over the whole batch, for any number of processes.

    Attributes:
        network: the network, on the accelerator's device.
        optimizer: of its parameters.
        method: says what is minimised.
        accelerator: the processes and, with float16, the gradient scaler.
        gradient_clip: bound on the gradient's Euclidean norm.
        weight_clip: bound on the size of every trained parameter after the step.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    method: TrainingMethod
    accelerator: Accelerator
    gradient_clip: float | None = None
    weight_clip: float | None = None

    def __call__(
        self, batch: Batch, examples: int, learning_rate: float, generator: torch.Generator
    ) -> tuple[StepFigures, Tensor | None]:
        """Takes the step; what it measured, and what the method carries to the next one.

        Args:
            batch: this process's share, possibly empty.
            examples: size of the whole batch.
            learning_rate: of this step.
            generator: for the method.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self._gradients.clear()
        loss, correct, carried = self._backward(batch, examples, generator)
        self._gradients.collect()
        if self._shared:
            loss, correct = self._sum_over_processes(loss, correct)
        norm = self._clip()
        self._update()
        if self.weight_clip is not None:
            self._clip_weights(self.weight_clip)
        return StepFigures(loss, correct, norm), carried

    def _backward(
        self, batch: Batch, examples: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, ""], Shaped[Tensor, ""], Tensor | None]:
        """Adds this share's gradients; its part of the loss, its right answers, the carried."""
        share = len(batch)
        if share == 0:
            nothing = torch.zeros((), device=self.accelerator.device)
            return nothing, nothing, None
        loss = self.method.loss(self.network, batch, generator)
        if loss.broken and not self._shared:  # several processes end alike, at the sum
            raise DivergedError(loss.broken[0])
        value = loss.value
        if share < examples:
            value = value * (share / examples)
        scaler = self.accelerator.scaler
        (value if scaler is None else scaler.scale(value)).backward()
        carried = loss.carried
        if scaler is not None and carried is not None and carried.grad is not None:
            carried.grad.div_(scaler.get_scale())
        return value.detach(), loss.correct.sum(), carried

    def _sum_over_processes(
        self, loss: Float[Tensor, ""], correct: Shaped[Tensor, ""]
    ) -> tuple[Float[Tensor, ""], Shaped[Tensor, ""]]:
        """Replaces the gradients by their sums over all processes; the sums of the figures."""
        figures = torch.stack((loss.float(), correct.float()))
        flat = self._gradients.flat
        summed = cast("Tensor", self.accelerator.reduce(torch.cat([*flat, figures]), "sum"))
        parts = summed.split([*(each.numel() for each in flat), 2])
        for gradients, part in zip(flat, parts[:-1], strict=True):
            gradients.copy_(part)
        return parts[-1][0], parts[-1][1]

    def _clip(self) -> Tensor:
        """The norm of all gradients together; afterwards it is at most `gradient_clip`."""
        if self.accelerator.scaler is not None:
            self.accelerator.unscale_gradients(self.optimizer)
        if self.gradient_clip is None:
            return self._gradients.norm()
        return self._gradients.clip(self.gradient_clip)

    @cached_property
    def _shared(self) -> bool:
        """Whether there are several processes; to ask takes time at every step."""
        return self.accelerator.num_processes > 1

    @cached_property
    def _gradients(self) -> Gradients:
        """Where the gradients are; made at the first step."""
        return Gradients(self.network.parameters())

    def _update(self) -> None:
        scaler = self.accelerator.scaler
        if scaler is None:
            self.optimizer.step()
        else:
            scaler.step(self.optimizer)
            scaler.update()

    @torch.no_grad()
    def _clip_weights(self, bound: float) -> None:
        for parameter in self._gradients.trained:
            parameter.clamp_(-bound, bound)
