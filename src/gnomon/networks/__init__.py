"""Architectures, their initial weights, and their files."""

from gnomon.networks.architecture import Architecture, Signature
from gnomon.networks.cnn4 import CNN4, CNN4Conv
from gnomon.networks.files import load_weights, read_description, save_network, save_weights
from gnomon.networks.initialisation import gain, initialise
from gnomon.networks.lenet import LeNet
from gnomon.networks.mlp import MLP
from gnomon.networks.predictions import device_of, logits_of, predict
from gnomon.networks.residual import Residual
from gnomon.networks.resnet import ResNet
from gnomon.networks.snapshots import Snapshots
from gnomon.networks.standardize import Standardize
from gnomon.networks.structure import Stage, stages, weight_layers
from gnomon.networks.undisturbed import undisturbed
from gnomon.networks.vgg import VGG
from gnomon.networks.weights import Held, held_tensors, weights_of

__all__ = [
    "CNN4",
    "MLP",
    "VGG",
    "Architecture",
    "CNN4Conv",
    "Held",
    "LeNet",
    "ResNet",
    "Residual",
    "Signature",
    "Snapshots",
    "Stage",
    "Standardize",
    "device_of",
    "gain",
    "held_tensors",
    "initialise",
    "load_weights",
    "logits_of",
    "predict",
    "read_description",
    "save_network",
    "save_weights",
    "stages",
    "undisturbed",
    "weight_layers",
    "weights_of",
]
