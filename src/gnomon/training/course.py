"""The course of trainings from their first epoch to their last."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from gnomon.data.dataset import Split
from gnomon.errors import DivergedError, FolderError
from gnomon.training.checkpoint import Checkpoint
from gnomon.training.divergence import check_validation, check_weights
from gnomon.training.epoch import Epoch
from gnomon.training.evaluation import Score, evaluating
from gnomon.training.history import EpochRow
from gnomon.training.members import Members
from gnomon.training.observer import Observer
from gnomon.training.overfitting import EXAMPLES_AT_ONCE
from gnomon.training.preparation import PlannedRun, plan_of
from gnomon.training.recorder import Recorder
from gnomon.training.replicas.examples import Examples
from gnomon.training.replicas.update import rows_of
from gnomon.training.run_folder import Status
from gnomon.training.tally import EpochScore


class Course:
    """Trains R networks epoch by epoch until there is a reason to end for each.

    An epoch: order → steps → tally → validation → attack → count → best → snapshot → record.
    A network that has ended leaves; the others go on.

    Args:
        runs: one for each member, with equal `replica_key` and data of one shape.
        members: the networks.
        recorder: writes.
        observer: follows.

    Attributes:
        errors: why a training diverged, by its place.
    """

    def __init__(
        self,
        runs: Sequence[PlannedRun],
        members: Members,
        recorder: Recorder,
        observer: Observer,
    ) -> None:
        self.errors: dict[int, DivergedError] = {}
        self._runs, self._members = list(runs), members
        self._recorder, self._observer = recorder, observer
        self._training = runs[0].experiment.training
        self._domain = runs[0].data.domain
        self._examples = self._held([each.data.train for each in runs])
        self._watched = self._held([each.data.validation for each in runs])
        overfitting = self._training.overfitting
        self._attacked: Examples | None = None
        if overfitting is not None:
            self._attacked = self._held([overfitting.watched(each.data) for each in runs])
        progress = [each.first for each in runs]
        self._last = members.checkpoint(progress, members.tensors(), {})
        self._resumed = False

    def resume(self, checkpoint: Checkpoint) -> None:
        """Takes up the state of these networks, in their order.

        Raises:
            WeightsError: its tensors are not those of these networks.
        """
        self._members.load(checkpoint)
        best = {name: each.to(self._members.device) for name, each in checkpoint.best.items()}
        self._last, self._resumed = replace(checkpoint, best=best), True

    def run(self) -> None:
        """Trains until all have ended; their folders and `errors` say how."""
        if not self._resumed:
            self._snapshot(range(len(self._runs)))
        self._recorder.begin(self._runs, self._last, new=not self._resumed)
        self._announce()
        self._last = self._last.copy()
        try:
            while self._end_what_is_done():
                self._train_epoch()
        except KeyboardInterrupt:
            self._save_last()
            for row in range(len(self._runs)):
                self._end(row, "interrupted", "Interrupted from the keyboard.")
            raise
        except BaseException:
            with suppress(FolderError):  # what went wrong may be the disk
                self._save_last()
            raise
        finally:
            self._recorder.close()
        self._recorder.forget()

    def _held(self, splits: Sequence[Split]) -> Examples:
        contents = [each.data.fingerprint for each in self._runs]
        last = self._training.channels_last
        return Examples(splits, contents, self._members.device, channels_last=last)

    def _announce(self) -> None:
        network = self._members.plain(self._members.tensors(), 0)
        for run in self._runs:
            plan = plan_of(run, network, self._last.epoch, self._members)
            self._observer.started(run.place, plan)

    def _end_what_is_done(self) -> bool:
        """Ends those that have a reason to; whether any are left."""
        reasons = [each.reason_to_end(self._training) for each in self._last.progress]
        for row, reason in enumerate(reasons):
            if reason is not None:
                self._end(row, "finished", reason)
        self._keep([row for row, reason in enumerate(reasons) if reason is None])
        return bool(self._runs)

    def _train_epoch(self) -> None:
        begun, number = time.perf_counter(), self._last.epoch + 1
        scores = Epoch(
            self._members,
            self._examples,
            self._domain,
            [each.experiment.training for each in self._runs],
            [each.experiment.seed for each in self._runs],
            self._observer.batch,
        )(number)
        self._members.agree()
        tensors = self._members.tensors()
        rows = self._measure(scores, tensors, begun)
        self._count(rows, tensors)

    def _measure(
        self,
        scores: Sequence[EpochScore | DivergedError],
        tensors: Mapping[str, Tensor],
        begun: float,
    ) -> list[EpochRow | DivergedError]:
        """The row of each network after an epoch with these scores, or why it has none."""
        number, finite = self._last.epoch + 1, self._members.finite(tensors)
        outcomes = [
            _checked(score, partial(check_weights, number, finite=ok))
            for score, ok in zip(scores, finite, strict=True)
        ]
        validation = self._validate() if _any_left(outcomes) else [None] * len(outcomes)
        outcomes = [
            _checked(
                outcome,
                partial(check_validation, number, None if score is None else score.loss),
            )
            for outcome, score in zip(outcomes, validation, strict=True)
        ]
        robust = self._attack(number) if _any_left(outcomes) else [None] * len(outcomes)
        seconds = (time.perf_counter() - begun) / len(outcomes)
        measured = zip(self._last.progress, outcomes, validation, robust, strict=True)
        return [
            outcome
            if isinstance(outcome, DivergedError)
            else past.next_row(outcome, watched, withstood, seconds)
            for past, outcome, watched, withstood in measured
        ]

    def _validate(self) -> Sequence[Score | None]:
        """The scores on the validation data, if there are any."""
        if self._watched.size == 0:
            return [None] * len(self._members)
        return self._members.scores(self._watched)

    def _attack(self, number: int) -> Sequence[float | None]:
        """The shares that are right under attack after epoch `number`, if that is watched.

        The parts of the examples are shared among the processes; however many there are, the
        attacks begin at the same points.
        """
        overfitting, attacked, members = (
            self._training.overfitting,
            self._attacked,
            self._members,
        )
        if overfitting is None or attacked is None:
            return [None] * len(members)
        process, processes = members.share
        right = torch.zeros(len(members), dtype=torch.float64, device=members.device)
        with evaluating(members.network):
            for part, first in enumerate(range(0, attacked.size, EXAMPLES_AT_ONCE)):
                if part % processes != process:
                    continue
                inputs, labels = attacked.part(first, first + EXAMPLES_AT_ONCE)
                members.expect(len(labels) // len(members))
                with (draws := members.draws("overfitting", number, part)):
                    withstood = overfitting.withstood(
                        members.network, inputs, labels, self._domain, draws.token
                    )
                right += withstood.view(len(members), -1).sum(dim=1)
        return (members.summed(right) / attacked.size).tolist()

    def _count(
        self, rows: Sequence[EpochRow | DivergedError], tensors: Mapping[str, Tensor]
    ) -> None:
        """Counts an epoch as done for those that have a row, and ends the others."""
        done = {row: each for row, each in enumerate(rows) if isinstance(each, EpochRow)}
        progress = list(self._last.progress)
        for row, each in done.items():
            progress[row] = progress[row].counted(each, self._training)
        better = [row for row, each in done.items() if progress[row].best_epoch == each.epoch]
        best = self._last.best
        if better:
            best = self._members.replaced(best or tensors, tensors, better)
        for row, each in enumerate(rows):
            if isinstance(each, DivergedError):
                self._end(row, "diverged", str(each))
        places = {self._runs[row].place: each for row, each in done.items()}
        self._last = self._members.checkpoint(progress, tensors, best)
        self._snapshot(done)
        if len(done) < len(rows):
            self._keep(list(done))
        else:
            self._last = self._last.copy()
        if self._runs:
            self._recorder.keep(self._runs, self._last)
        for place, each in places.items():
            self._observer.epoch(place, each)

    def _snapshot(self, rows: Iterable[int]) -> None:
        """Keeps the weights of some networks, if those of this epoch are wanted."""
        for row in rows:
            epoch = self._last.progress[row].epoch
            if epoch in self._training.snapshots:
                network = self._members.plain(self._last.network, row)
                self._recorder.snapshot(self._runs[row], network, epoch)

    def _keep(self, rows: Sequence[int]) -> None:
        """Drops all networks but those of the given rows."""
        if len(rows) == len(self._runs):
            return
        members = self._members
        progress = [self._last.progress[row] for row in rows]
        self._runs = [self._runs[row] for row in rows]
        if not rows:
            self._last = replace(self._last, progress=())
            return
        members.keep(rows)
        chosen = torch.tensor(rows, device=members.device)
        for examples in (self._examples, self._watched, self._attacked):
            if examples is not None:
                examples.keep(chosen)
        best = rows_of(self._last.best, chosen)
        self._last = members.checkpoint(progress, members.tensors(), best).copy()

    def _end(self, row: int, status: Status, reason: str) -> None:
        """Ends a training in the last good state, or in that of its best epoch."""
        last, run, members = self._last, self._runs[row], self._members
        if status != "finished":
            epoch = last.progress[row].epoch
            reason = f"{reason} The state after epoch {epoch} is kept in {run.folder.path}."
        if status == "diverged":
            self.errors[run.place] = DivergedError(reason)
        delivered = last.best if last.best and status == "finished" else last.network
        checkpoint = members.single(last, row)
        network = members.plain(delivered, row)
        facts = self._recorder.end(run, status, reason, checkpoint, network)
        self._observer.ended(run.place, facts)

    def _save_last(self) -> None:
        """Puts the last good state on the disk."""
        if self._runs:
            self._recorder.save(self._runs[0], self._last)


def _any_left(outcomes: Sequence[EpochScore | DivergedError]) -> bool:
    return any(isinstance(each, EpochScore) for each in outcomes)


def _checked(
    outcome: EpochScore | DivergedError, check: Callable[[], None]
) -> EpochScore | DivergedError:
    """The outcome, or the error that a check of what came of it raises."""
    if isinstance(outcome, EpochScore):
        try:
            check()
        except DivergedError as error:
            return error
    return outcome
