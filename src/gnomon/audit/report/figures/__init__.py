"""The figures of a report: pure functions of audits and subjects."""

from gnomon.audit.report.figures.boundary import (
    decisions_on_slices,
    decisions_through_training,
)
from gnomon.audit.report.figures.brackets import brackets
from gnomon.audit.report.figures.classes import accuracy_of_classes, confusion
from gnomon.audit.report.figures.curves import accuracy_against_radius, norms_of
from gnomon.audit.report.figures.ensembles import fooled_by_parts
from gnomon.audit.report.figures.faults import fault_curves
from gnomon.audit.report.figures.gallery import examples_of_classes, gallery, is_image
from gnomon.audit.report.figures.gradients import gradient_pictures
from gnomon.audit.report.figures.jacobians import jacobian_pictures
from gnomon.audit.report.figures.landscape import landscapes
from gnomon.audit.report.figures.mapping import mapping_pictures
from gnomon.audit.report.figures.parameters import alternative_networks
from gnomon.audit.report.figures.picture import Picture
from gnomon.audit.report.figures.plane import data_on_the_plane, decisions_on_the_plane
from gnomon.audit.report.figures.resistance import resistance_to_attacks
from gnomon.audit.report.figures.weight_spectra import (
    eigenvalues_on_the_plane,
    norms_through_training,
    singular_values_by_rank,
)
from gnomon.audit.report.figures.weights import weights_of

__all__ = [
    "Picture",
    "accuracy_against_radius",
    "accuracy_of_classes",
    "alternative_networks",
    "brackets",
    "confusion",
    "data_on_the_plane",
    "decisions_on_slices",
    "decisions_on_the_plane",
    "decisions_through_training",
    "eigenvalues_on_the_plane",
    "examples_of_classes",
    "fault_curves",
    "fooled_by_parts",
    "gallery",
    "gradient_pictures",
    "is_image",
    "jacobian_pictures",
    "landscapes",
    "mapping_pictures",
    "norms_of",
    "norms_through_training",
    "resistance_to_attacks",
    "singular_values_by_rank",
    "weights_of",
]
