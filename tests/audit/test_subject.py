"""What a subject refuses, and how its examples are drawn."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from gnomon.audit import Audit, CleanAccuracy, examine, read_json, sample_subject
from gnomon.data.dataset import Dataset, Split
from gnomon.errors import DataError, GnomonError, SettingError, ShapeError, SubjectError
from reference.small_subjects import (
    FirstCoordinate,
    image_data,
    image_network,
    plane_data,
    subject_of,
)


def with_test(data: Dataset, inputs: torch.Tensor, labels: torch.Tensor) -> Dataset:
    return dataclasses.replace(data, test=Split(inputs, labels))


def broken_weights() -> nn.Module:
    network = FirstCoordinate(2)
    network.weight.data[1] = torch.nan
    return network


class NanAt(FirstCoordinate):
    """NaN where the second coordinate exceeds 0.9; not among the first two examples."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(inputs).masked_fill(inputs[:, 1:2] > 0.9, torch.nan)


class OneLogit(FirstCoordinate):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(inputs)[:, :1]


class Flattened(FirstCoordinate):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return super().forward(inputs)[:, 0]


@pytest.mark.parametrize(
    ("network", "data", "error", "message"),
    [
        (OneLogit(2), plane_data(), ShapeError, r"\(2, 2\), got \(2, 1\)"),
        (Flattened(2), plane_data(), ShapeError, r"\(2, 2\), got \(2,\)"),
        (FirstCoordinate(3), plane_data(), ShapeError, r"inputs of shape \(2,\)"),
        (image_network(3), image_data(1), ShapeError, r"\(1, 6, 5\)"),
        (broken_weights(), plane_data(), SubjectError, "'weight'"),
        (NanAt(2), plane_data(), SubjectError, "NaN or infinity for [1-9]"),
    ],
)
def test_an_unfit_network_is_refused(
    network: nn.Module, data: Dataset, error: type[GnomonError], message: str
) -> None:
    with pytest.raises(error, match=message):
        subject_of(network, data)


def test_unfit_data_are_refused() -> None:
    data = plane_data()
    inputs, labels = data.test.inputs.clone(), data.test.labels
    inputs[7, 1] = torch.nan
    for bad, message in (
        (with_test(data, inputs, labels), "in 1 of 200"),
        (with_test(data, data.test.inputs, labels + 1), r"labels 0 … 1, got 1 … 2"),
        (with_test(data, data.test.inputs[:0], labels[:0]), "got none"),
    ):
        with pytest.raises(DataError, match=message):
            subject_of(FirstCoordinate(2), bad)


def test_a_smaller_sample_is_part_of_a_larger_one_with_the_same_seed() -> None:
    network, data = FirstCoordinate(2), plane_data()
    small, large, other = (
        sample_subject(network, data, name="net", samples=samples, seed=seed)
        for samples, seed in ((20, 0), (50, 0), (20, 1))
    )

    def points(inputs: torch.Tensor) -> set[tuple[float, ...]]:
        return {tuple(row) for row in inputs.tolist()}

    assert len(points(small.inputs)) == 20
    assert points(small.inputs) < points(large.inputs) < points(data.test.inputs)
    assert points(small.inputs) != points(other.inputs)
    assert torch.equal(small.labels, (small.inputs[:, 0] > 0).long())


def test_without_a_number_every_test_example_is_examined_and_the_facts_are_kept() -> None:
    subject = sample_subject(
        FirstCoordinate(2), plane_data(), name="net", about={"activation": "none"}
    )
    assert len(subject.labels) == 200
    assert subject.about == {"parameters": 2, "activation": "none"}


@pytest.mark.parametrize("samples", [0, -1, 201])
def test_a_sample_that_cannot_be_drawn_is_refused(samples: int) -> None:
    with pytest.raises(SettingError, match=r"1 … 200"):
        sample_subject(FirstCoordinate(2), plane_data(), name="net", samples=samples)


def test_a_file_that_is_no_audit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    with pytest.raises(DataError, match="Check the path"):
        read_json(path)
    for text in ("", "{}", '{"version": 3}', "[]"):
        path.write_text(text)
        with pytest.raises(DataError, match="Audit again"):
            read_json(path)


def test_an_audit_says_what_is_needed_to_repeat_it() -> None:
    data = plane_data()
    subject = sample_subject(FirstCoordinate(2), data, name="net", samples=150)
    result: Audit = examine(subject, [CleanAccuracy(batch=9)], seed=5)
    assert (result.name, result.seed) == ("net", 5)
    assert result.data["fingerprint"] == data.fingerprint
    assert (result.data["examples"], result.data["available"]) == (150, 200)
    assert result.settings == [{"name": "CleanAccuracy", "batch": 9}]
