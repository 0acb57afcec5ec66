"""The house rules no other tool keeps: lengths, names, first lines, the catalogue."""

import ast
import inspect
from pathlib import Path

import pytest
from torch import nn

import gnomon
from gnomon.activations import Activation
from gnomon.words import catalog

ROOT = Path(__file__).parent.parent
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core", "tools"}
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 50  # 30 of code, and a docstring


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """The sources of the package by their path; an assertion lists all that break a rule."""
    found = sorted((ROOT / "src" / "gnomon").rglob("*.py"))
    assert found, "no sources to look at"
    return {str(path.relative_to(ROOT / "src")): path.read_text("utf-8") for path in found}


@pytest.fixture(scope="module")
def trees(texts: dict[str, str]) -> dict[str, ast.Module]:
    return {path: ast.parse(text) for path, text in texts.items()}


def test_no_file_is_named_after_nothing(texts: dict[str, str]) -> None:
    assert [path for path in texts if Path(path).stem in FORBIDDEN] == []


def test_every_file_says_what_it_is(trees: dict[str, ast.Module]) -> None:
    assert [path for path, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_files_stay_small(texts: dict[str, str]) -> None:
    lengths = {path: len(text.splitlines()) for path, text in texts.items()}
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_functions_stay_small(trees: dict[str, ast.Module]) -> None:
    lengths = {
        f"{path}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    }
    long = {name: each for name, each in lengths.items() if each > MOST_LINES_OF_A_FUNCTION}
    assert long == {}


def test_every_public_name_can_be_loaded() -> None:
    for name in gnomon.__all__:
        assert getattr(gnomon, name) is not None


def _members(module: object, kind: type | tuple[type, ...]) -> set[type]:
    """The concrete classes of a kind among a package's public names."""
    names: list[str] = vars(module)["__all__"]
    classes = {getattr(module, name) for name in names}
    return {item for item in classes if inspect.isclass(item) and issubclass(item, kind)}


def test_the_catalogue_misses_no_activation() -> None:
    import gnomon.activations  # noqa: PLC0415 - the package itself, not a name in it

    public = _members(gnomon.activations, nn.Module) - {Activation}
    assert public == set(catalog.ACTIVATIONS.values())


def test_the_catalogue_misses_no_training_method() -> None:
    import gnomon.training  # noqa: PLC0415 - the package itself, not a name in it

    public = {
        item
        for item in _members(gnomon.training, object)
        if not getattr(item, "_is_protocol", False) and hasattr(item, "loss")
    }
    assert public == set(catalog.METHODS.values())


@pytest.mark.parametrize(
    ("table", "package", "call"),
    [
        (catalog.DATA, "data", ["self", "seed", "store"]),
        (catalog.ARCHITECTURES, "networks", ["self", "signature", "generator"]),
        (catalog.AUGMENTATIONS, "training", ["self", "inputs", "generator"]),
        (catalog.SCHEDULES, "training", ["self", "step", "steps"]),
        (
            catalog.OPTIMIZERS,
            "training",
            ["self", "parameters", "learning_rate", "weight_decay"],
        ),
        (catalog.PROBES, "audit", ["self", "subject", "generator"]),
    ],
)
def test_the_catalogue_misses_nothing_public(
    table: dict[str, type], package: str, call: list[str]
) -> None:
    module = __import__(f"gnomon.{package}", fromlist=["__all__"])
    public = {
        item
        for item in _members(module, object)
        if not getattr(item, "_is_protocol", False)
        and inspect.isfunction(vars(item).get("__call__"))
        and list(inspect.signature(item.__call__).parameters) == call
    }
    assert public == set(table.values())
