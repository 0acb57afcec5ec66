"""The topics of the audit: one folder and one row each."""

from gnomon.audit.probe import Probe
from gnomon.audit.terms import TERMS
from gnomon.audit.topic import Topic
from gnomon.audit.topics.accuracy.probe import CleanAccuracy, Confusions
from gnomon.audit.topics.accuracy.terms import ACCURACY_TERMS
from gnomon.audit.topics.attacks.probe import AttackCurves, AttackedAccuracy
from gnomon.audit.topics.attacks.terms import ATTACKS_TERMS
from gnomon.audit.topics.autoattack.probe import AutoAttackAccuracy, EnsembleShares
from gnomon.audit.topics.autoattack.terms import AUTOATTACK_TERMS
from gnomon.audit.topics.boundary.probe import Boundaries, BoundaryComplexity
from gnomon.audit.topics.boundary.terms import BOUNDARY_TERMS
from gnomon.audit.topics.certificates.probe import CertifiedAccuracy, CertifiedAndAttacked
from gnomon.audit.topics.certificates.terms import CERTIFICATES_TERMS
from gnomon.audit.topics.faults.probe import (
    BitFlips,
    FaultTolerance,
    NoisyParameters,
    Quantised,
    WorstFault,
)
from gnomon.audit.topics.flatness.probe import (
    AverageRise,
    AverageRiseAndLandscapes,
    LossFlatness,
    WorstRise,
)
from gnomon.audit.topics.gradients.details import (
    GradientsByLayer,
    RatioByEpoch,
    SaturationByEpoch,
    UnitsByLayer,
)
from gnomon.audit.topics.gradients.probe import GradientFlow
from gnomon.audit.topics.gradients.terms import GRADIENTS_TERMS
from gnomon.audit.topics.jacobians.probe import (
    ChangeOfVariables,
    LayerStretches,
    NetworkStretch,
)
from gnomon.audit.topics.jacobians.terms import JACOBIANS_TERMS
from gnomon.audit.topics.lipschitz.probe import (
    ConstantEverywhere,
    ConstantsAround,
    LipschitzConstant,
    LipschitzRadii,
)
from gnomon.audit.topics.lipschitz.terms import LIPSCHITZ_TERMS
from gnomon.audit.topics.mapping.probe import AtStage, Movement, Places, PointMapping
from gnomon.audit.topics.mapping.terms import MAPPING_TERMS
from gnomon.audit.topics.noise.probe import NoiseAccuracy, NoiseCurve
from gnomon.audit.topics.noise.terms import NOISE_TERMS
from gnomon.audit.topics.parameters.probe import (
    Alternatives,
    ParameterRobustness,
    WorstNetwork,
)
from gnomon.audit.topics.parameters.terms import PARAMETERS_TERMS
from gnomon.audit.topics.radii.probe import CertifiedRadius, CertifiedSizes
from gnomon.audit.topics.resistance.probe import (
    ParameterAttackResistance,
    SpoiledRobustness,
)
from gnomon.audit.topics.weights.probe import WeightSpectra
from gnomon.audit.topics.weights.terms import WEIGHTS_TERMS

TOPICS = (
    Topic(
        CleanAccuracy,
        "what the network gets right",
        details={"clean_accuracy": Confusions},
        terms=ACCURACY_TERMS,
        headline="clean_accuracy",
    ),
    Topic(
        NoiseAccuracy,
        "what it still gets right under random noise",
        details={"noise_accuracy": NoiseCurve},
        terms=NOISE_TERMS,
        headline="noise_accuracy",
    ),
    Topic(
        AttackedAccuracy,
        "what it still gets right under [attack](attacks.md)",
        details={"attacked_accuracy": AttackCurves},
        terms=ATTACKS_TERMS,
        headline="attacked_accuracy",
    ),
    Topic(
        AutoAttackAccuracy,
        "what it still gets right under [AutoAttack](attacks.md), and which part fooled "
        "how many",
        details={"autoattack_accuracy": EnsembleShares},
        terms=AUTOATTACK_TERMS,
        slow=True,
    ),
    Topic(
        CertifiedAccuracy,
        "what nothing in a set can get wrong, as a [bracket](algebras.md)",
        details={"certified_accuracy": CertifiedAndAttacked},
        terms=CERTIFICATES_TERMS,
    ),
    Topic(
        CertifiedRadius,
        "how far examples are certified, up to 4 times each set: the mean; quantiles for "
        "each method in the JSON",
        details={"certified_radius": CertifiedSizes},
    ),
    Topic(
        LipschitzConstant,
        "how much the logits change per unit of the input, [from both sides](lipschitz.md)",
        details={
            "lipschitz_constant": ConstantEverywhere | ConstantsAround,
            "lipschitz_radius": LipschitzRadii,
        },
        terms=LIPSCHITZ_TERMS,
    ),
    Topic(
        ParameterRobustness,
        "what networks with [other parameters](parameters.md) get right, on average and "
        "at worst",
        details={
            "alternative_accuracy": Alternatives,
            "parameter_attacked_accuracy": WorstNetwork,
        },
        terms=PARAMETERS_TERMS,
    ),
    Topic(
        FaultTolerance,
        "what is left with [rounded, inverted, noisy, broken](parameters.md) weights",
        details={
            "quantised_accuracy": Quantised,
            "bit_flip_accuracy": BitFlips,
            "noisy_parameter_accuracy": NoisyParameters,
            "single_fault_accuracy": WorstFault,
        },
    ),
    Topic(
        ParameterAttackResistance,
        "how far [an attack on parameters](parameters.md) destroys robustness unnoticed",
        details={"adversarial_rate": SpoiledRobustness},
        slow=True,
    ),
    Topic(
        LossFlatness,
        "how much [the loss rises](parameters.md) when parameters change",
        details={
            "average_flatness": AverageRiseAndLandscapes | AverageRise,
            "worst_flatness": WorstRise,
        },
    ),
    Topic(
        BoundaryComplexity,
        "how complex the decision boundary is",
        details=dict.fromkeys(BoundaryComplexity.names, Boundaries),
        terms=BOUNDARY_TERMS,
    ),
    Topic(
        PointMapping,
        "where each example goes",
        details={
            "linear_separability": Places,
            "class_spread_ratio": AtStage,
            "class_rank_ratio": AtStage,
            "movement_across_layers": Movement,
            "movement_through_training": Movement,
        },
        terms=MAPPING_TERMS,
    ),
    Topic(
        ChangeOfVariables,
        "the network as a change of variables",
        details={"log_det_jacobian": LayerStretches, "jacobian_norm": NetworkStretch},
        terms=JACOBIANS_TERMS,
    ),
    Topic(
        GradientFlow,
        "the gradient of the loss, layer by layer",
        details={
            "vanishing_gradients": GradientsByLayer,
            "gradient_ratio": RatioByEpoch,
            "dead_units": UnitsByLayer,
            "saturated_units": SaturationByEpoch,
        },
        terms=GRADIENTS_TERMS,
    ),
    Topic(WeightSpectra, "the weight matrices", terms=WEIGHTS_TERMS),
)
"""Every topic, in the order in which an audit asks about them."""

PROBES = tuple(topic.probe for topic in TOPICS)
"""The classes of the probes, in the same order."""

GLOSSARY = (*TERMS, *(term for topic in TOPICS for term in topic.terms))
"""Each term that reports use, with its formula or method, and where it comes from."""

__all__ = [
    "GLOSSARY",
    "PROBES",
    "TOPICS",
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
    "Topic",
    "WeightSpectra",
]
