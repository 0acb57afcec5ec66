"""Perturbation sets: what an adversary may do to inputs and to parameters."""

from gnomon.sets import radius
from gnomon.sets.balls import L1, L2, Box, InputSet, Linf, MeasuredSet
from gnomon.sets.parameters import (
    ParameterBall,
    ParameterBox,
    ParameterRegion,
    ParameterSet,
    TensorBall,
    TensorBox,
    TensorSet,
)
from gnomon.sets.perturbation_set import Domain, PerturbationSet

__all__ = [
    "L1",
    "L2",
    "Box",
    "Domain",
    "InputSet",
    "Linf",
    "MeasuredSet",
    "ParameterBall",
    "ParameterBox",
    "ParameterRegion",
    "ParameterSet",
    "PerturbationSet",
    "TensorBall",
    "TensorBox",
    "TensorSet",
    "radius",
]
