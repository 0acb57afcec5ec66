"""Findings about the paths of the data, on networks whose paths are known."""

import copy
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gnomon.activations import Tanh
from gnomon.audit import Finding, PointMapping, Subject, examine, read_json, write_json
from gnomon.seeds import generator
from reference.small_subjects import (
    FirstCoordinate,
    image_data,
    image_network,
    subject_of,
    vector_data,
)
from reference.trained_networks import (
    one_class,
    plane_journey,
    turned,
    with_collapsed_class,
)


def _findings(subject: Subject, probe: PointMapping | None = None) -> dict[str, Finding]:
    found = (probe or PointMapping())(subject, generator(0))
    return {finding.name: finding for finding in found}


def test_every_name_has_its_finding_and_survives_the_file(tmp_path: Path) -> None:
    subject = plane_journey(turned(3), {0: turned(1), 4: turned(3)})
    audit = examine(subject, [PointMapping()])
    assert tuple(finding.name for finding in audit.findings) == PointMapping.names
    assert {finding.probe for finding in audit.findings} == {"mapping"}
    write_json(tmp_path / "audit.json", audit)
    assert read_json(tmp_path / "audit.json") == audit


def test_the_same_seed_gives_the_same_findings_and_the_batch_changes_nothing() -> None:
    subject = plane_journey(turned(3, activation=Tanh()), {0: turned(1), 4: turned(3)})
    first = PointMapping(followed=50)(subject, generator(1))
    assert first == PointMapping(followed=50)(subject, generator(1))
    for one, other in zip(
        first, PointMapping(followed=50, batch=17)(subject, generator(1)), strict=True
    ):
        assert one.value == pytest.approx(other.value, rel=1e-5)
    assert len(first[3].details.moved) == 50


def test_the_network_and_its_snapshots_are_left_alone() -> None:
    network = turned(3, activation=Tanh()).train()
    subject = plane_journey(network, {0: turned(1).train(), 1: network})
    before = copy.deepcopy(network.state_dict())
    PointMapping()(subject, generator(0))
    assert network.training
    assert all(p.grad is None and p.requires_grad for p in network.parameters())
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_scaling_moves_outer_points_further_in_exact_order() -> None:
    # A quarter turn times 3 moves x by √10 ‖x‖; the centre of the data is near 0 but not at 0.
    found = _findings(plane_journey(turned(3)))["movement_across_layers"]
    assert found.value is not None
    assert found.error is not None
    assert found.value > 0.97
    moved, far = found.details.moved, found.details.from_centre
    assert len(moved) == len(far) == len(found.details.label) == 200
    subject = plane_journey(turned(3))
    expected = math.sqrt(10) * subject.inputs.norm(dim=1)
    assert torch.allclose(torch.tensor(moved), expected, atol=1e-5)
    assert list(found.details.label) == subject.labels.tolist()


def test_between_sketches_there_is_no_distance() -> None:
    wide = nn.Sequential(nn.Linear(1030, 1030), nn.Linear(1030, 2)).eval()
    found = _findings(subject_of(wide, vector_data(1030, 40)))["movement_across_layers"]
    assert found.value is None


def test_a_shift_moves_all_points_alike_and_has_no_correlation() -> None:
    network = turned(1)
    with torch.no_grad():
        network.get_parameter("0.weight").copy_(torch.eye(2))
        network.get_parameter("0.bias").copy_(torch.tensor([0.5, 0.25]))
    subject = plane_journey(network)
    # Inputs on a grid of powers of two make the sums exact.
    rounded = Subject(
        "shift", network, subject.data, (subject.inputs * 8).round() / 8, subject.labels
    )
    found = _findings(rounded)["movement_across_layers"]
    assert found.value is None
    assert "equally far" in found.absent


def test_movement_through_training_compares_the_first_and_the_last_epoch() -> None:
    snapshots = {9: turned(5), 0: turned(1), 3: turned(100)}
    found = _findings(plane_journey(turned(5), snapshots))["movement_through_training"]
    inputs = plane_journey(turned(5)).inputs
    assert torch.allclose(torch.tensor(found.details.moved), 4 * inputs.norm(dim=1), atol=1e-5)
    assert "from epoch 0 to epoch 9" in found.method
    assert found.value is not None
    assert found.value > 0.97


def test_every_epoch_is_described_with_its_own_weights() -> None:
    snapshots = {0: turned(1), 3: turned(2)}
    epochs = _findings(plane_journey(turned(4), snapshots))["linear_separability"].details
    spreads = [epochs.stages, *(each.stages for each in epochs.epochs)]
    four, one, two = (stages[1].all_spread for stages in spreads)
    assert (four / one, two / one) == pytest.approx((4, 2), rel=1e-5)
    assert [each.epoch for each in epochs.epochs] == [0, 3]


def test_a_collapsed_class_is_a_number() -> None:
    found = _findings(with_collapsed_class())
    assert found["class_spread_ratio"].value == found["class_rank_ratio"].value == 0
    stages = found["linear_separability"].details.stages
    assert [stage.stage for stage in stages] == ["input", "hidden1", "output"]
    assert stages[0].spread_ratio > 0.3
    assert stages[1].spread[0] == 0
    assert stages[1].effective_rank[0] == 0
    assert stages[1].effective_rank[1] > 1.5


