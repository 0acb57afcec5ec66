"""Attacks on parameters, one file each; each returns the perturbed network as parameters."""

from gnomon.attacks.parameters.adversarial import (
    AdversarialParameterAttack as AdversarialParameterAttack,
    RobustnessLost as RobustnessLost,
)
from gnomon.attacks.parameters.alternatives import AlternativeNetworks as AlternativeNetworks
from gnomon.attacks.parameters.ascent import (
    ParameterPGD as ParameterPGD,
    awp_direction as awp_direction,
)
from gnomon.attacks.parameters.bit_flips import (
    ProgressiveBitFlips as ProgressiveBitFlips,
    RandomBitFlips as RandomBitFlips,
)
from gnomon.attacks.parameters.faults import (
    GaussianFaults as GaussianFaults,
    SingleFault as SingleFault,
    StuckAtZero as StuckAtZero,
)
from gnomon.attacks.parameters.fixed_point import (
    FixedPoint as FixedPoint,
    Grid as Grid,
    Scales as Scales,
)
from gnomon.attacks.parameters.joint import JointOutcome as JointOutcome, JointPGD as JointPGD
from gnomon.attacks.parameters.outcome import (
    Batches as Batches,
    ParameterAttack as ParameterAttack,
    ParameterFault as ParameterFault,
    ParameterOutcome as ParameterOutcome,
)
from gnomon.attacks.parameters.quantisation import Quantisation as Quantisation
from gnomon.attacks.parameters.rounded_activations import (
    Activations as Activations,
    rounded_activations as rounded_activations,
)
from gnomon.attacks.parameters.sparse import SparseParameterAttack as SparseParameterAttack
