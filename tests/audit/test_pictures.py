"""Pictures of an audit as data: their charts say what the findings say."""

from functools import cache

import pytest

from gnomon.attacks import FGSM
from gnomon.audit import AttackedAccuracy, Audit, CleanAccuracy, NoiseAccuracy, Subject, examine
from gnomon.audit.topics.accuracy.pictures import class_pictures
from gnomon.audit.topics.attacks.pictures import accuracy_against_radii
from gnomon.report.charts import Curve, Image, Mark, Paths, Points, Text
from gnomon.report.picture import Picture
from reference.small_subjects import plane_subject


@cache
def examined(name: str) -> tuple[Subject, Audit]:
    subject = plane_subject(name=name)
    sets = subject.data.customary
    probes = [CleanAccuracy(), NoiseAccuracy(sets, 1), AttackedAccuracy(sets, (FGSM(),))]
    return subject, examine(subject, probes)


def marks_of(picture: Picture) -> list[Mark]:
    return [mark for panel in picture.chart.panels for mark in panel.marks]


def test_the_worst_case_is_drawn_with_its_intervals_beside_each_attack_and_noise() -> None:
    one = examined("one")
    attacked = next(each for each in one[1].findings if each.name == "attacked_accuracy")
    picture = accuracy_against_radii([one])[0]
    curves = {mark.label: mark for mark in marks_of(picture) if isinstance(mark, Curve)}
    assert list(curves)[:2] == ["worst case (95 %)", "FGSM"]
    assert list(curves)[-2:] == ["uniform noise", "Gaussian noise"]
    worst, (low, high) = (
        attacked.details.curves[0],
        curves["worst case (95 %)"].band or ((), ()),
    )
    assert list(curves["FGSM"].x) == list(attacked.details.radii)
    assert curves["worst case (95 %)"].y == pytest.approx([100 * a for a in worst.accuracy])
    assert list(zip(low, high, strict=True)) == [
        pytest.approx((100 * ends[0], 100 * ends[1])) for ends in worst.error
    ]


def test_several_subjects_are_told_apart_by_colour_and_marker() -> None:
    picture = accuracy_against_radii([examined("one"), examined("two")])[0]
    curves = {mark.label: mark.look for mark in marks_of(picture) if isinstance(mark, Curve)}
    assert list(curves) == [
        "one: worst case",
        "one: uniform noise",
        "two: worst case",
        "two: uniform noise",
    ]
    first, noise, second, _ = curves.values()
    assert (first.colour, first.marker) == (noise.colour, noise.marker)
    assert first.colour != second.colour
    assert first.marker != second.marker
    assert (first.line, noise.line, noise.hollow) == ("-", "--", True)


def test_classes_and_confusions_are_those_of_the_finding() -> None:
    one = examined("one")
    clean = next(each for each in one[1].findings if each.name == "clean_accuracy")
    classes, confusion = class_pictures([one])
    lines, points = marks_of(classes)
    assert isinstance(lines, Paths)
    assert isinstance(points, Points)
    rows = sorted(clean.details.per_class, key=lambda row: row.accuracy)
    assert points.x == pytest.approx([100 * row.accuracy for row in rows])
    ends = [[(100 * end, place) for end in row.error] for place, row in enumerate(rows)]
    assert [list(line) for line in lines.lines] == ends
    cells, *texts = marks_of(confusion)
    assert isinstance(cells, Image)
    counts = clean.details.confusion
    assert (cells.cells[..., 3] > 0).tolist() == [[n > 0 for n in row] for row in counts]
    written = {(text.y, text.x): text.text for text in texts if isinstance(text, Text)}
    assert written == {
        (row, column): str(count)
        for row, line in enumerate(counts)
        for column, count in enumerate(line)
        if count
    }
