"""What changes while a network is trained; it becomes a checkpoint and comes back from one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from gnomon.errors import WeightsError
from gnomon.training.checkpoint import Checkpoint
from gnomon.training.history import Row
from gnomon.training.progress import Progress
from gnomon.training.settings import Training


@dataclass
class State:
    """The state of a training; between two epochs this is all there is.

    Attributes:
        network: with its parameters and buffers.
        optimizer: with its moments.
        scaler: the gradient scaler; None unless the precision is float16.
        progress: how far the training has come.
        best: parameters and buffers of the best epoch; empty where that is the last one.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler | None
    progress: Progress
    best: dict[str, Tensor] = field(default_factory=dict)

    def checkpoint(self, weights: Mapping[str, Tensor] | None = None) -> Checkpoint:
        """The state as it is now; its tensors are the network's own, not copies.

        Args:
            weights: the network's `state_dict` where it is known, since it takes time to make.
        """
        progress = self.progress
        if self.scaler is not None:
            scaling = self.scaler.state_dict()
            progress = replace(
                progress, loss_scale=scaling["scale"], scale_age=scaling["_growth_tracker"]
            )
        tensors = self.network.state_dict() if weights is None else weights
        return Checkpoint(progress, tensors, optimizer_tensors(self.optimizer), self.best)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Takes up the state of a checkpoint.

        Raises:
            WeightsError: its tensors are not those of this network.
        """
        self.progress, self.best = checkpoint.progress, dict(checkpoint.best)
        self.load(checkpoint.network)
        restore_optimizer(self.optimizer, checkpoint.optimizer)
        if self.scaler is not None and self.progress.loss_scale is not None:
            scaling = {
                "scale": self.progress.loss_scale,
                "_growth_tracker": self.progress.scale_age,
            }
            self.scaler.load_state_dict({**self.scaler.state_dict(), **scaling})

    def load(self, tensors: Mapping[str, Tensor]) -> None:
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

    def count(self, row: Row, training: Training) -> None:
        """Counts an epoch as done; keeps its weights if they are the best so far."""
        self.progress = self.progress.counted(row, training)
        if self.progress.best_epoch == row.epoch:
            tensors = self.network.state_dict().items()
            self.best = {name: tensor.clone() for name, tensor in tensors}


def finite(weights: Mapping[str, Tensor]) -> bool:
    """Whether all numbers in all tensors are."""
    flat = torch.cat(
        [each.reshape(-1) for each in weights.values() if each.is_floating_point()]
    )
    # A finite sum is a quick proof; one that overflows proves nothing.
    return bool(flat.sum().isfinite()) or bool(flat.isfinite().all())


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimiser under flat names, `index/name`; what is None is left out."""
    # As `optimizer.state_dict` numbers the parameters, in a tenth of its time.
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    return {
        f"{index}/{name}": value
        for index, parameter in enumerate(parameters)
        for name, value in optimizer.state.get(parameter, {}).items()
        if value is not None
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Gives a fresh optimiser of the same parameters the state under these flat names."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split("/", 1)
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    for parameter, entries in optimizer.state.items():
        for name, tensor in entries.items():
            entries[name] = _laid_out_like(parameter, tensor)


def _laid_out_like(parameter: Tensor, tensor: Tensor) -> Tensor:
    """The tensor, its entries in the order of the parameter's in memory.

    Torch's fused updates go through both from the first entry in memory to the last.
    """
    if tensor.shape != parameter.shape or tensor.stride() == parameter.stride():
        return tensor
    return torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)
