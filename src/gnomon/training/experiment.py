"""Experiments, as configuration files describe them: data, network, training."""

from dataclasses import dataclass, field

from gnomon.data.dataset import Source
from gnomon.networks.architecture import Architecture
from gnomon.training.settings import Training


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One training run, in full; with the same torch and machine it has one outcome.

    Attributes:
        seed: everything random is derived from it.
        data: the table [data].
        network: the table [network].
        training: the table [training].
    """

    seed: int = 0
    data: Source
    network: Architecture
    training: Training = field(default_factory=Training)
