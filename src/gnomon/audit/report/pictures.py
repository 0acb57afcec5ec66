"""The pictures of a report, in reading order."""

from gnomon.audit.report.selection import Examined
from gnomon.audit.topics.accuracy.pictures import class_pictures
from gnomon.audit.topics.attacks.gallery import examples_of_classes, galleries, is_image
from gnomon.audit.topics.attacks.pictures import accuracy_against_radii
from gnomon.audit.topics.autoattack.pictures import fooled_by_parts
from gnomon.audit.topics.boundary.pictures import (
    decisions_on_slices,
    decisions_through_training,
)
from gnomon.audit.topics.boundary.plane import data_on_the_plane, decisions_on_the_plane
from gnomon.audit.topics.certificates.pictures import brackets
from gnomon.audit.topics.faults.pictures import fault_curves
from gnomon.audit.topics.flatness.pictures import landscapes
from gnomon.audit.topics.gradients.pictures import gradient_pictures
from gnomon.audit.topics.jacobians.pictures import jacobian_pictures
from gnomon.audit.topics.mapping.pictures import mapping_pictures
from gnomon.audit.topics.parameters.pictures import alternative_networks
from gnomon.audit.topics.resistance.pictures import resistance_to_attacks
from gnomon.audit.topics.weights.pictures import weights_of
from gnomon.audit.topics.weights.spectra import (
    eigenvalues_on_the_plane,
    norms_through_training,
    singular_values_by_rank,
)
from gnomon.report.picture import Picture

_IN_READING_ORDER = (
    decisions_on_slices,
    decisions_through_training,
    accuracy_against_radii,
    fooled_by_parts,
    brackets,
    galleries,
    alternative_networks,
    fault_curves,
    resistance_to_attacks,
    landscapes,
    class_pictures,
    mapping_pictures,
    jacobian_pictures,
    gradient_pictures,
    weights_of,
    eigenvalues_on_the_plane,
    singular_values_by_rank,
    norms_through_training,
)


def pictures_of(examined: Examined) -> list[Picture]:
    """The pictures that the data and the findings allow, in reading order."""
    further = [picture for draw in _IN_READING_ORDER for picture in draw(examined)]
    return [*_of_data(examined), *further]


def _of_data(examined: Examined) -> list[Picture]:
    data = examined[0][0].data
    if is_image(data.shape):
        return [examples_of_classes(data)]
    if data.shape == (2,):
        return [
            data_on_the_plane(data),
            *[decisions_on_the_plane(subject) for subject, _ in examined],
        ]
    return []
