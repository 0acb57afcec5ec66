"""Which figures a report shows, and in which order."""

from collections.abc import Sequence

from gnomon.audit.audit import Audit
from gnomon.audit.subject import Subject
from gnomon.audit.topics.accuracy.pictures import accuracy_of_classes, confusion
from gnomon.audit.topics.attacks.gallery import examples_of_classes, gallery, is_image
from gnomon.audit.topics.attacks.pictures import accuracy_against_radius, norms_of
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
from gnomon.seeds import generator
from gnomon.sets import L1, L2, Linf

_OF_PARAMETERS = (alternative_networks, fault_curves, resistance_to_attacks, landscapes)
_OF_THE_REPRESENTATION = (
    mapping_pictures,
    jacobian_pictures,
    gradient_pictures,
    weights_of,
    eigenvalues_on_the_plane,
    singular_values_by_rank,
    norms_through_training,
)
_SETS: dict[str, type[Linf] | type[L2] | type[L1]] = {
    each.norm: each for each in (Linf, L2, L1)
}


def pictures_of(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    """What the data and the findings allow to be drawn, in reading order."""
    audits = [audit for _, audit in examined]
    classified = [
        audit
        for audit in audits
        if any(finding.name == "clean_accuracy" for finding in audit.findings)
    ]
    pictures = [*_of_data(examined), *decisions_on_slices(examined)]
    pictures += decisions_through_training(examined)
    pictures += [accuracy_against_radius(audits, norm) for norm in norms_of(audits)]
    pictures += fooled_by_parts(examined)
    pictures += brackets(examined)
    for subject, audit in examined:
        pictures += _galleries(subject, audit)
    for drawn in _OF_PARAMETERS:
        pictures += drawn(examined)
    if classified:
        pictures.append(accuracy_of_classes(classified))
        pictures += [confusion(audit) for audit in classified]
    for drawn in _OF_THE_REPRESENTATION:
        pictures += drawn(examined)
    return pictures


def _of_data(examined: Sequence[tuple[Subject, Audit]]) -> list[Picture]:
    data = examined[0][0].data
    if is_image(data.shape):
        return [examples_of_classes(data)]
    if data.shape == (2,):
        return [
            data_on_the_plane(data),
            *[decisions_on_the_plane(subject) for subject, _ in examined],
        ]
    return []


def _galleries(subject: Subject, audit: Audit) -> list[Picture]:
    """One for each norm, at the largest radius that was asked for."""
    if not is_image(subject.data.shape):
        return []
    largest: dict[str, float] = {}
    for finding in audit.findings:
        if finding.name == "attacked_accuracy":
            norm, radius = finding.details["norm"], finding.details["radius"]
            largest[norm] = max(radius, largest.get(norm, 0.0))
    return [
        gallery(
            subject, _SETS[norm](radius, subject.data.domain), generator(audit.seed, "gallery")
        )
        for norm, radius in largest.items()
    ]
