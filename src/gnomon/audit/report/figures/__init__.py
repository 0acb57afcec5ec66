"""The figures of a report: pure functions of audits and subjects."""

from gnomon.audit.report.figures.classes import accuracy_of_classes, confusion
from gnomon.audit.report.figures.curves import accuracy_against_radius, norms_of
from gnomon.audit.report.figures.gallery import examples_of_classes, gallery, is_image
from gnomon.audit.report.figures.jacobians import jacobian_pictures
from gnomon.audit.report.figures.mapping import mapping_pictures
from gnomon.audit.report.figures.picture import Picture
from gnomon.audit.report.figures.plane import data_on_the_plane, decisions_on_the_plane

__all__ = [
    "Picture",
    "accuracy_against_radius",
    "accuracy_of_classes",
    "confusion",
    "data_on_the_plane",
    "decisions_on_the_plane",
    "examples_of_classes",
    "gallery",
    "is_image",
    "jacobian_pictures",
    "mapping_pictures",
    "norms_of",
]
