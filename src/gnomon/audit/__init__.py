"""The audit: what a network withstands, how that was found, and how far to trust it."""

import sys

from gnomon.audit.audit import Audit, examine, read_json, write_json
from gnomon.audit.bracket import Bracket
from gnomon.audit.door import Audited, AuditModule
from gnomon.audit.doubts import Doubt, DoubtKind
from gnomon.audit.finding import Finding
from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.requirement import Requirement, Verdict, parse_requirement
from gnomon.audit.subject import Subject, sample_subject
from gnomon.audit.topics import (
    AttackedAccuracy,
    AutoAttackAccuracy,
    BoundaryComplexity,
    CertifiedAccuracy,
    CertifiedRadius,
    ChangeOfVariables,
    CleanAccuracy,
    FaultTolerance,
    GradientFlow,
    LipschitzConstant,
    LossFlatness,
    NoiseAccuracy,
    ParameterAttackResistance,
    ParameterRobustness,
    PointMapping,
    Probe,
    WeightSpectra,
)

# The package can be called: gnomon.audit(network, data).
sys.modules[__name__].__class__ = AuditModule

__all__ = [
    "AttackedAccuracy",
    "Audit",
    "AuditModule",
    "Audited",
    "AutoAttackAccuracy",
    "BoundaryComplexity",
    "Bracket",
    "CertifiedAccuracy",
    "CertifiedRadius",
    "ChangeOfVariables",
    "CleanAccuracy",
    "Doubt",
    "DoubtKind",
    "FaultTolerance",
    "Finding",
    "GradientFlow",
    "LipschitzConstant",
    "LossFlatness",
    "NoiseAccuracy",
    "ParameterAttackResistance",
    "ParameterRobustness",
    "PointMapping",
    "Probe",
    "Requirement",
    "Subject",
    "Verdict",
    "WeightSpectra",
    "clopper_pearson",
    "examine",
    "parse_requirement",
    "read_json",
    "sample_subject",
    "write_json",
]
