"""What a network does to its data: representations, movement, Jacobians, weights, boundary."""

from gnomon.representation.collapse import (
    ClassSpread,
    class_spreads,
    spread_of,
    spread_ratio,
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
from gnomon.representation.points import Representation, represent
from gnomon.representation.separability import Separability, linear_separability

__all__ = [
    "ClassSpread",
    "LayerJacobian",
    "RankCorrelation",
    "Representation",
    "Separability",
    "class_spreads",
    "distance_from_centre",
    "distance_moved",
    "is_singular",
    "layer_jacobians",
    "linear_separability",
    "network_singular_values",
    "rank_correlation",
    "represent",
    "spread_of",
    "spread_ratio",
]
