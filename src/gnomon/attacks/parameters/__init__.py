"""Attacks on parameters, one file each; each returns the perturbed network as parameters."""

from gnomon.attacks.parameters.adversarial import (
    AdversarialParameterAttack,
    RobustnessLost,
)
from gnomon.attacks.parameters.alternatives import AlternativeNetworks
from gnomon.attacks.parameters.ascent import ParameterPGD, awp_direction
from gnomon.attacks.parameters.bit_flips import ProgressiveBitFlips, RandomBitFlips
from gnomon.attacks.parameters.faults import GaussianFaults, SingleFault, StuckAtZero
from gnomon.attacks.parameters.fixed_point import FixedPoint, Grid, Scales
from gnomon.attacks.parameters.joint import JointOutcome, JointPGD
from gnomon.attacks.parameters.outcome import (
    Batches,
    ParameterAttack,
    ParameterFault,
    ParameterOutcome,
)
from gnomon.attacks.parameters.quantisation import Quantisation
from gnomon.attacks.parameters.rounded_activations import Activations, rounded_activations
from gnomon.attacks.parameters.sparse import SparseParameterAttack

__all__ = [
    "Activations",
    "AdversarialParameterAttack",
    "AlternativeNetworks",
    "Batches",
    "FixedPoint",
    "GaussianFaults",
    "Grid",
    "JointOutcome",
    "JointPGD",
    "ParameterAttack",
    "ParameterFault",
    "ParameterOutcome",
    "ParameterPGD",
    "ProgressiveBitFlips",
    "Quantisation",
    "RandomBitFlips",
    "RobustnessLost",
    "Scales",
    "SingleFault",
    "SparseParameterAttack",
    "StuckAtZero",
    "awp_direction",
    "rounded_activations",
]
