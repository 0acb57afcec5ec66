"""Attacks: the worst case from inside."""

from gnomon.attacks.ascent import Ascent
from gnomon.attacks.inputs import BIM, FGSM, PGD, GaussianNoise, Noise, UniformNoise
from gnomon.attacks.outcome import InputAttack, Outcome

__all__ = [
    "BIM",
    "FGSM",
    "PGD",
    "Ascent",
    "GaussianNoise",
    "InputAttack",
    "Noise",
    "Outcome",
    "UniformNoise",
]
