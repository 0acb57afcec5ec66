"""One optimiser step, shared among processes where there are several."""

from dataclasses import dataclass
from typing import cast

import torch
from accelerate import Accelerator
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.training.method import Batch, TrainingMethod


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
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    method: TrainingMethod
    accelerator: Accelerator
    gradient_clip: float | None = None

    def __call__(
        self, batch: Batch, examples: int, learning_rate: float, generator: torch.Generator
    ) -> Float[Tensor, " 3"]:
        """Takes the step; loss, number of right answers, and gradient norm before clipping.

        Args:
            batch: this process's share, possibly empty.
            examples: size of the whole batch.
            learning_rate: of this step.
            generator: for the method.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._backward(batch, examples, generator)
        if self.accelerator.num_processes > 1:
            loss = self._sum_over_processes(loss)
        norm = self._clip()
        self._update()
        return torch.cat((loss, norm.detach().float().reshape(1)))

    def _backward(
        self, batch: Batch, examples: int, generator: torch.Generator
    ) -> Float[Tensor, " 2"]:
        """Adds this share's gradients; its part of the loss, and its right answers."""
        if len(batch) == 0:
            return torch.zeros(2, device=self.accelerator.device)
        loss = self.method.loss(self.network, batch, generator)
        value = loss.value
        if len(batch) < examples:
            value = value * (len(batch) / examples)
        scaler = self.accelerator.scaler
        (value if scaler is None else scaler.scale(value)).backward()
        return torch.stack((value.detach().float(), loss.correct.float()))

    def _sum_over_processes(self, loss: Float[Tensor, " 2"]) -> Float[Tensor, " 2"]:
        """Replaces the gradients, and the two figures, by their sums over all processes."""
        trained = [each for each in self.network.parameters() if each.requires_grad]
        for parameter in trained:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        gradients = [parameter.grad for parameter in trained if parameter.grad is not None]
        flat = torch.cat([*(each.reshape(-1) for each in gradients), loss])
        summed = cast("Tensor", self.accelerator.reduce(flat, "sum"))
        parts = summed.split([*(each.numel() for each in gradients), 2])
        for gradient, part in zip(gradients, parts[:-1], strict=True):
            gradient.copy_(part.view_as(gradient))
        return parts[-1]

    def _clip(self) -> Tensor:
        """The norm of all gradients together; afterwards it is at most `gradient_clip`."""
        self.accelerator.unscale_gradients(self.optimizer)
        parameters = [each for each in self.network.parameters() if each.grad is not None]
        gradients = [each.grad for each in parameters if each.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients, foreach=True)
        if self.gradient_clip is not None:
            torch.nn.utils.clip_grads_with_norm_(
                parameters, self.gradient_clip, norm, foreach=True
            )
        return norm

    def _update(self) -> None:
        scaler = self.accelerator.scaler
        if scaler is None:
            self.optimizer.step()
        else:
            scaler.step(self.optimizer)
            scaler.update()
