"""Defines architectures, their initial weights, and their files."""

from gnomon.networks.architecture import Architecture as Architecture, Signature as Signature
from gnomon.networks.cnn4 import CNN4 as CNN4, CNN4Conv as CNN4Conv
from gnomon.networks.files import (
    load_weights as load_weights,
    read_description as read_description,
    save_network as save_network,
    save_weights as save_weights,
)
from gnomon.networks.initialisation import gain as gain, initialise as initialise
from gnomon.networks.lenet import LeNet as LeNet
from gnomon.networks.mlp import MLP as MLP
from gnomon.networks.predictions import (
    device_of as device_of,
    logits_of as logits_of,
    predict as predict,
)
from gnomon.networks.residual import Residual as Residual
from gnomon.networks.resnet import ResNet as ResNet
from gnomon.networks.snapshots import Snapshots as Snapshots
from gnomon.networks.standardize import Standardize as Standardize
from gnomon.networks.structure import (
    Stage as Stage,
    stages as stages,
    weight_layers as weight_layers,
)
from gnomon.networks.undisturbed import undisturbed as undisturbed
from gnomon.networks.vgg import VGG as VGG
from gnomon.networks.weights import (
    Held as Held,
    held_tensors as held_tensors,
    weights_of as weights_of,
)

ARCHITECTURES: dict[str, type] = {
    "mlp": MLP,
    "lenet": LeNet,
    "cnn4": CNN4,
    "cnn4_conv": CNN4Conv,
    "vgg": VGG,
    "resnet20": ResNet,
}
"""The architectures by their names in a configuration."""
