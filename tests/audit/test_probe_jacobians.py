"""Findings about the change of variables, on networks whose Jacobians are known."""

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gnomon.activations import ReLU
from gnomon.audit import ChangeOfVariables, Finding, Subject, examine, read_json, write_json
from gnomon.seeds import generator
from reference.small_subjects import image_data, image_network, plane_data, subject_of
from reference.trained_networks import plane_journey, turned


def _findings(subject: Subject, probe: ChangeOfVariables | None = None) -> dict[str, Finding]:
    found = (probe or ChangeOfVariables())(subject, generator(0))
    return {finding.name: finding for finding in found}


def test_every_name_has_its_finding_and_survives_the_file(tmp_path: Path) -> None:
    audit = examine(plane_journey(turned(3)), [ChangeOfVariables()])
    assert tuple(finding.name for finding in audit.findings) == ChangeOfVariables.names
    assert {finding.probe for finding in audit.findings} == {"jacobians"}
    write_json(tmp_path / "audit.json", audit)
    assert read_json(tmp_path / "audit.json") == audit


def test_a_scaled_quarter_turn_has_known_figures() -> None:
    # Layer 1 is 3 times a rotation of the plane; layer 2, onto one direction, is singular.
    found = _findings(plane_journey(turned(3)))
    first, second = found["log_det_jacobian"].details.layers
    assert first.log_det == pytest.approx([2 * math.log(3)] * 5, rel=1e-6)
    assert (first.largest[2], first.smallest[2]) == pytest.approx((3, 3), rel=1e-6)
    assert (first.singular, second.singular) == (0, 1)
    assert second.log_det == (None,) * 5
    assert found["singular_jacobians"].value == 0.5
    # The lower median of log 3 and −∞.
    assert found["log_det_jacobian"].value is None
    assert "200 of 400" in found["log_det_jacobian"].absent
    assert found["jacobian_norm"].value == pytest.approx(3 * 10 * math.sqrt(2), rel=1e-5)
    assert found["jacobian_condition"].value is None
    assert "rank" in found["jacobian_condition"].absent


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_rotations_keep_volume_and_their_multiples_change_it(scale: float) -> None:
    network = turned(scale)
    rotation = torch.tensor([[0.6, -0.8], [0.8, 0.6]])
    with torch.no_grad():
        network.get_parameter("2.weight").copy_(scale * rotation)
    found = _findings(plane_journey(network))
    assert found["log_det_jacobian"].value == pytest.approx(math.log(scale), abs=1e-6)
    assert found["singular_jacobians"].value == 0
    assert found["jacobian_condition"].value == pytest.approx(1, rel=1e-6)


def test_relu_folds_where_a_unit_is_off() -> None:
    network = turned(1, activation=ReLU())
    with torch.no_grad():
        network.get_parameter("2.weight").copy_(torch.eye(2))
    subject = plane_journey(network)
    hidden = subject.inputs @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    off = float((hidden <= 0).any(dim=1).double().mean())
    found = _findings(subject)
    assert found["log_det_jacobian"].details.layers[0].singular == pytest.approx(off)
    assert found["singular_jacobians"].value == pytest.approx(off / 2)


def test_quantiles_are_those_of_the_examples() -> None:
    class Square(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.stack([x[:, 0] ** 2 / 2, x[:, 1] * 1e-9], dim=1)

    data = plane_data(100)
    found = _findings(subject_of(Square(), data))["jacobian_norm"]
    slopes = data.test.inputs[:, 0].abs().sort().values
    expected = [float(slopes[index]) for index in (4, 24, 49, 74, 94)]
    assert found.details.singular_values[0] == pytest.approx(expected, rel=1e-6)
    assert found.value == pytest.approx(expected[2], rel=1e-6)
    assert found.details.largest == pytest.approx(
        data.test.inputs[:, 0].abs().tolist(), rel=1e-5
    )


def test_no_layer_that_keeps_the_dimension_is_said() -> None:
    found = _findings(subject_of(image_network(1), image_data(1)))
    for name in ("log_det_jacobian", "singular_jacobians"):
        assert found[name].value is None
        assert "dimension" in found[name].absent
    assert found["jacobian_norm"].value is not None


def test_layers_too_wide_are_said_to_be() -> None:
    subject = plane_journey(turned(3))
    found = _findings(subject, ChangeOfVariables(widest=1))
    assert all(layer.why for layer in found["log_det_jacobian"].details.layers)
    assert "too wide" in found["singular_jacobians"].absent


def test_fewer_examples_are_drawn_with_the_generator() -> None:
    found = _findings(plane_journey(turned(3)), ChangeOfVariables(examples=20))
    assert found["log_det_jacobian"].details.examples == 20
    assert len(found["jacobian_norm"].details.largest) == 20
    assert "20 examples" in found["jacobian_norm"].method
