"""What the probe says of known weights and of their history, and what is drawn of it."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor, nn

from gnomon.audit import Audit, Finding, Probe, Subject, examine, read_json, write_json
from gnomon.audit.topics.weights.pictures import weights_of
from gnomon.audit.topics.weights.probe import WeightSpectra
from gnomon.audit.topics.weights.spectra import (
    eigenvalues_on_the_plane,
    norms_through_training,
    singular_values_by_rank,
)
from gnomon.audit.topics.weights.terms import WEIGHTS_TERMS
from gnomon.networks import Snapshots
from gnomon.networks.files import save_weights
from gnomon.report.picture import Picture
from gnomon.seeds import generator
from reference.small_subjects import FirstCoordinate, image_data, plane_data, subject_of


def diagonal(*entries: float) -> nn.Linear:
    layer = nn.Linear(len(entries), len(entries), bias=False)
    layer.weight.data = torch.diag(torch.tensor(entries))
    return layer


def known() -> nn.Sequential:
    """Norms 5 and 13; spreads 1 and 7; conditions 4/3 and 12/5."""
    return nn.Sequential(diagonal(3.0, 4.0), nn.Tanh(), diagonal(5.0, -12.0))


def plane(network: nn.Module, snapshots: Mapping[int, nn.Module] | None = None) -> Subject:
    data = plane_data()
    return Subject(
        "net", network, data, data.test.inputs, data.test.labels, {}, snapshots or {}
    )


def findings(subject: Subject, probe: WeightSpectra | None = None) -> dict[str, Finding]:
    found = (probe or WeightSpectra())(subject, generator(0))
    return {finding.name: finding for finding in found}


def kept(folder: Path, networks: Mapping[int, nn.Module]) -> Snapshots:
    """Snapshots on the disk, as a run keeps them."""
    files = {epoch: folder / f"epoch-{epoch:04d}.safetensors" for epoch in networks}
    for epoch, network in networks.items():
        save_weights(files[epoch], network)
    return Snapshots(next(iter(networks.values())), files)


def scaled(factor: float) -> nn.Sequential:
    network = known()
    for parameter in network.parameters():
        parameter.data *= factor
    return network


def pictures(subject: Subject) -> list[Picture]:
    examined = [(subject, examine(subject, [WeightSpectra()]))]
    return [
        picture
        for draw in (
            weights_of,
            eigenvalues_on_the_plane,
            singular_values_by_rank,
            norms_through_training,
        )
        for picture in draw(examined)
    ]


def test_known_weights_have_known_figures() -> None:
    found = findings(plane(known()))
    assert isinstance(WeightSpectra(), Probe)
    assert tuple(found) == WeightSpectra.names
    assert found["frobenius_norm"].value == pytest.approx(math.sqrt(25 + 169))
    assert found["spectral_norm"].value == pytest.approx(12)
    assert found["stable_rank"].value == pytest.approx(169 / 144)
    assert found["eigenvalue_spread"].value == pytest.approx((1 + 7) / 2)
    assert found["eigenvalue_condition"].value == pytest.approx(12 / 5)
    assert found["eigenvalue_modulus"].value == pytest.approx((3.5 + 8.5) / 2)
    assert found["eigenvalues_nonreal"].value == 0
    layers = {name: each.details["layers"] for name, each in found.items()}
    assert layers["spectral_norm"]["2.weight"]["singular_values"] == {
        "ranks": [1, 2],
        "values": pytest.approx([12, 5]),
    }
    assert layers["eigenvalue_spread"]["2.weight"]["eigenvalues"] == {
        "real": pytest.approx([-12, 5]),
        "imaginary": [0, 0],
        "of": 2,
    }
    assert layers["frobenius_norm"]["0.weight"]["zeros"] == 0.5
    assert layers["frobenius_norm"]["0.weight"]["mean"] == 1.75
    assert layers["frobenius_norm"]["0.weight"]["distance"] is None
    assert layers["frobenius_norm"]["0.weight"]["absent"] == {
        "distance": "there is no first snapshot"
    }


def test_the_history_is_that_of_the_files(tmp_path: Path) -> None:
    networks = {0: scaled(0.5), 3: scaled(2.0), 10: known()}
    found = findings(plane(known(), kept(tmp_path, networks)))
    history = found["frobenius_norm"].details["history"]
    assert history["epochs"] == [0, 3, 10]
    assert history["layers"]["0.weight"]["frobenius_norm"] == pytest.approx([2.5, 10, 5])
    assert history["layers"]["0.weight"]["distance"] == pytest.approx([0, 3, 1])
    assert history["layers"]["0.weight"]["deviation"] == pytest.approx(
        [0.893, 3.571, 1.785], 1e-3
    )
    spread = found["eigenvalue_spread"].details["history"]["layers"]["2.weight"]
    assert spread["spread"] == pytest.approx([3.5, 14, 7])
    assert spread["mean_modulus"] == pytest.approx([4.25, 17, 8.5])
    stretch = found["spectral_norm"].details["history"]["layers"]["2.weight"]
    assert stretch["spectral_norm"] == pytest.approx([6, 24, 12])
    assert stretch["condition"] == pytest.approx([2.4] * 3)
    layer = found["frobenius_norm"].details["layers"]["0.weight"]
    assert layer["distance"] == pytest.approx(1)
    assert layer["histogram"]["limit"] == 4
    assert sum(layer["histogram"]["first"]) == sum(layer["histogram"]["last"]) == 4
    assert layer["histogram"]["first"] != layer["histogram"]["last"]


def test_the_epochs_of_a_training_do_not_share_the_final_weights(tmp_path: Path) -> None:
    """The source tool kept views: every epoch of its history was the last one."""
    network = nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 6), nn.Linear(6, 2))
    files = {epoch: tmp_path / f"epoch-{epoch}.safetensors" for epoch in range(4)}
    norms: list[float] = []
    for file in files.values():
        save_weights(file, network)
        norms.append(float(cast("Tensor", network[2].weight).detach().norm()))
        for parameter in network.parameters():
            parameter.data *= 1.5
    history = findings(plane(network, Snapshots(network, files)))["frobenius_norm"].details[
        "history"
    ]
    seen = history["layers"]["2.weight"]["frobenius_norm"]
    assert seen == pytest.approx(norms)
    assert len(set(seen)) == 4
    assert history["layers"]["2.weight"]["distance"] == pytest.approx([0, 0.5, 1.25, 2.375])


def test_changing_one_snapshot_changes_no_other(tmp_path: Path) -> None:
    network = known()
    snapshots = kept(tmp_path, {0: scaled(0.5), 1: scaled(2.0)})
    before = findings(plane(network, snapshots))
    for epoch in snapshots:
        for parameter in snapshots[epoch].parameters():
            parameter.data.zero_()
    assert findings(plane(network, snapshots)) == before


def test_a_diverged_snapshot_is_stated_for_its_epoch(tmp_path: Path) -> None:
    networks = {0: known(), 1: known(), 2: known()}
    cast("Tensor", networks[1][0].weight).data[0, 1] = torch.nan
    subject = plane(known(), kept(tmp_path, networks))
    found = findings(subject)
    for name, figure in (
        ("frobenius_norm", "frobenius_norm"),
        ("frobenius_norm", "distance"),
        ("spectral_norm", "spectral_norm"),
        ("stable_rank", "stable_rank"),
        ("eigenvalue_spread", "spread"),
        ("eigenvalue_condition", "eigenvalue_condition"),
    ):
        layers = found[name].details["history"]["layers"]
        assert [value is None for value in layers["0.weight"][figure]] == [False, True, False]
        assert list(layers["0.weight"]["absent"]) == ["1"]
        assert "finite" in layers["0.weight"]["absent"]["1"][figure]
        assert layers["2.weight"]["absent"] == {}
        assert None not in layers["2.weight"][figure]
    growth = next(each for each in pictures(subject) if each.key == "norms-through-training")
    assert "1 of its snapshots" in growth.caption


def test_a_first_snapshot_that_diverged_gives_no_distance(tmp_path: Path) -> None:
    networks = {0: scaled(math.nan), 1: known()}
    found = findings(plane(known(), kept(tmp_path, networks)))["frobenius_norm"]
    assert found.details["history"]["layers"]["0.weight"]["distance"] == [None, None]
    assert found.details["layers"]["0.weight"]["distance"] is None
    assert "finite" in found.details["layers"]["0.weight"]["absent"]["distance"]
    assert found.details["history"]["layers"]["0.weight"]["mean"][0] is None
    keys = [each.key for each in pictures(plane(known(), kept(tmp_path, networks)))]
    assert any(key.startswith("weights-") for key in keys)


def test_a_snapshot_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    snapshots = kept(tmp_path, {0: known(), 1: known()})
    (tmp_path / "epoch-0001.safetensors").write_bytes(b"no weights")
    history = findings(plane(known(), snapshots))["spectral_norm"].details["history"]
    assert history["epochs"] == [0]
    assert "epoch-0001" in history["unreadable"]["1"]
    assert pictures(plane(known(), snapshots))


def test_a_run_without_snapshots_says_so() -> None:
    for finding in findings(plane(known())).values():
        assert finding.details["history"] is None
        assert "no snapshots" in finding.details["no_history"]


def test_a_snapshot_of_another_network_says_what_it_lacks() -> None:
    snapshots = {0: nn.Sequential(diagonal(1.0, 1.0)), 1: known()}
    history = findings(plane(known(), snapshots))["stable_rank"].details["history"]
    assert history["layers"]["2.weight"]["stable_rank"] == [None, pytest.approx(169 / 144)]
    assert "no such matrix" in history["layers"]["2.weight"]["absent"]["0"]["stable_rank"]


def test_a_network_without_square_matrices_has_singular_values_instead() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(30, 5), nn.ReLU(), nn.Linear(5, 3))
    subject = subject_of(network, image_data(1))
    found = findings(subject)
    for name in (each for each in WeightSpectra.names if each.startswith("eigenvalue")):
        assert found[name].value is None
        assert found[name].absent == "no square weight matrix: singular values instead"
        assert list(found[name].details["skipped"]) == ["1.weight", "3.weight"]
        assert found[name].details["layers"] == {}
    assert found["spectral_norm"].value is not None
    keys = [picture.key for picture in pictures(subject)]
    assert keys == ["weights-net", "singular-values"]


def test_kernels_that_form_a_square_are_not_square_matrices() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 2), nn.Flatten(), nn.Linear(80, 3))
    found = findings(subject_of(network, image_data(1)))["eigenvalue_spread"]
    assert found.absent == "no square weight matrix: singular values instead"


def test_a_network_without_matrices_has_no_figures() -> None:
    subject = plane(FirstCoordinate(2))
    for finding in findings(subject).values():
        assert finding.value is None
        assert "no weight matrix" in finding.absent
    assert pictures(subject) == []


def test_a_rotation_has_two_eigenvalues_that_are_not_real() -> None:
    rotations = [diagonal(1.0, 1.0), diagonal(1.0, 1.0)]
    for each in rotations:
        each.weight.data = torch.tensor([[0.0, -2.0], [2.0, 0.0]])
    found = findings(plane(nn.Sequential(*rotations, diagonal(3.0, 1.0))))
    assert found["eigenvalues_nonreal"].value == 2 + 2 + 0
    assert found["eigenvalue_modulus"].value == pytest.approx((2 + 2 + 2) / 3)


def test_a_singular_matrix_makes_the_largest_condition_infinite() -> None:
    network = nn.Sequential(diagonal(1.0, 0.0), diagonal(2.0, 1.0))
    found = findings(plane(network))
    assert found["eigenvalue_condition"].value is None
    assert found["eigenvalue_condition"].absent == "infinite: an eigenvalue of 0.weight is 0"
    assert found["eigenvalue_spread"].value == pytest.approx(1)


def test_zero_weights_have_a_norm_and_no_stable_rank() -> None:
    subject = plane(nn.Sequential(diagonal(0.0, 0.0)))
    found = findings(subject)
    assert found["frobenius_norm"].value == found["spectral_norm"].value == 0
    assert found["stable_rank"].absent == "0.weight: all its weights are zero"
    assert found["eigenvalue_spread"].value == 0
    assert [picture.key for picture in pictures(subject)] == ["weights-net", "eigenvalues-net"]


def test_wide_matrices_are_thinned_and_keep_their_ends_and_outliers() -> None:
    wide = nn.Linear(2, 120), nn.Linear(120, 120), nn.Linear(120, 2)
    for start in (0, 40, 80):
        wide[1].weight.data[start : start + 40, start : start + 40] += 5 / 40
    subject = plane(nn.Sequential(*wide))
    exact = torch.linalg.svdvals(wide[1].weight.detach().double())
    found = findings(subject, WeightSpectra(kept=30))
    values = found["spectral_norm"].details["layers"]["1.weight"]["singular_values"]
    assert len(values["ranks"]) == 30
    assert (values["ranks"][0], values["ranks"][-1]) == (1, 120)
    assert values["values"] == pytest.approx(
        [float(exact[rank - 1]) for rank in values["ranks"]]
    )
    layer = found["eigenvalue_spread"].details["layers"]["1.weight"]
    points = layer["eigenvalues"]
    moduli = [
        math.hypot(*point) for point in zip(points["real"], points["imaginary"], strict=True)
    ]
    assert 30 <= len(moduli) <= 50
    assert points["of"] == 120
    assert layer["outliers"] == sum(modulus > layer["threshold"] for modulus in moduli) == 3
    cut = findings(subject, WeightSpectra(exact=100))["eigenvalue_spread"]
    assert "larger than 100" in cut.absent


def test_an_audit_survives_its_file_and_repeats_itself(tmp_path: Path) -> None:
    networks = {0: scaled(math.nan), 1: scaled(0.0), 2: known()}
    subject = plane(known(), kept(tmp_path, networks))
    for name in ("first", "second"):
        write_json(tmp_path / name, examine(subject, [WeightSpectra()], seed=3))
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    assert read_json(tmp_path / "first") == examine(subject, [WeightSpectra()], seed=3)


def test_the_network_and_the_examples_do_not_matter_to_each_other() -> None:
    network = known().train()
    weights = {key: value.clone() for key, value in network.state_dict().items()}
    subject = plane(network)
    fewer = Subject("net", network, subject.data, subject.inputs[:3], subject.labels[:3])
    assert findings(subject) == findings(fewer)
    assert all(module.training for module in network.modules())
    assert all(torch.equal(value, weights[key]) for key, value in network.state_dict().items())
    assert all(each.grad is None and each.requires_grad for each in network.parameters())


def test_pictures_are_explained_and_several_subjects_share_curves(tmp_path: Path) -> None:
    examined: list[tuple[Subject, Audit]] = []
    for name in ("one", "two", "three", "four"):
        (tmp_path / name).mkdir()
        data = plane_data()
        snapshots = kept(tmp_path / name, {0: scaled(0.5), 5: known()})
        subject = Subject(
            name, known(), data, data.test.inputs, data.test.labels, {}, snapshots
        )
        examined.append((subject, examine(subject, [WeightSpectra()])))
    terms = {term.key for term in WEIGHTS_TERMS}
    drawn = [*weights_of(examined), *eigenvalues_on_the_plane(examined)]
    shared = [*singular_values_by_rank(examined), *norms_through_training(examined)]
    assert (len(drawn), len(shared)) == (8, 2)
    assert len({picture.key for picture in drawn + shared}) == 10
    for picture in drawn + shared:
        assert picture.definition in terms
        assert picture.topic == "Weights"
        assert picture.caption.endswith(".")
    for picture in shared:
        assert all(name in picture.caption for name in ("one:", "two:", "three:", "four:"))
    assert "from 6.96 after epoch 0 to 13.9 after epoch 5" in shared[1].caption
    assert "moved most, by 100 %" in drawn[0].caption
    assert "snapshot of epoch 0" in drawn[0].svg
    for term in WEIGHTS_TERMS:
        assert len(term.sources) == len(term.references)


def test_long_networks_and_huge_matrices_can_be_drawn() -> None:
    layers = [nn.Linear(2, 90), *[nn.Linear(90, 90) for _ in range(11)], nn.Linear(90, 2)]
    subject = plane(nn.Sequential(*layers))
    drawn = pictures(subject)
    assert [picture.key for picture in drawn] == [
        "weights-net",
        "eigenvalues-net",
        "singular-values",
    ]
    assert "first 9 of 13" in drawn[0].caption
    assert "in blocks" in drawn[0].caption
    assert "the first 8 of 11" in drawn[1].caption
    assert all(picture.svg.startswith("<svg") for picture in drawn)
