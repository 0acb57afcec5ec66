"""What happens to a group between its first epoch and its last."""

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from gnomon.errors import DivergedError
from gnomon.training.divergence import check_validation, check_weights
from gnomon.training.evaluation import Score
from gnomon.training.history import Row
from gnomon.training.preparation import build
from gnomon.training.replicas.dropout import Streams
from gnomon.training.replicas.ending import Replica, end, keep_snapshot
from gnomon.training.replicas.epoch import GroupEpoch
from gnomon.training.replicas.evaluation import evaluate_replicas, robust_accuracies
from gnomon.training.replicas.examples import Examples
from gnomon.training.replicas.moment import Moment, save_moment
from gnomon.training.replicas.network import ReplicatedNetwork
from gnomon.training.replicas.observer import GroupObserver
from gnomon.training.replicas.update import RowwiseUpdate, rows_of
from gnomon.training.run_folder import Status
from gnomon.training.tally import EpochScore
from gnomon.training.trainer import kept

SECONDS_BETWEEN_CHECKPOINTS = 5.0
"""An epoch of small networks takes less time than putting its state on the disk."""


class Group:
    """Networks that are trained together until there is a reason to end for each.

    Args:
        replicas: with equal keys, and data of one shape.
        file: where the state of the group is kept.
        device: where they are trained.
        observer: is told.

    Attributes:
        replicas: those still in training.
        progress: how far each of them has come.
        network: theirs.
    """

    def __init__(
        self,
        replicas: Sequence[Replica],
        file: Path,
        device: torch.device,
        observer: GroupObserver,
    ) -> None:
        self.replicas = list(replicas)
        self.progress = [each.first for each in replicas]
        self._training = replicas[0].experiment.training
        self._file, self._observer, self._streams = file, observer, Streams(device)
        networks = [build(each.experiment, each.data) for each in replicas]
        self.network = ReplicatedNetwork(networks, self._streams).to(device)
        decays = [each.experiment.training.weight_decay for each in replicas]
        rows = self.network.rows.detach()
        self._update = RowwiseUpdate(self._training.optimizer, rows, decays)
        self._best: dict[str, Tensor] = {}
        contents = [each.data.fingerprint for each in replicas]
        self._examples = Examples([each.data.train for each in replicas], contents, device)
        self._watched = Examples([each.data.validation for each in replicas], contents, device)
        overfitting = self._training.overfitting
        self._attacked: Examples | None = None
        if overfitting is not None:
            attacked = [overfitting.watched(each.data) for each in replicas]
            self._attacked = Examples(attacked, contents, device)

    def resume(self, moment: Moment) -> None:
        """Takes up the state of these networks, in their order."""
        self.progress = list(moment.progress)
        self.network.load(moment.network)
        self._update.load(moment.optimizer)
        device = self.network.rows.device
        self._best = {name: tensor.to(device) for name, tensor in moment.best.items()}

    def run(self) -> None:
        """Trains until all have ended; their folders say how."""
        self._keep_snapshots(self._moment(), range(len(self.replicas)))
        saved = time.monotonic()
        while self.replicas:
            replicas, start = tuple(self.replicas), self._moment().copy()
            try:
                self._train_epoch(start)
            except KeyboardInterrupt:
                self._interrupt(replicas, start)
                raise
            if self.replicas and time.monotonic() - saved >= SECONDS_BETWEEN_CHECKPOINTS:
                self._save(self.replicas[0], self._moment())
                saved = time.monotonic()
        self._file.unlink(missing_ok=True)

    def _train_epoch(self, start: Moment) -> None:
        begun = time.perf_counter()
        number = start.progress[0].epoch + 1
        scores = self._epoch()(number)
        validation, robust = self._validate(), self._attack(number)
        seconds = (time.perf_counter() - begun) / len(self.replicas)
        rows = self._count(scores, validation, robust, seconds)
        self._remember_the_best(number)
        going = {index for index, row in enumerate(rows) if isinstance(row, Row)}
        now = self._moment()
        self._keep_snapshots(now, going)
        pairs = zip(self.replicas, rows, strict=True)
        self._observer.epoch({each.place: row for each, row in pairs if isinstance(row, Row)})
        for index, row in enumerate(rows):
            if isinstance(row, DivergedError):
                self._end(self.replicas[index], start, index, "diverged", str(row))
            elif (reason := self.progress[index].reason_to_end(self._training)) is not None:
                self._end(self.replicas[index], now, index, "finished", reason)
                going.remove(index)
        if len(going) < len(rows):
            self._keep(sorted(going))

    def _epoch(self) -> GroupEpoch:
        return GroupEpoch(
            self.network,
            self._update,
            self._examples,
            self.replicas[0].data.domain,
            self._streams,
            [each.experiment.training for each in self.replicas],
            self._seeds(),
            self._observer.batch,
        )

    def _validate(self) -> Sequence[Score | None]:
        if self._watched.size == 0:
            return [None] * len(self.replicas)
        return evaluate_replicas(self.network, self._watched)

    def _attack(self, number: int) -> Sequence[float | None]:
        overfitting, attacked = self._training.overfitting, self._attacked
        if overfitting is None or attacked is None:
            return [None] * len(self.replicas)
        seeds, domain = self._seeds(), self.replicas[0].data.domain
        return robust_accuracies(self.network, attacked, domain, overfitting, seeds, number)

    def _seeds(self) -> list[int]:
        return [each.experiment.seed for each in self.replicas]

    def _count(
        self,
        scores: Sequence[EpochScore | DivergedError],
        validation: Sequence[Score | None],
        robust: Sequence[float | None],
        seconds: float,
    ) -> list[Row | DivergedError]:
        """The row of each network, with which its progress is counted; or why it has none."""
        finite = self._finite()
        rows: list[Row | DivergedError] = []
        measured = zip(scores, validation, robust, strict=True)
        for index, (score, watched, withstood) in enumerate(measured):
            try:
                if isinstance(score, DivergedError):
                    raise score
                past = self.progress[index]
                check_weights(past.epoch + 1, finite=finite[index])
                if watched is not None:
                    check_validation(past.epoch + 1, watched.loss)
            except DivergedError as error:
                rows.append(error)
                continue
            row = past.next_row(score, watched, withstood, seconds)
            self.progress[index] = past.counted(row, self._training)
            rows.append(row)
        return rows

    def _finite(self) -> list[bool]:
        """Of which networks all parameters and buffers are."""
        tensors = self.network.tensors().values()
        each = [tensor.isfinite().view(len(tensor), -1).all(dim=1) for tensor in tensors]
        return torch.stack(each).all(0).tolist()

    def _remember_the_best(self, number: int) -> None:
        best = [each.best_epoch for each in self.progress]
        better = [index for index, epoch in enumerate(best) if epoch == number]
        if not better:
            return
        now = self.network.tensors()
        if not self._best:
            self._best = {name: tensor.clone() for name, tensor in now.items()}
        for name, tensor in self._best.items():
            tensor[better] = now[name][better]

    def _keep_snapshots(self, moment: Moment, rows: Iterable[int]) -> None:
        if moment.progress[0].epoch in self._training.snapshots:
            for row in rows:
                keep_snapshot(self.replicas[row], self.network, moment, row)

    def _end(
        self, replica: Replica, moment: Moment, row: int, status: Status, reason: str
    ) -> None:
        if status != "finished":
            reason = f"{reason} {kept(moment.progress[row], replica.folder)}"
        facts = end(replica, self.network, moment, row, status, reason)
        self._observer.ended(replica.place, facts)

    def _interrupt(self, replicas: Sequence[Replica], start: Moment) -> None:
        """Puts the state at the start of the epoch on the disk, for all that were in it."""
        self._save(replicas[0], start)
        for row, replica in enumerate(replicas):
            self._end(replica, start, row, "interrupted", "Interrupted from the keyboard.")

    def _keep(self, going: Sequence[int]) -> None:
        """Lets all go but these."""
        self.replicas = [self.replicas[index] for index in going]
        self.progress = [self.progress[index] for index in going]
        if not going:
            return
        chosen = torch.tensor(going, device=self.network.rows.device)
        self.network.keep(chosen)
        self._update.keep(chosen)
        self._best = rows_of(self._best, chosen)
        self._examples.keep(chosen)
        self._watched.keep(chosen)
        if self._attacked is not None:
            self._attacked.keep(chosen)

    def _moment(self) -> Moment:
        """The state as it is now, in the group's own tensors."""
        return Moment(
            tuple(self.progress), self.network.tensors(), self._update.tensors(), self._best
        )

    def _save(self, replica: Replica, moment: Moment) -> None:
        with replica.folder.writing():
            save_moment(self._file, moment)
