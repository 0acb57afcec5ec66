"""Holds data sets as values, and the sources that make or read them."""

from gnomon.data.arrays import ArrayFile as ArrayFile
from gnomon.data.cifar10 import CIFAR10 as CIFAR10
from gnomon.data.dataset import (
    Dataset as Dataset,
    Fact as Fact,
    Source as Source,
    Split as Split,
)
from gnomon.data.digits import Digits as Digits
from gnomon.data.folder import ImageFolder as ImageFolder
from gnomon.data.gtsrb import GTSRB as GTSRB
from gnomon.data.mnist import MNIST as MNIST
from gnomon.data.parquet import ParquetFile as ParquetFile
from gnomon.data.reading import (
    Readable as Readable,
    read_dataset as read_dataset,
    read_split as read_split,
)
from gnomon.data.separation import Separation as Separation, separate as separate
from gnomon.data.spiral import DoubleSpiral as DoubleSpiral
from gnomon.data.spiral_geometry import Spiral as Spiral
from gnomon.data.store import RemoteFile as RemoteFile, Store as Store

SOURCES: dict[str, type] = {
    "spiral": DoubleSpiral,
    "digits": Digits,
    "mnist": MNIST,
    "cifar10": CIFAR10,
    "gtsrb": GTSRB,
    "npz": ArrayFile,
    "parquet": ParquetFile,
    "image_folder": ImageFolder,
}
"""The sources of data by their names in a configuration."""
