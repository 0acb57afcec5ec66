"""The laboratory's script runs, and its verdicts follow from its figures."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from gnomon.audit import Finding

SCRIPT = Path(__file__).parents[2] / "examples" / "spiral_laboratory.py"


@pytest.fixture
def laboratory(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, with short trainings on three spirals."""
    spec = importlib.util.spec_from_file_location("spiral_laboratory", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "spiral_laboratory", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "EPOCHS", {module.WIDE: 1, module.TWO: 1})
    monkeypatch.setattr(module, "ENTANGLEMENTS", (2, 8))
    return module


def _figure(value: float | None, **details: object) -> Finding:
    absent = "nothing" if value is None else ""
    return Finding("…", "…", value, "", None, "…", details=details, absent=absent)


@pytest.mark.slow
def test_it_trains_examines_and_decides_every_claim(
    laboratory: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    laboratory.main(tmp_path)
    printed = capsys.readouterr().out
    for word in ("frobenius_norm", "boundary_turning", "collapses", "outer points", "vanish"):
        assert word in printed
    assert sum(line.startswith(("holds:", "fails:")) for line in printed.splitlines()) == 8
    assert (tmp_path / "tanh-1x2-entanglement-5" / "audit" / "report.html").is_file()


def test_growth_is_decided_for_both_activations(laboratory: ModuleType) -> None:
    def networks(tanh_later: float) -> dict[tuple[str, int], dict[str, Finding]]:
        value = {("relu", 2): 1.0, ("relu", 8): 2.0, ("tanh", 2): 1.0, ("tanh", 8): tanh_later}
        return {key: {"norm": _figure(each)} for key, each in value.items()}

    assert laboratory.grows(networks(3.0), "norm").holds
    assert not laboratory.grows(networks(0.5), "norm").holds


@pytest.mark.parametrize(
    ("relu", "tanh", "holds"),
    [
        (([0.0, 1.0], [0.0, 2.0]), ([1.0, 1.0], [2.0, 2.0]), True),  # to a point
        (([1.0, 1.0], [0.9, 2.0]), ([1.0, 1.0], [2.0, 2.0]), True),  # towards a line
        (([1.0, 1.0], [2.0, 2.0]), ([1.0, 1.0], [2.0, 2.0]), False),
        (([0.0, 1.0], [0.0, 2.0]), ([0.5, 1.0], [2.0, 2.0]), False),  # tanh as well
    ],
)
def test_collapse_is_of_spread_or_of_rank(
    laboratory: ModuleType,
    relu: tuple[list[float], list[float]],
    tanh: tuple[list[float], list[float]],
    holds: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    def network(extents: tuple[list[float], list[float]]) -> dict[str, Finding]:
        stage = {"spread": extents[0], "effective_rank": extents[1]}
        return {"linear_separability": _figure(1.0, stages=[{}, stage, {}])}

    claim = laboratory.collapse("…", {"relu": network(relu), "tanh": network(tanh)})
    assert claim.holds is holds


def test_what_is_not_defined_decides_nothing(laboratory: ModuleType) -> None:
    network = {"movement_across_layers": _figure(None)}
    claim = laboratory.outer_points({"relu": network, "tanh": network})
    assert not claim.holds
    assert "none" in claim.figures