def test_the_rank_ratio_is_that_of_a_line_beside_a_plane() -> None:
    found = _findings(plane_journey(turned(3)))["class_rank_ratio"]
    stages = _findings(plane_journey(turned(3)))["linear_separability"].details.stages
    ranks = stages[1].effective_rank
    ratio = min(ranks) / max(ranks)
    assert found.value == ratio
    assert 0.5 < ratio < 1


def test_separability_is_that_of_the_last_stage_before_the_output() -> None:
    found = _findings(plane_journey(turned(3)))["linear_separability"]
    assert found.value is not None
    assert found.value >= 0.97  # the classes are two half planes
    assert found.error is not None
    assert found.error[0] <= found.value <= found.error[1]
    assert "stage hidden1" in found.method


def test_all_examined_examples_try_the_probe_and_few_are_followed() -> None:
    found = _findings(plane_journey(turned(3)), PointMapping(followed=10, fitted=30))
    details = found["linear_separability"].details
    assert (details.followed, details.fitted) == (10, 30)
    value = found["linear_separability"].value
    assert value is not None
    assert (value * 200) == pytest.approx(round(value * 200))
    assert len(found["movement_across_layers"].details.moved) == 10


def test_snapshots_that_were_not_kept_are_said_to_be_missing() -> None:
    for snapshots in ({}, {3: turned(1)}):
        found = _findings(plane_journey(turned(3), snapshots))["movement_through_training"]
        assert found.value is None
        assert "snapshots" in found.absent


def test_a_diverged_epoch_is_said_to_be_not_finite() -> None:
    broken = turned(1)
    with torch.no_grad():
        broken.get_parameter("0.weight")[0, 0] = torch.nan
    found = _findings(plane_journey(turned(3), {0: turned(1), 5: broken}))
    through = found["movement_through_training"]
    assert through.value is None
    assert "not finite" in through.absent
    first, last = found["linear_separability"].details.epochs
    assert [stage.unknown for stage in first.stages] == ["", "", ""]
    assert [bool(stage.unknown) for stage in last.stages] == [False, True, True]
    assert last.stages[1].separability is None
    assert last.stages[1].spread == (None, None)


def test_one_class_has_neither_probe_nor_ratio() -> None:
    found = _findings(subject_of(FirstCoordinate(3).eval(), one_class()))
    assert found["linear_separability"].value is None
    assert "fewer than two classes" in found["linear_separability"].absent
    assert found["class_spread_ratio"].value is None
    assert "two classes" in found["class_spread_ratio"].absent
    assert found["class_rank_ratio"].absent == found["class_spread_ratio"].absent


def test_a_constant_representation_is_said_to_be_constant() -> None:
    network = turned(0)
    found = _findings(plane_journey(network))
    assert found["class_spread_ratio"].value is None
    assert "constant" in found["class_spread_ratio"].absent
    value = found["linear_separability"].value
    assert value is not None
    assert value < 0.7


def test_a_network_without_layers_is_mapped_from_input_to_output() -> None:
    found = _findings(subject_of(FirstCoordinate(3).eval(), vector_data(3)))
    names = [stage.stage for stage in found["linear_separability"].details.stages]
    assert names == ["input", "output"]
    assert found["movement_across_layers"].value is None
    assert "no hidden stage" in found["movement_across_layers"].absent


def test_images_are_mapped_too() -> None:
    found = _findings(subject_of(image_network(3), image_data(3)))
    widths = [stage.width for stage in found["linear_separability"].details.stages]
    assert widths == [90, 3]


def test_a_class_without_examples_is_null() -> None:
    data = image_data(1, classes=3)
    keep = data.test.labels != 2
    subject = Subject(
        "two of three", image_network(1), data, data.test.inputs[keep], data.test.labels[keep]
    )
    stage = _findings(subject)["linear_separability"].details.stages[0]
    assert stage.spread[2] is None
    assert stage.spread_ratio is not None


def test_rows_that_are_positions_are_not_taken_for_examples() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    folding = nn.Sequential(
        nn.Unflatten(1, (3, 2)),
        nn.Flatten(0, 1),
        network,
        nn.Unflatten(0, (-1, 3)),
        nn.Flatten(),
    )
    data = vector_data(6)
    subject = subject_of(nn.Sequential(folding, nn.Linear(6, 2)), data)
    snapshots = {0: copy.deepcopy(subject.network), 1: subject.network}
    found = _findings(replace(subject, snapshots=snapshots))
    stages = {each.stage: each for each in found["linear_separability"].details.stages}
    assert "not examples" in stages["hidden1"].unknown
    assert stages["hidden1"].separability is None
    assert stages["hidden2"].unknown == ""
    assert found["linear_separability"].value is not None
    last = replace(
        subject_of(Pooled(network), data), snapshots={0: Pooled(network), 1: Pooled(network)}
    )
    for name in ("linear_separability", "class_spread_ratio", "movement_through_training"):
        assert "not examples" in _findings(last)[name].absent


class Pooled(nn.Module):
    """The mean over positions of what a network says of each."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        return self.network(inputs.reshape(-1, 2)).reshape(len(inputs), 3, 2).mean(dim=1)
