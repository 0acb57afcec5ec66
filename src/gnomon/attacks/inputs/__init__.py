"""Attacks on inputs, one file each."""

from gnomon.attacks.inputs.apgd import APGD as APGD, APGDT as APGDT
from gnomon.attacks.inputs.autoattack import AutoAttack as AutoAttack
from gnomon.attacks.inputs.deepfool import DeepFool as DeepFool
from gnomon.attacks.inputs.fab import FAB as FAB, FABT as FABT
from gnomon.attacks.inputs.fmn import FMN as FMN
from gnomon.attacks.inputs.noise import (
    GaussianNoise as GaussianNoise,
    Noise as Noise,
    UniformNoise as UniformNoise,
)
from gnomon.attacks.inputs.ordered import (
    Ordered as Ordered,
    OrderedOutcome as OrderedOutcome,
    Trial as Trial,
)
from gnomon.attacks.inputs.projected import BIM as BIM, FGSM as FGSM, PGD as PGD
from gnomon.attacks.inputs.random_point import RandomPoint as RandomPoint
from gnomon.attacks.inputs.square import SquareAttack as SquareAttack
from gnomon.attacks.inputs.unprojected_bim import UnprojectedBIM as UnprojectedBIM

INPUT_ATTACKS: dict[str, type] = {
    "fgsm": FGSM,
    "bim": BIM,
    "unprojected_bim": UnprojectedBIM,
    "pgd": PGD,
    "apgd": APGD,
    "apgd_targeted": APGDT,
    "fab": FAB,
    "fab_targeted": FABT,
    "deepfool": DeepFool,
    "fmn": FMN,
    "square": SquareAttack,
    "random_point": RandomPoint,
    "autoattack": AutoAttack,
}
"""Every attack on inputs by its name in a configuration."""

NOISES: dict[str, type] = {"gaussian": GaussianNoise, "uniform": UniformNoise}
"""The kinds of random noise by their names in a configuration."""
