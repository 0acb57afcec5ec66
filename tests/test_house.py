"""The house rules no other tool keeps: lengths, names, first lines, tables of names."""

import ast
from importlib import import_module
from inspect import isabstract, isclass, isfunction, signature
from pathlib import Path

import pytest
from torch import nn

import gnomon
from gnomon.activations import ACTIVATIONS, Activation
from gnomon.audit.selection import PROBES_BY_NAME
from gnomon.data import SOURCES
from gnomon.networks import ARCHITECTURES
from gnomon.training import AUGMENTATIONS, METHODS, OPTIMIZERS, SCHEDULES

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


def _public(package: str) -> set[type]:
    """The concrete classes that a package shows; protocols and abstract classes are none."""
    classes = {
        each for each in vars(import_module(f"gnomon.{package}")).values() if isclass(each)
    }
    return {
        each
        for each in classes
        if not getattr(each, "_is_protocol", False) and not isabstract(each)
    }


def test_no_activation_is_without_a_name() -> None:
    public = {each for each in _public("activations") if issubclass(each, nn.Module)}
    assert public - {Activation} == set(ACTIVATIONS.values())


def test_no_training_method_is_without_a_name() -> None:
    public = {each for each in _public("training") if hasattr(each, "loss")}
    assert public == set(METHODS.values())


@pytest.mark.parametrize(
    ("table", "package", "call"),
    [
        (SOURCES, "data", ["seed", "store"]),
        (ARCHITECTURES, "networks", ["signature", "generator"]),
        (AUGMENTATIONS, "training", ["inputs", "generator"]),
        (SCHEDULES, "training", ["step", "steps"]),
        (OPTIMIZERS, "training", ["parameters", "learning_rate", "weight_decay"]),
        (PROBES_BY_NAME, "audit", ["subject", "generator"]),
    ],
)
def test_nothing_public_is_without_a_name(
    table: dict[str, type], package: str, call: list[str]
) -> None:
    public = {
        each
        for each in _public(package)
        if isfunction(vars(each).get("__call__"))
        and list(signature(each.__call__).parameters) == ["self", *call]
    }
    assert public == set(table.values())
