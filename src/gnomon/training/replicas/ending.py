"""What is written of one training of a group: in the middle and at its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gnomon.data.dataset import Dataset
from gnomon.networks import save_weights
from gnomon.training.checkpoint import Checkpoint, save_checkpoint
from gnomon.training.experiment import Experiment
from gnomon.training.preparation import first_facts
from gnomon.training.progress import Progress
from gnomon.training.recorder import Recorder
from gnomon.training.replicas.moment import Moment
from gnomon.training.replicas.network import ReplicatedNetwork
from gnomon.training.replicas.update import single_state
from gnomon.training.run_folder import RunFacts, RunFolder, Status


@dataclass(frozen=True, eq=False)
class Replica:
    """One of the trainings of a group.

    Attributes:
        place: its position among the experiments given.
        experiment: what is trained.
        data: on what.
        folder: claimed by this process.
        config: the plain mapping the experiment was read from.
        first: its progress before the first epoch.
    """

    place: int
    experiment: Experiment
    data: Dataset
    folder: RunFolder
    config: Mapping[str, Any]
    first: Progress


def keep_snapshot(
    replica: Replica, network: ReplicatedNetwork, moment: Moment, row: int
) -> None:
    """Writes the weights of one network as they are now."""
    plain = network.plain(moment.network, row)
    with replica.folder.writing():
        save_weights(replica.folder.snapshot(moment.progress[row].epoch), plain)


def end(
    replica: Replica,
    network: ReplicatedNetwork,
    moment: Moment,
    row: int,
    status: Status,
    reason: str,
) -> RunFacts:
    """Writes what a training alone would leave: checkpoint, network, history, run.json.

    A finished run delivers the weights of its best epoch, if there was one.

    Args:
        replica: whose training ends.
        network: that of the group.
        moment: the state that is kept.
        row: of the replica in it.
        status: what became of it.
        reason: the same in one sentence.
    """
    progress = moment.progress[row]
    plain = network.plain(moment.network, row)
    best = network.plain(moment.best, row) if moment.best else None
    checkpoint = Checkpoint(
        progress,
        plain.state_dict(),
        single_state(moment.optimizer, row, network.split_row),
        {} if best is None else best.state_dict(),
    )
    with replica.folder.writing():
        save_checkpoint(replica.folder.checkpoint, checkpoint)
    facts = first_facts(replica.experiment, replica.data)
    recorder = Recorder(replica.folder, facts, replica.config["network"], active=True)
    delivered = best if best is not None and status == "finished" else plain
    return recorder.end(status, reason, delivered, progress)


def begin(replica: Replica) -> None:
    """Writes that a training has begun, and on which data."""
    with replica.folder.writing():
        replica.folder.write_facts(first_facts(replica.experiment, replica.data))
