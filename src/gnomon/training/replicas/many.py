"""Many networks in training as one batched computation."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.seeds import generator
from gnomon.training.checkpoint import Checkpoint
from gnomon.training.evaluation import Score, evaluating
from gnomon.training.gradients import CLIP_GUARD
from gnomon.training.members import Draws, Figures
from gnomon.training.method import Batch, Loss
from gnomon.training.progress import Progress
from gnomon.training.replicas.draws import DrawsForEach
from gnomon.training.replicas.dropout import Streams
from gnomon.training.replicas.examples import Examples
from gnomon.training.replicas.network import ReplicatedNetwork
from gnomon.training.replicas.update import RowwiseUpdate, single_state
from gnomon.training.settings import Training

_EXAMPLES_AT_ONCE = 8192
"""Number of examples, of all networks together, that are evaluated at once."""


class Many:
    """Networks that are trained together, each as it would be trained alone.

    Args:
        networks: before training, of one architecture.
        trainings: the settings of each; they differ in what `replica_key` says.
        seeds: what everything random in each is derived from.
        device: where they are trained.
    """

    share = (0, 1)

    def __init__(
        self,
        networks: Sequence[nn.Module],
        trainings: Sequence[Training],
        seeds: Sequence[int],
        device: torch.device,
    ) -> None:
        self.device, self._streams = device, Streams(device)
        self.network = ReplicatedNetwork(networks, self._streams).to(device)
        self._training, self._seeds = trainings[0], list(seeds)
        decays = [each.weight_decay for each in trainings]
        self._update = RowwiseUpdate(
            self._training.optimizer, self.network.rows.detach(), decays
        )

    def __len__(self) -> int:
        return len(self.network)

    def expect(self, examples: int) -> None:
        """Tells the network how many examples of each come next."""
        self.network.examples = examples

    def draws(self, *names: str | int) -> Draws:
        """Each network's random stream of these names."""
        return DrawsForEach(
            [generator(seed, *names, device=self.device) for seed in self._seeds]
        )

    def dropping(self, *names: str | int) -> AbstractContextManager[object]:
        """Puts each network's dropout at the beginning of its stream of these names."""
        self._streams.start(self._seeds, *names)
        return nullcontext()

    def step(
        self, batch: Batch, examples: int, rates: Sequence[float], noise: Draws
    ) -> tuple[Figures, Loss | None]:
        """Moves all rows once."""
        self.expect(examples)
        rows, training = self.network.rows, self._training
        rows.grad = None
        with noise:
            loss = training.method.loss(self.network, batch, noise.token)
        losses = loss.values.view(len(rows), -1).mean(dim=1)
        losses.sum().backward()  # a row is in the loss of its own network alone
        gradients = torch.zeros_like(rows) if rows.grad is None else rows.grad
        norms = torch.linalg.vector_norm(gradients, dim=1)
        if training.gradient_clip is not None:
            factors = (training.gradient_clip / (norms + CLIP_GUARD)).clamp(max=1.0)
            gradients.mul_(factors[:, None])
        self._update(rows.detach(), gradients, rows.new_tensor(rates))
        if training.weight_clip is not None:
            rows.detach().clamp_(-training.weight_clip, training.weight_clip)
        correct = loss.correct.view(len(rows), -1).sum(dim=1)
        return Figures(losses.detach(), correct.to(norms), norms), loss

    def scale_adapts(self) -> bool:
        """False: there is no scale in float32."""
        return False

    def agree(self) -> None:
        """Leaves all as it is: there is one process."""

    def tensors(self) -> dict[str, Tensor]:
        """All that the networks are made of; the first axis is that of the networks."""
        return self.network.tensors()

    def finite(self, tensors: Mapping[str, Tensor]) -> list[bool]:
        """Tells whether all parameters and buffers of each network are finite."""
        each = [tensor.isfinite().view(len(self), -1).all(dim=1) for tensor in tensors.values()]
        return torch.stack(each).all(0).tolist()

    def checkpoint(
        self,
        progress: Sequence[Progress],
        tensors: Mapping[str, Tensor],
        best: Mapping[str, Tensor],
    ) -> Checkpoint:
        """The state as it is now."""
        return Checkpoint(tuple(progress), tensors, self._update.tensors(), best)

    def load(self, checkpoint: Checkpoint) -> None:
        """Takes up the state of as many networks, in their order."""
        self.network.load(checkpoint.network)
        self._update.load(checkpoint.optimizer)

    def replaced(
        self, tensors: Mapping[str, Tensor], new: Mapping[str, Tensor], rows: Sequence[int]
    ) -> dict[str, Tensor]:
        """Copies in which some rows are new."""
        copies = {name: tensor.clone() for name, tensor in tensors.items()}
        for name, tensor in copies.items():
            tensor[list(rows)] = new[name][list(rows)]
        return copies

    def keep(self, chosen: Sequence[int]) -> None:
        """Drops every network except the chosen ones."""
        rows = torch.tensor(chosen, device=self.device)
        self.network.keep(rows)
        self._update.keep(rows)
        self._seeds = [self._seeds[row] for row in chosen]

    def single(self, checkpoint: Checkpoint, row: int) -> Checkpoint:
        """The checkpoint that a training of one network alone would have left."""
        network, best = self.plain(checkpoint.network, row), checkpoint.best
        return Checkpoint(
            (checkpoint.progress[row],),
            network.state_dict(),
            single_state(checkpoint.optimizer, row, self.network.split_row),
            self.plain(best, row).state_dict() if best else {},
        )

    def plain(self, tensors: Mapping[str, Tensor], row: int) -> nn.Module:
        """One network by itself."""
        return self.network.plain(tensors, row)

    @torch.no_grad()
    def scores(self, examples: Examples) -> list[Score]:
        """The score of each network on its own examples."""
        replicas = len(self)
        sums = torch.zeros(2, replicas, dtype=torch.float64, device=self.device)
        size = max(1, _EXAMPLES_AT_ONCE // replicas)
        with evaluating(self.network):
            for first in range(0, examples.size, size):
                inputs, labels = examples.part(first, first + size)
                self.expect(len(labels) // replicas)
                logits = self.network(inputs)
                losses = functional.cross_entropy(logits, labels, reduction="none")
                sums[0] += losses.view(replicas, -1).sum(dim=1)
                sums[1] += (logits.argmax(dim=1) == labels).view(replicas, -1).sum(dim=1)
        means = (sums / examples.size).T.tolist()
        return [Score(loss, accuracy) for loss, accuracy in means]

    def summed(self, tensor: Tensor) -> Tensor:
        """The tensor itself: there is one process."""
        return tensor
