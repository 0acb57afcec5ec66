"""Which figures a report shows, and in which order."""

from collections.abc import Sequence

from gnomon.audit.audit import Audit
from gnomon.audit.report.figures import (
    Picture,
    accuracy_against_radius,
    accuracy_of_classes,
    alternative_networks,
    brackets,
    confusion,
    data_on_the_plane,
    decisions_on_slices,
    decisions_on_the_plane,
    decisions_through_training,
    eigenvalues_on_the_plane,
    examples_of_classes,
    fault_curves,
    fooled_by_parts,
    gallery,
    gradient_pictures,
    is_image,
    jacobian_pictures,
    landscapes,
    mapping_pictures,
    norms_of,
    norms_through_training,
    resistance_to_attacks,
    singular_values_by_rank,
    weights_of,
)
from gnomon.audit.subject import Subject
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
