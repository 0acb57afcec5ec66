"""Data sets as values, and the sources that make or read them."""

from gnomon.data.dataset import Dataset, Fact, Source, Split
from gnomon.data.digits import Digits
from gnomon.data.mnist import MNIST
from gnomon.data.spiral import DoubleSpiral
from gnomon.data.store import RemoteFile, Store

__all__ = [
    "MNIST",
    "Dataset",
    "Digits",
    "DoubleSpiral",
    "Fact",
    "RemoteFile",
    "Source",
    "Split",
    "Store",
]
