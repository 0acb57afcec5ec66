"""What the audit measures, one file per topic."""

from gnomon.audit.probe import Probe
from gnomon.audit.topics.accuracy.probe import CleanAccuracy
from gnomon.audit.topics.attacks.probe import AttackedAccuracy
from gnomon.audit.topics.autoattack.probe import AutoAttackAccuracy
from gnomon.audit.topics.boundary.probe import BoundaryComplexity
from gnomon.audit.topics.certificates.probe import CertifiedAccuracy
from gnomon.audit.topics.faults.probe import FaultTolerance
from gnomon.audit.topics.flatness.probe import LossFlatness
from gnomon.audit.topics.gradients.probe import GradientFlow
from gnomon.audit.topics.jacobians.probe import ChangeOfVariables
from gnomon.audit.topics.lipschitz.probe import LipschitzConstant
from gnomon.audit.topics.mapping.probe import PointMapping
from gnomon.audit.topics.noise.probe import NoiseAccuracy
from gnomon.audit.topics.parameters.probe import ParameterRobustness
from gnomon.audit.topics.radii.probe import CertifiedRadius
from gnomon.audit.topics.resistance.probe import ParameterAttackResistance
from gnomon.audit.topics.weights.probe import WeightSpectra

PROBES = (
    CleanAccuracy,
    NoiseAccuracy,
    AttackedAccuracy,
    AutoAttackAccuracy,
    CertifiedAccuracy,
    CertifiedRadius,
    LipschitzConstant,
    ParameterRobustness,
    FaultTolerance,
    ParameterAttackResistance,
    LossFlatness,
    BoundaryComplexity,
    PointMapping,
    ChangeOfVariables,
    GradientFlow,
    WeightSpectra,
)
"""Every probe, in the order in which an audit asks them."""

SLOW_PROBES = ("autoattack", "resistance")
"""The probes that an audit asks only when they are named."""

__all__ = [
    "PROBES",
    "SLOW_PROBES",
    "AttackedAccuracy",
    "AutoAttackAccuracy",
    "BoundaryComplexity",
    "CertifiedAccuracy",
    "CertifiedRadius",
    "ChangeOfVariables",
    "CleanAccuracy",
    "FaultTolerance",
    "GradientFlow",
    "LipschitzConstant",
    "LossFlatness",
    "NoiseAccuracy",
    "ParameterAttackResistance",
    "ParameterRobustness",
    "PointMapping",
    "Probe",
    "WeightSpectra",
]
