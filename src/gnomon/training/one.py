"""One network in training: in any precision, and shared among any number of processes."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from types import TracebackType
from typing import cast

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn import functional

from gnomon.errors import WeightsError
from gnomon.seeds import generator
from gnomon.training.checkpoint import Checkpoint
from gnomon.training.devices import default_randomness
from gnomon.training.evaluation import Score, evaluating
from gnomon.training.gradients import Gradients
from gnomon.training.members import Draws, Figures
from gnomon.training.method import Batch, Loss
from gnomon.training.optimizers import optimizer_tensors, restore_optimizer
from gnomon.training.progress import Progress
from gnomon.training.replicas.examples import Examples
from gnomon.training.settings import Training

_EXAMPLES_AT_ONCE = 1024
"""Number of examples that are evaluated at once."""


@dataclass(frozen=True)
class OwnDraws:
    """The random stream of a single network.

    Attributes:
        token: its generator.
    """

    token: torch.Generator

    def __enter__(self) -> None:
        """Leaves torch as it is."""

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        """Leaves torch as it is."""


class One:
    """A single network.

    Each process takes a share of a batch. The shares may differ in size, and a method may run
    the network many times, with other parameters too; torch's own wrapper for data parallelism
    allows for neither. So the gradients are summed here, each process's weighted by its share:
    the result is the gradient of the mean over the whole batch, for any number of processes.

    Args:
        network: before training; it is moved to the device.
        training: the settings.
        seed: everything random is derived from it.
        accelerator: the device, the processes and, with float16, the gradient scaler.
    """

    def __init__(
        self, network: nn.Module, training: Training, seed: int, accelerator: Accelerator
    ) -> None:
        self.device = accelerator.device
        self.share = (accelerator.process_index, accelerator.num_processes)
        self._training, self._seed, self._accelerator = training, seed, accelerator
        network = network.to(self.device)
        if training.channels_last:
            network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (missing in torch's types)
        if training.precision != "float32":
            # Makes the network run in that precision and return float32. Prepared as if for
            # evaluation: without torch's wrapper for several processes, see above.
            network = accelerator.prepare_model(network, evaluation_mode=True)
        self.network = network
        self._optimizer = training.optimizer(
            network.parameters(), training.learning_rate, training.weight_decay
        )
        self._scaler = accelerator.scaler
        self._shared = accelerator.num_processes > 1

    def __len__(self) -> int:
        return 1

    def expect(self, examples: int) -> None:
        """Takes as many as come."""

    def draws(self, *names: str | int) -> Draws:
        """The random stream of these names."""
        return OwnDraws(generator(self._seed, *names, device=self.device))

    def dropping(self, *names: str | int) -> AbstractContextManager[object]:
        """Makes torch's default generators draw from the stream of these names."""
        return default_randomness(self.device, self._seed, *names)

    def step(
        self, batch: Batch, examples: int, rates: Sequence[float], noise: Draws
    ) -> tuple[Figures, Loss | None]:
        """Moves the parameters once."""
        for group in self._optimizer.param_groups:
            group["lr"] = rates[0]
        self._gradients.clear()
        value, correct, loss = self._backward(batch, examples, noise.token)
        self._gradients.collect()
        if self._shared:
            value, correct = self._sum_over_processes(value, correct)
        norm = self._clip()
        self._update()
        if self._training.weight_clip is not None:
            self._clip_weights(self._training.weight_clip)
        return Figures(value, correct, norm), loss

    def scale_adapts(self) -> bool:
        """Tells whether float16's gradient scale can still fall."""
        return self._scaler is not None and self._scaler.get_scale() >= 1

    def agree(self) -> None:
        """Takes the first process's running statistics, as torch's own wrapper does."""
        if self._shared:
            for buffer in self.network.buffers():
                buffer.copy_(broadcast(buffer))

    def tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers by name."""
        return self.network.state_dict()

    def finite(self, tensors: Mapping[str, Tensor]) -> list[bool]:
        """Tells whether all numbers are finite."""
        flat = torch.cat(
            [each.reshape(-1) for each in tensors.values() if each.is_floating_point()]
        )
        # A finite sum is a quick proof; one that overflows proves nothing.
        return [bool(flat.sum().isfinite()) or bool(flat.isfinite().all())]

    def checkpoint(
        self,
        progress: Sequence[Progress],
        tensors: Mapping[str, Tensor],
        best: Mapping[str, Tensor],
    ) -> Checkpoint:
        """The state, with the gradient scale where there is one."""
        if self._scaler is not None:
            scaling = self._scaler.state_dict()
            scale, age = scaling["scale"], scaling["_growth_tracker"]
            progress = [replace(each, loss_scale=scale, scale_age=age) for each in progress]
        return Checkpoint(tuple(progress), tensors, optimizer_tensors(self._optimizer), best)

    def load(self, checkpoint: Checkpoint) -> None:
        """Takes up weights, the optimiser's state and the gradient scale."""
        self._load(checkpoint.network)
        restore_optimizer(self._optimizer, checkpoint.optimizer)
        progress = checkpoint.progress[0]
        if self._scaler is not None and progress.loss_scale is not None:
            scaling = {"scale": progress.loss_scale, "_growth_tracker": progress.scale_age}
            self._scaler.load_state_dict({**self._scaler.state_dict(), **scaling})

    def replaced(
        self, tensors: Mapping[str, Tensor], new: Mapping[str, Tensor], rows: Sequence[int]
    ) -> dict[str, Tensor]:
        """Copies of the new ones."""
        del tensors
        assert list(rows) == [0]
        return {name: tensor.clone() for name, tensor in new.items()}

    def keep(self, chosen: Sequence[int]) -> None:
        """Keeps the network."""
        assert list(chosen) == [0]

    def single(self, checkpoint: Checkpoint, row: int) -> Checkpoint:
        """The checkpoint as it is."""
        assert row == 0
        return checkpoint

    def plain(self, tensors: Mapping[str, Tensor], row: int) -> nn.Module:
        """The network itself, which takes up these tensors."""
        assert row == 0
        self._load(tensors)
        return self.network

    @torch.no_grad()
    def scores(self, examples: Examples) -> list[Score]:
        """The score, the work shared among the processes."""
        mine = slice(self.share[0], None, self.share[1])
        parts = zip(
            examples.held[mine].split(_EXAMPLES_AT_ONCE),
            examples.labels[mine].split(_EXAMPLES_AT_ONCE),
            strict=True,
        )
        lost, right = 0.0, 0
        with evaluating(self.network):
            for inputs, labels in parts:
                logits = self.network(inputs)
                lost += functional.cross_entropy(logits, labels, reduction="sum").item()
                right += int((logits.argmax(dim=1) == labels).sum())
        if self._shared:
            sums = torch.tensor((lost, right), dtype=torch.float64, device=self.device)
            lost, right = self.summed(sums).tolist()
        return [Score(lost / examples.size, right / examples.size)]

    def summed(self, tensor: Tensor) -> Tensor:
        """The sum over all processes."""
        return cast("Tensor", self._accelerator.reduce(tensor, "sum"))

    def _backward(
        self, batch: Batch, examples: int, source: torch.Generator
    ) -> tuple[Float[Tensor, ""], Shaped[Tensor, ""], Loss | None]:
        """Adds this share's gradients; its part of the loss, its right answers, the method's.

        What the method carries on has its gradient without the scale of float16.
        """
        share = len(batch)
        if share == 0:
            nothing = torch.zeros((), device=self.device)
            return nothing, nothing, None
        loss = self._training.method.loss(self.network, batch, source)
        value = loss.value
        if share < examples:
            value = value * (share / examples)
        scaler, carried = self._scaler, loss.carried
        (value if scaler is None else scaler.scale(value)).backward()
        if scaler is not None and carried is not None and carried.grad is not None:
            carried.grad.div_(scaler.get_scale())
        if self._shared and loss.broken:  # several processes end alike, at the sum
            loss = replace(loss, broken={})
        return value.detach(), loss.correct.sum(), loss

    def _sum_over_processes(
        self, loss: Float[Tensor, ""], correct: Shaped[Tensor, ""]
    ) -> tuple[Float[Tensor, ""], Shaped[Tensor, ""]]:
        """Replaces the gradients by their sums over all processes; the sums of the figures."""
        figures = torch.stack((loss.float(), correct.float()))
        flat = self._gradients.flat
        summed = self.summed(torch.cat([*flat, figures]))
        parts = summed.split([*(each.numel() for each in flat), 2])
        for gradients, part in zip(flat, parts[:-1], strict=True):
            gradients.copy_(part)
        return parts[-1][0], parts[-1][1]

    def _clip(self) -> Tensor:
        """The norm of all gradients together; afterwards it is at most `gradient_clip`."""
        if self._scaler is not None:
            self._accelerator.unscale_gradients(self._optimizer)
        clip = self._training.gradient_clip
        return self._gradients.norm() if clip is None else self._gradients.clip(clip)

    @cached_property
    def _gradients(self) -> Gradients:
        """Where the gradients are; made at the first step."""
        return Gradients(self.network.parameters())

    def _update(self) -> None:
        if self._scaler is None:
            self._optimizer.step()
        else:
            self._scaler.step(self._optimizer)
            self._scaler.update()

    @torch.no_grad()
    def _clip_weights(self, bound: float) -> None:
        for parameter in self._gradients.trained:
            parameter.clamp_(-bound, bound)

    def _load(self, tensors: Mapping[str, Tensor]) -> None:
        """Gives the network these parameters and buffers.

        Raises:
            WeightsError: they are not those of this network.
        """
        try:
            self.network.load_state_dict(dict(tensors))
        except RuntimeError as error:
            raise WeightsError(
                f"expected weights of the configured network in the checkpoint, got: {error}. "
                "The network's code has changed since; train into a new folder."
            ) from error
