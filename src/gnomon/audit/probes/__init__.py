"""What the audit measures, one file per topic."""

from gnomon.audit.probes.accuracy import CleanAccuracy
from gnomon.audit.probes.attacks import AttackedAccuracy
from gnomon.audit.probes.autoattack import AutoAttackAccuracy
from gnomon.audit.probes.boundary import BoundaryComplexity
from gnomon.audit.probes.certificates import CertifiedAccuracy
from gnomon.audit.probes.certified_radius import CertifiedRadius
from gnomon.audit.probes.faults import FaultTolerance
from gnomon.audit.probes.flatness import LossFlatness
from gnomon.audit.probes.gradients import GradientFlow
from gnomon.audit.probes.jacobians import ChangeOfVariables
from gnomon.audit.probes.lipschitz import LipschitzConstant
from gnomon.audit.probes.mapping import PointMapping
from gnomon.audit.probes.noise import NoiseAccuracy
from gnomon.audit.probes.parameters import ParameterRobustness
from gnomon.audit.probes.probe import Probe
from gnomon.audit.probes.resistance import ParameterAttackResistance
from gnomon.audit.probes.weights import WeightSpectra

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

__all__ = [
    "PROBES",
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
