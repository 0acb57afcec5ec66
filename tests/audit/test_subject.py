"""What a subject refuses, and how its examples are drawn."""

import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from gnomon.audit import (
    AttackedAccuracy,
    Audit,
    CleanAccuracy,
    NoiseAccuracy,
    examine,
    read_json,
    sample_subject,
)
from gnomon.data.dataset import Dataset, Split
from gnomon.errors import DataError, GnomonError, SettingError, ShapeError, SubjectError
from gnomon.seeds import generator
from gnomon.sets import Linf
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


def test_a_network_that_mixes_its_batch_is_refused() -> None:
    class Mixing(FirstCoordinate):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            logits = super().forward(inputs)
            return logits - logits.mean(dim=0)

    with pytest.raises(SubjectError, match="other examples of a batch"):
        subject_of(Mixing(2).eval(), plane_data())
    normalised = nn.Sequential(
        nn.Linear(2, 4), nn.BatchNorm1d(4, track_running_stats=False), nn.Linear(4, 2)
    )
    with pytest.raises(SubjectError, match="without running statistics"):
        subject_of(normalised.eval(), plane_data())


def test_an_output_that_is_no_tensor_is_refused() -> None:
    class Pair(nn.Module):
        def forward(self, inputs: torch.Tensor) -> object:
            return inputs, 0

    with pytest.raises(ShapeError, match="got tuple"):
        subject_of(Pair().eval(), plane_data())


def test_an_audit_keeps_the_data_from_a_network_that_writes() -> None:
    class Writing(FirstCoordinate):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            logits = super().forward(inputs.clone())
            inputs.fill_(7.0)
            return logits

    data = plane_data()
    before = data.test.inputs.clone()
    probes = [CleanAccuracy(), AttackedAccuracy((Linf(0.2),)), NoiseAccuracy((Linf(0.2),))]
    written, plain = (
        examine(subject_of(network.eval(), data), probes)
        for network in (Writing(2), FirstCoordinate(2))
    )
    assert torch.equal(data.test.inputs, before)
    assert written.findings == plain.findings


def test_attacked_accuracy_of_a_random_network_is_what_fresh_answers_say() -> None:
    """Noise of a third: means of 20 have 0.07, so that 95 % of |x₁| decide for sure."""

    class Noisy(FirstCoordinate):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            logits = super().forward(inputs)
            return logits + 0.33 * torch.randn(logits.shape)

    data = plane_data()
    subject = subject_of(Noisy(2).eval(), data)
    assert subject.varies
    assert not subject_of(FirstCoordinate(2).eval(), data).varies
    (finding,) = AttackedAccuracy((Linf(0.3),), multiples=(1.0,))(subject, generator(0))
    truth = float((data.test.inputs[:, 0].abs() > 0.3).double().mean())
    # Half of what lies within two deviations of 0.07 of the border may go either way.
    assert finding.value == pytest.approx(truth, abs=0.14)
