"""Attacks: the worst case from inside."""

from gnomon.attacks.ascent import Ascent
from gnomon.attacks.batched import Batched
from gnomon.attacks.boundary_walk import Stride
from gnomon.attacks.ensemble import Part
from gnomon.attacks.inputs import (
    APGD,
    APGDT,
    BIM,
    FAB,
    FABT,
    FGSM,
    FMN,
    PGD,
    AutoAttack,
    DeepFool,
    GaussianNoise,
    Noise,
    Ordered,
    OrderedOutcome,
    RandomPoint,
    SquareAttack,
    Trial,
    UniformNoise,
    UnprojectedBIM,
)
from gnomon.attacks.outcome import InputAttack, Outcome, TargetedAttack
from gnomon.attacks.slopes import Antithetic, Autograd
from gnomon.attacks.surrogates import Surrogate
from gnomon.attacks.view import View, fastest_precision

__all__ = [
    "APGD",
    "APGDT",
    "BIM",
    "FAB",
    "FABT",
    "FGSM",
    "FMN",
    "PGD",
    "Antithetic",
    "Ascent",
    "AutoAttack",
    "Autograd",
    "Batched",
    "DeepFool",
    "GaussianNoise",
    "InputAttack",
    "Noise",
    "Ordered",
    "OrderedOutcome",
    "Outcome",
    "Part",
    "RandomPoint",
    "SquareAttack",
    "Stride",
    "Surrogate",
    "TargetedAttack",
    "Trial",
    "UniformNoise",
    "UnprojectedBIM",
    "View",
    "fastest_precision",
]
