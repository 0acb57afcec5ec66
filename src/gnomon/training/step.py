"""One optimiser step, shared among processes where there are several."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, cast

import torch
from accelerate import Accelerator
from jaxtyping import Float, Shaped
from torch import Tensor, nn

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
        self.optimizer.zero_grad(set_to_none=True)
        loss, correct, carried = self._backward(batch, examples, generator)
        if self.accelerator.num_processes > 1:
            loss, correct = self._sum_over_processes(loss, correct)
        norm = self._clip()
        self._update()
        self._clip_weights()
        return StepFigures(loss, correct, norm), carried

    def _backward(
        self, batch: Batch, examples: int, generator: torch.Generator
    ) -> tuple[Float[Tensor, ""], Shaped[Tensor, ""], Tensor | None]:
        """Adds this share's gradients; its part of the loss, its right answers, the carried."""
        if len(batch) == 0:
            nothing = torch.zeros((), device=self.accelerator.device)
            return nothing, nothing, None
        loss = self.method.loss(self.network, batch, generator)
        value = loss.value
        if len(batch) < examples:
            value = value * (len(batch) / examples)
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
        for parameter in self._trained:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [each.grad for each in self._trained if each.grad is not None]
        figures = torch.stack((loss.float(), correct.float()))
        flat = torch.cat([*(each.reshape(-1) for each in gradients), figures])
        summed = cast("Tensor", self.accelerator.reduce(flat, "sum"))
        parts = summed.split([*(each.numel() for each in gradients), 2])
        for gradient, part in zip(gradients, parts[:-1], strict=True):
            gradient.copy_(part.view_as(gradient))
        return parts[-1][0], parts[-1][1]

    def _clip(self) -> Tensor:
        """The norm of all gradients together; afterwards it is at most `gradient_clip`."""
        self.accelerator.unscale_gradients(self.optimizer)
        gradients = [each.grad for each in self._trained if each.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
        if self.gradient_clip is not None:
            torch.nn.utils.clip_grads_with_norm_(
                self._trained, self.gradient_clip, norm, foreach=True
            )
        return norm

    @cached_property
    def _trained(self) -> list[nn.Parameter]:
        """The parameters that have a gradient; found once, as this takes time at every step."""
        return [each for each in self.network.parameters() if each.requires_grad]

    def _update(self) -> None:
        scaler = self.accelerator.scaler
        if scaler is None:
            self.optimizer.step()
        else:
            scaler.step(self.optimizer)
            scaler.update()

    @torch.no_grad()
    def _clip_weights(self) -> None:
        if self.weight_clip is not None:
            for parameter in self._trained:
                parameter.clamp_(-self.weight_clip, self.weight_clip)
