"""Attacks: the worst case from inside."""

from gnomon.attacks.ascent import Ascent
from gnomon.attacks.inputs import (
    APGD,
    APGDT,
    BIM,
    FGSM,
    PGD,
    GaussianNoise,
    Noise,
    RandomPoint,
    UniformNoise,
)
from gnomon.attacks.outcome import InputAttack, Outcome
from gnomon.attacks.slopes import Antithetic, Autograd
from gnomon.attacks.surrogates import Surrogate
from gnomon.attacks.view import View, fastest_precision

__all__ = [
    "APGD",
    "APGDT",
    "BIM",
    "FGSM",
    "PGD",
    "Antithetic",
    "Ascent",
    "Autograd",
    "GaussianNoise",
    "InputAttack",
    "Noise",
    "Outcome",
    "RandomPoint",
    "Surrogate",
    "UniformNoise",
    "View",
    "fastest_precision",
]
