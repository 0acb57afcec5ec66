"""Attacks on inputs and parameters: lower bounds on the worst case."""

from gnomon.attacks import parameters as parameters
from gnomon.attacks.ascent import Ascent as Ascent
from gnomon.attacks.batched import Batched as Batched
from gnomon.attacks.boundary_walk import Stride as Stride
from gnomon.attacks.ensemble import Part as Part
from gnomon.attacks.inputs import (
    APGD as APGD,
    APGDT as APGDT,
    BIM as BIM,
    FAB as FAB,
    FABT as FABT,
    FGSM as FGSM,
    FMN as FMN,
    INPUT_ATTACKS as INPUT_ATTACKS,
    NOISES as NOISES,
    PGD as PGD,
    AutoAttack as AutoAttack,
    DeepFool as DeepFool,
    GaussianNoise as GaussianNoise,
    Noise as Noise,
    Ordered as Ordered,
    OrderedOutcome as OrderedOutcome,
    RandomPoint as RandomPoint,
    SquareAttack as SquareAttack,
    Trial as Trial,
    UniformNoise as UniformNoise,
    UnprojectedBIM as UnprojectedBIM,
)
from gnomon.attacks.outcome import (
    InputAttack as InputAttack,
    Outcome as Outcome,
    TargetedAttack as TargetedAttack,
)
from gnomon.attacks.slopes import Antithetic as Antithetic, Autograd as Autograd
from gnomon.attacks.surrogates import Surrogate as Surrogate
from gnomon.attacks.view import View as View, fastest_precision as fastest_precision
