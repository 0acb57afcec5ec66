"""Attacks on inputs, one file each."""

from gnomon.attacks.inputs.apgd import APGD, APGDT
from gnomon.attacks.inputs.autoattack import AutoAttack
from gnomon.attacks.inputs.deepfool import DeepFool
from gnomon.attacks.inputs.fab import FAB, FABT
from gnomon.attacks.inputs.fmn import FMN
from gnomon.attacks.inputs.noise import GaussianNoise, Noise, UniformNoise
from gnomon.attacks.inputs.ordered import Ordered, OrderedOutcome, Trial
from gnomon.attacks.inputs.projected import BIM, FGSM, PGD
from gnomon.attacks.inputs.random_point import RandomPoint
from gnomon.attacks.inputs.square import SquareAttack
from gnomon.attacks.inputs.unprojected_bim import UnprojectedBIM

__all__ = [
    "APGD",
    "APGDT",
    "BIM",
    "FAB",
    "FABT",
    "FGSM",
    "FMN",
    "PGD",
    "AutoAttack",
    "DeepFool",
    "GaussianNoise",
    "Noise",
    "Ordered",
    "OrderedOutcome",
    "RandomPoint",
    "SquareAttack",
    "Trial",
    "UniformNoise",
    "UnprojectedBIM",
]
