"""The boundary's complexity as findings, and its figures."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gnomon.audit import Subject, examine, read_json, write_json
from gnomon.audit.finding import Finding
from gnomon.audit.topics.boundary.pictures import (
    decisions_on_slices,
    decisions_through_training,
)
from gnomon.audit.topics.boundary.plane import decisions_on_the_plane
from gnomon.audit.topics.boundary.probe import (
    BoundaryComplexity,
    BrokenEpoch,
    EpochBoundary,
    UndecidedEpoch,
    plane_of,
)
from gnomon.errors import SettingError
from gnomon.seeds import generator
from reference.small_subjects import (
    FirstCoordinate,
    image_data,
    image_network,
    plane_data,
    plane_subject,
    subject_of,
    vector_data,
)

PROBE = BoundaryComplexity(resolution=40, slice_resolution=30, slices=2)


class Disc(nn.Module):
    """Class 1 outside a circle around 0."""

    def __init__(self, radius: float) -> None:
        super().__init__()
        self.radius = nn.Parameter(torch.tensor(radius))

    def forward(self, inputs: Tensor) -> Tensor:
        score = inputs.flatten(1).norm(dim=1) - self.radius
        return torch.stack([-score, score], dim=1)


def disc_subject(snapshots: Mapping[int, nn.Module] | None = None) -> Subject:
    subject = subject_of(Disc(0.5), plane_data(), "disc")
    return replace(subject, snapshots=snapshots or {})


def undecided() -> nn.Module:
    network = FirstCoordinate(2)
    nn.init.zeros_(network.weight)
    return network


def pictures() -> Subject:
    return subject_of(image_network(1, 12), image_data(1, 120, 12), "pictures")


SUBJECTS = {
    "plane": lambda: disc_subject({0: Disc(0.2), 1: Disc(math.nan), 2: undecided()}),
    "vectors": lambda: subject_of(FirstCoordinate(5), vector_data(5)),
    "pictures": pictures,
}


@pytest.fixture(params=SUBJECTS)
def subject(request: pytest.FixtureRequest) -> Subject:
    return SUBJECTS[request.param]()


def by_name(subject: Subject, probe: BoundaryComplexity = PROBE) -> dict[str, Finding]:
    return {each.name: each for each in probe(subject, generator(0))}


def test_a_circle_in_the_plane_has_its_density_turning_and_component() -> None:
    found = by_name(disc_subject(), BoundaryComplexity(resolution=200))
    area = plane_of(plane_data()).area
    assert found["boundary_density"].value == pytest.approx(math.pi / area, rel=1e-3)
    assert found["boundary_turning"].value == pytest.approx(2 * math.pi, abs=1e-4)
    assert found["boundary_components"].value == 1
    assert [each.unit for each in found.values()] == ["1/unit", "radians", "components"]
    assert tuple(found) == BoundaryComplexity.names
    (row,) = found["boundary_density"].details.slices
    assert row.mean_curvature == pytest.approx(2, rel=1e-3)
    assert (row.regions, row.outside, row.unanswered) == (2, None, 0)
    assert all(each.error is None for each in found.values())


def test_an_audit_survives_its_file_and_the_same_seed_gives_it_again(
    subject: Subject, tmp_path: Path
) -> None:
    first, second = (examine(subject, [PROBE], seed=2) for _ in range(2))
    assert first == second
    write_json(tmp_path / "audit.json", first)
    assert read_json(tmp_path / "audit.json") == first


def test_the_network_is_left_alone(subject: Subject) -> None:
    network = subject.network.train()
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    PROBE(subject, generator(0))
    assert all(module.training for module in network.modules())
    assert all(torch.equal(value, weights[key]) for key, value in network.state_dict().items())
    assert all(each.grad is None and each.requires_grad for each in network.parameters())


def test_batches_change_nothing(subject: Subject) -> None:
    small, large = (by_name(subject, replace(PROBE, batch=size)) for size in (7, 10_000))
    for name in PROBE.names:
        assert small[name].value == pytest.approx(large[name].value, rel=1e-3, abs=1e-3)


def test_a_slice_goes_through_examples_of_three_classes() -> None:
    subject = pictures()
    found = by_name(subject, replace(PROBE, slices=6))["boundary_density"]
    rows = found.details.slices
    assert len(rows) == 6
    assert len({row.examples for row in rows}) == 6
    for row in rows:
        assert len(set(row.classes)) == 3
        assert subject.labels[list(row.examples)].tolist() == list(row.classes)
        assert 0 < row.outside < 1
        assert sum(row.shares) == pytest.approx(1)
    mean = sum(row.density for row in rows) / 6
    assert found.value == pytest.approx(mean)
    assert found.error is not None
    deviation = (sum((row.density - mean) ** 2 for row in rows) / 5) ** 0.5
    # Student's t at 97.5 % with five degrees of freedom, from a table.
    assert found.error[1] - mean == pytest.approx(2.571 * deviation / 6**0.5, rel=1e-3)
    assert not found.details.classes_of_slices


def test_a_slice_of_half_spaces_is_cut_by_a_straight_line() -> None:
    found = by_name(subject_of(FirstCoordinate(5), vector_data(5)))
    assert found["boundary_turning"].value == pytest.approx(0, abs=0.01)
    assert found["boundary_components"].value == 1
    details = found["boundary_turning"].details
    assert all(sorted(set(row.classes)) == [0, 1] for row in details.slices)
    assert "of 2 classes" in details.classes_of_slices


def test_one_class_gives_slices_through_three_of_it() -> None:
    data = vector_data(5)
    keep = data.test.labels == 1
    subject = Subject(
        "net", FirstCoordinate(5), data, data.test.inputs[keep], data.test.labels[keep]
    )
    found = by_name(subject)["boundary_components"]
    assert found.value is not None
    assert "of 1 class:" in found.details.classes_of_slices
    assert all(len(set(row.examples)) == 3 for row in found.details.slices)


def test_the_three_examples_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gnomon.audit.topics.boundary.probe._TRIES", 1)
    data = vector_data(5)
    few = Subject("net", FirstCoordinate(5), data, data.test.inputs[:3], data.test.labels[:3])
    for row in by_name(few, replace(PROBE, slices=6))["boundary_density"].details.slices:
        assert sorted(row.examples) == [0, 1, 2]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [
        (subject_of(FirstCoordinate(1), vector_data(1)), "one coordinate"),
        (subject_of(FirstCoordinate(5), vector_data(5, 2)), "three examples, got 2"),
    ],
)
def test_data_without_a_plane_have_no_complexity(subject: Subject, reason: str) -> None:
    for finding in by_name(subject).values():
        assert finding.value is None
        assert reason in finding.absent
    assert decisions_on_slices([(subject, examine(subject, [PROBE]))]) == []


def test_examples_on_a_line_span_no_slice() -> None:
    data = vector_data(5, 20)
    line = torch.arange(20.0)[:, None] * torch.ones(5) - 9.5
    subject = Subject("net", FirstCoordinate(5), data, line, (line[:, 0] > 0).long())
    assert "span a plane" in by_name(subject)["boundary_density"].absent


def test_a_network_that_never_decides_has_no_complexity() -> None:
    found = by_name(subject_of(undecided(), plane_data()))
    assert all("no largest logit" in each.absent for each in found.values())


def test_snapshots_are_followed_and_broken_ones_named() -> None:
    snapshots: dict[int, nn.Module] = {
        0: Disc(0.2),
        3: Disc(math.nan),
        7: Disc(9.0),
        9: undecided(),
    }
    rows = by_name(disc_subject(snapshots))["boundary_turning"].details.snapshots
    assert [row.epoch for row in rows] == [0, 3, 7, 9]
    assert [type(row) for row in rows[:2]] == [EpochBoundary, BrokenEpoch]
    assert rows[0].turning == pytest.approx(2 * math.pi, abs=1e-3)
    assert rows[1].absent == "weights with NaN or infinity"
    assert (rows[2].components, rows[2].density) == (0, 0)
    assert isinstance(rows[3], UndecidedEpoch)
    assert "no largest logit" in rows[3].absent
    details = by_name(disc_subject())["boundary_turning"].details
    assert (details.snapshots, "kept" in details.without_snapshots) == ((), True)


def test_a_slice_is_drawn_with_the_names_of_its_regions() -> None:
    subject = pictures()
    audit = examine(subject, [PROBE])
    (picture,) = decisions_on_slices([(subject, audit)])
    assert "class &lt;" in picture.svg.split("</title>")[-1]
    row = audit.findings[0].details.slices[0]
    assert f"{row.density:.3g} per unit of area" in picture.caption
    assert f"turns by {row.turning:.3g} radians" in picture.caption
    assert "outside the domain" in picture.caption
    assert picture.svg.count("<image") == 3
    assert decisions_through_training([(subject, audit)]) == []


def test_a_slice_of_vectors_is_drawn_without_pictures() -> None:
    subject = subject_of(FirstCoordinate(5), vector_data(5))
    (picture,) = decisions_on_slices([(subject, examine(subject, [PROBE]))])
    assert "<image" not in picture.svg
    assert "domain" not in picture.caption


def test_training_is_drawn_epoch_by_epoch() -> None:
    subject = disc_subject({epoch: Disc(0.1 + 0.01 * epoch) for epoch in range(20)})
    (picture,) = decisions_through_training([(subject, examine(subject, [PROBE]))])
    drawn = [axes.get_title() for axes in picture.figure.axes]
    assert (len(drawn), drawn[0], drawn[-1]) == (8, "epoch 0", "epoch 19")
    broken = disc_subject({0: Disc(math.nan), 1: Disc(0.4)})
    (picture,) = decisions_through_training([(broken, examine(broken, [PROBE]))])
    assert "weights with NaN" in picture.caption
    assert decisions_on_slices([(subject, examine(subject, [PROBE]))]) == []


def test_the_plane_states_the_complexity_of_its_boundary() -> None:
    picture = decisions_on_the_plane(plane_subject())
    assert "turns by" in picture.caption
    assert "1 part." in picture.caption


def test_a_probe_without_slices_is_refused() -> None:
    with pytest.raises(SettingError, match="got 0"):
        BoundaryComplexity(slices=0)
