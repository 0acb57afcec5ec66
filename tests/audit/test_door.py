"""`gnomon.audit(network, data)`: the door to an audit from one's own network and data."""

import sys
from inspect import unwrap
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import gnomon as gn
from gnomon.audit import (
    CleanAccuracy,
    NoiseAccuracy,
    ParameterRobustness,
    examine,
    read_json,
    sample_subject,
)
from gnomon.audit.door import audit
from gnomon.audit.selection import USUAL_PROBES
from gnomon.data import DoubleSpiral, Store
from gnomon.errors import GnomonError, SettingError, ShapeError, SubjectError, UnknownNameError
from gnomon.networks import MLP, Signature
from gnomon.seeds import generator
from gnomon.sets import L2, Linf, ParameterBox, radius

DATA = DoubleSpiral(points=60)(0, Store.default(download=False))
NETWORK = MLP(hidden=(6,))(Signature(DATA.shape, 2, DATA.mean, DATA.std), generator(0)).eval()
PAIR = (DATA.test.inputs, DATA.test.labels)


def test_the_call_gives_what_the_long_way_gives() -> None:
    sets = (Linf(0.5), L2(1.0))
    short = audit(
        NETWORK, DATA, within=sets, probes=["accuracy", "noise"], seed=3, samples=9,
        settings={"noise": {"draws": 2}},
    )  # fmt: skip
    subject = sample_subject(NETWORK, DATA, name="network", samples=9, seed=3)
    long = examine(subject, [CleanAccuracy(), NoiseAccuracy(sets, draws=2)], 3)
    assert short.findings == long.findings
    assert (short.settings, short.data, short.seed) == (long.settings, long.data, long.seed)


def test_the_module_is_the_function_and_the_package() -> None:
    result = gn.audit(NETWORK, DATA, probes=["accuracy"])
    assert isinstance(result, gn.audit.Audit)
    assert gn.audit.CleanAccuracy is CleanAccuracy
    assert sys.modules["gnomon.audit"] is cast("Any", gn.audit)


@pytest.mark.parametrize(
    "data",
    [PAIR, DataLoader(TensorDataset(*PAIR), batch_size=5, shuffle=True), TensorDataset(*PAIR)],
    ids=["tensors", "loader", "torch"],
)
def test_all_of_ones_own_examples_are_examined(data: object) -> None:
    result = audit(NETWORK, data, probes=["accuracy"])
    assert result.data["examples"] == len(PAIR[1])
    expected = audit(NETWORK, DATA, probes=["accuracy"]).findings[0]
    assert (result.findings[0].value, result.findings[0].error) == (
        expected.value,
        expected.error,
    )


def test_a_few_examples_need_not_show_every_class() -> None:
    network = nn.Linear(2, 7)
    assert audit(network, PAIR, probes=["accuracy"]).data["classes"] == 7


def test_sets_without_a_domain_get_that_of_the_data() -> None:
    images = torch.rand(12, 1, 3, 3, generator=generator(1))
    network = nn.Sequential(nn.Flatten(), nn.Linear(9, 2))
    asked = audit(
        network,
        (images, torch.arange(12) % 2),
        within=[Linf(0.2), Linf(0.1, (-1.0, 2.0))],
        probes=["noise"],
    )
    inside = audit(
        network,
        (images, torch.arange(12) % 2),
        probes=[NoiseAccuracy((Linf(0.2, (0.0, 1.0)), Linf(0.1, (-1.0, 2.0))))],
    )
    assert asked.findings == inside.findings
    outside = audit(
        network, (images, torch.arange(12) % 2), probes=[NoiseAccuracy((Linf(0.2),))]
    )
    assert outside.settings != asked.settings


def test_the_report_is_written_and_read_back(tmp_path: Path) -> None:
    result = audit(NETWORK, PAIR, within=[Linf(0.5)], probes=["accuracy", "noise"], name="mine")
    page = result.write(tmp_path / "report")
    assert page.name == "report.html"
    assert "mine" in page.read_text("utf-8")
    again = read_json(tmp_path / "report" / "audit.json")
    assert again.findings == result.findings
    assert again.name == "mine"


@pytest.mark.slow
def test_every_usual_probe_takes_ones_own_examples(tmp_path: Path) -> None:
    result = audit(
        NETWORK, PAIR, within=[Linf(0.5)], parameters=[ParameterBox(radius.Relative(0.01))]
    )
    assert {each.probe for each in result.findings} == set(USUAL_PROBES)
    assert result.write(tmp_path).is_file()


def _asked(**changes: object) -> object:
    return unwrap(audit)(
        **{"network": NETWORK, "data": PAIR, "probes": ["accuracy"], **changes}
    )


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"network": lambda inputs: inputs}, SubjectError, "torch.nn.Module, got function"),
        ({"network": nn.Linear(5, 2)}, ShapeError, r"inputs of shape \(2,\), got an error"),
        ({"network": nn.Flatten(0)}, ShapeError, "expected logits of shape"),
        ({"data": PAIR[0]}, GnomonError, r"expected \(inputs, labels\)"),
        ({"probes": ["acuracy"]}, UnknownNameError, "'acuracy'.*Did you mean 'accuracy'"),
        ({"probes": [CleanAccuracy]}, SettingError, "expected names of probes or probes, got"),
        ({"settings": {"noise": {"draws": 2}}}, UnknownNameError, "no probe 'noise' is asked"),
        ({"parameters": [ParameterBox(radius.Relative(0.1))]}, SettingError,
         "varies parameters, .* got accuracy"),
        ({"samples": 0}, SettingError, "samples: expected 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_audited_is_refused(
    changes: dict[str, object], error: type[GnomonError], message: str
) -> None:
    with pytest.raises(error, match=message):
        _asked(**changes)


def test_a_named_probe_uses_the_sets_of_parameters() -> None:
    box = ParameterBox(radius.Relative(0.01))
    short = audit(
        NETWORK, PAIR, within=[L2(0.1)], parameters=[box], probes=["parameters"],
        settings={"parameters": {"members": 2}},
    )  # fmt: skip
    own = ParameterRobustness((L2(0.1),), (box,), members=2)
    assert short.findings == audit(NETWORK, PAIR, probes=[own]).findings
