"""Measures what a network does to its data: representations, Jacobians, weights, boundary."""

from gnomon.representation.boundary import DecisionBoundary, decision_boundary
from gnomon.representation.collapse import (
    ClassSpread,
    class_spreads,
    rank_ratio,
    spread_of,
    spread_ratio,
)
from gnomon.representation.gradients import (
    Entries,
    LayerGradient,
    LossGradients,
    StageGradient,
    loss_gradients,
)
from gnomon.representation.jacobians import (
    LayerJacobian,
    is_singular,
    layer_jacobians,
    network_singular_values,
)
from gnomon.representation.movement import (
    RankCorrelation,
    distance_from_centre,
    distance_moved,
    rank_correlation,
)
from gnomon.representation.plane import Plane
from gnomon.representation.points import Representation, represent
from gnomon.representation.separability import Separability, linear_separability
from gnomon.representation.spectrum import Eigenvalues, Kind, Spectrum, spectrum
from gnomon.representation.units import Activity, Distribution, Units, unit_activity
from gnomon.representation.weights import (
    WeightDistribution,
    WeightMatrix,
    distribution,
    relative_distance,
    weight_matrices,
    weight_spectra,
)

__all__ = [
    "Activity",
    "ClassSpread",
    "DecisionBoundary",
    "Distribution",
    "Eigenvalues",
    "Entries",
    "Kind",
    "LayerGradient",
    "LayerJacobian",
    "LossGradients",
    "Plane",
    "RankCorrelation",
    "Representation",
    "Separability",
    "Spectrum",
    "StageGradient",
    "Units",
    "WeightDistribution",
    "WeightMatrix",
    "class_spreads",
    "decision_boundary",
    "distance_from_centre",
    "distance_moved",
    "distribution",
    "is_singular",
    "layer_jacobians",
    "linear_separability",
    "loss_gradients",
    "network_singular_values",
    "rank_correlation",
    "rank_ratio",
    "relative_distance",
    "represent",
    "spectrum",
    "spread_of",
    "spread_ratio",
    "unit_activity",
    "weight_matrices",
    "weight_spectra",
]
