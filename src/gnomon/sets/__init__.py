"""Sets of allowed perturbations of inputs and of parameters."""

from gnomon.sets import radius as radius
from gnomon.sets.balls import (
    INPUT_SETS as INPUT_SETS,
    L1 as L1,
    L2 as L2,
    Box as Box,
    InputSet as InputSet,
    Linf as Linf,
    MeasuredSet as MeasuredSet,
)
from gnomon.sets.parameters import (
    PARAMETER_SETS as PARAMETER_SETS,
    ParameterBall as ParameterBall,
    ParameterBox as ParameterBox,
    ParameterRegion as ParameterRegion,
    ParameterSet as ParameterSet,
    TensorBall as TensorBall,
    TensorBox as TensorBox,
    TensorSet as TensorSet,
)
from gnomon.sets.perturbation_set import Domain as Domain, PerturbationSet as PerturbationSet
