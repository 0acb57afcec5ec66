"""Reads a network as it was after chosen epochs of its training."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors
from torch import nn

from gnomon.errors import WeightsError
from gnomon.networks.files import load_weights


@dataclass(frozen=True, eq=False)
class Snapshots(Mapping[int, nn.Module]):
    """A mapping from epochs to networks, in the order of the epochs.

    Each look-up reads the file and fills a new copy, so that no two epochs ever share their
    weights, and only the networks that are in use take memory.

    Attributes:
        network: the network that is copied; it is never changed.
        files: the safetensors file of each epoch; 0 is before training.
    """

    network: nn.Module
    files: Mapping[int, Path]

    def check(self) -> "Snapshots":
        """Returns itself if all files exist and are whole; reads only their first bytes.

        Raises:
            WeightsError: a file that is missing or damaged.
        """
        for file in self.files.values():
            try:
                safetensors.safe_open(file, framework="pt").__exit__(None, None, None)
            except (OSError, safetensors.SafetensorError) as error:
                raise WeightsError(
                    f"{file}: expected the weights of a snapshot, got: {error}. Remove the "
                    "file to go on without that epoch."
                ) from error
        return self

    def __getitem__(self, epoch: int) -> nn.Module:
        """The network after `epoch` epochs, in the mode of the one that is copied.

        Raises:
            KeyError: no weights were kept after that epoch.
            WeightsError: the file is missing or damaged, or of another architecture.
        """
        network = copy.deepcopy(self.network)
        load_weights(network, self.files[epoch])
        return network

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self.files))

    def __len__(self) -> int:
        return len(self.files)
