"""Data sets as values, and the sources that make or read them."""

from gnomon.data.arrays import ArrayFile
from gnomon.data.cifar10 import CIFAR10
from gnomon.data.dataset import Dataset, Fact, Source, Split
from gnomon.data.digits import Digits
from gnomon.data.folder import ImageFolder
from gnomon.data.gtsrb import GTSRB
from gnomon.data.mnist import MNIST
from gnomon.data.parquet import ParquetFile
from gnomon.data.separation import Separation, separate
from gnomon.data.spiral import DoubleSpiral
from gnomon.data.spiral_geometry import Spiral
from gnomon.data.store import RemoteFile, Store

__all__ = [
    "CIFAR10",
    "GTSRB",
    "MNIST",
    "ArrayFile",
    "Dataset",
    "Digits",
    "DoubleSpiral",
    "Fact",
    "ImageFolder",
    "ParquetFile",
    "RemoteFile",
    "Separation",
    "Source",
    "Spiral",
    "Split",
    "Store",
    "separate",
]
