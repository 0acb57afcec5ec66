"""The axes of a study, against counting by hand."""

import math
from typing import Any, Literal

import pytest

from gnomon.errors import SettingError
from gnomon.study.axes import (
    DrawnAxis,
    GridAxis,
    ListedAxis,
    Range,
    ZippedAxis,
    count_crossed,
    crossed,
    read_axis,
)


def test_axes_are_crossed_and_the_last_changes_fastest() -> None:
    axes = (ListedAxis("a", (1, 2)), ZippedAxis(("b", "c"), ((3, "x"), (4, "y"))))
    assert crossed(axes) == (
        {"a": 1, "b": 3, "c": "x"},
        {"a": 1, "b": 4, "c": "y"},
        {"a": 2, "b": 3, "c": "x"},
        {"a": 2, "b": 4, "c": "y"},
    )
    assert count_crossed(axes) == 4
    assert crossed(()) == ({},)


def test_grids_hold_both_ends_and_short_numbers() -> None:
    assert [each["x"] for each in GridAxis("x", 0.0, 0.3, 4).settings()] == [0.0, 0.1, 0.2, 0.3]
    rates = [each["x"] for each in GridAxis("x", 1e-4, 1e-1, 4, "log").settings()]
    assert rates == [1e-4, 1e-3, 1e-2, 1e-1]
    # 1, 1.78, 3.16, 5.62, 10 rounded: each whole number once.
    whole = [each["x"] for each in GridAxis("x", 1.0, 10.0, 5, "log", whole=True).settings()]
    assert whole == [1, 2, 3, 6, 10]
    assert all(isinstance(each, int) for each in whole)


@pytest.mark.parametrize("draw", ["random", "sobol"])
def test_points_lie_in_the_box_and_more_of_them_begin_with_the_same(
    draw: Literal["random", "sobol"],
) -> None:
    ranges = {"rate": Range(1e-4, 1e-1, "log"), "width": Range(8.0, 64.0, whole=True)}
    points = DrawnAxis(draw, 20, ranges).settings()
    assert len(points) == 20
    for point in points:
        assert 1e-4 <= point["rate"] <= 1e-1
        assert 8 <= point["width"] <= 64
        assert isinstance(point["width"], int)
    assert DrawnAxis(draw, 33, ranges).settings()[:20] == points
    assert DrawnAxis(draw, 20, ranges, seed=1).settings() != points


def test_sobol_points_are_spread_evenly() -> None:
    """Of 16 points of a net in base 2, one lies in each sixteenth of every axis."""
    points = DrawnAxis("sobol", 16, {"x": Range(0.0, 1.0), "y": Range(0.0, 1.0)}).settings()
    for key in ("x", "y"):
        assert sorted(math.floor(16 * point[key]) for point in points) == list(range(16))


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ({"key": "a", "values": [1]}, ListedAxis),
        ({"keys": ["a", "b"], "values": [[1, 2]]}, ZippedAxis),
        ({"key": "a", "low": 0, "high": 1, "count": 3}, GridAxis),
        ({"draw": "random", "count": 2, "ranges": {"a": {"low": 0, "high": 1}}}, DrawnAxis),
    ],
    ids=["list", "zip", "grid", "draw"],
)
def test_a_table_is_read_as_its_keys_say(table: dict[str, Any], kind: type) -> None:
    assert isinstance(read_axis(table, "axes[0]"), kind)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"vales": [1]}, r"axes\[0\]: expected key and values"),
        ({"key": "a", "vaules": [1]}, r"vaules: there is no such key. Did you mean 'values'"),
        ({"key": "a", "values": []}, "expected one value or more for a, got 0"),
        ({"key": "a", "values": [1, 1]}, "every value of a once, got 1 twice"),
        ({"keys": ["a", "b"], "values": [[1]]}, "expected lists of 2"),
        ({"key": "a", "low": 1, "high": 0, "count": 2}, "low < high, got 1.0 and 0.0"),
        ({"key": "a", "low": 0, "high": 1, "count": 2, "scale": "log"}, "above 0 for scale"),
        ({"key": "a", "low": 0, "high": 1, "count": 1}, "expected 2 or more, got 1"),
        ({"draw": "sobl", "count": 1, "ranges": {}}, "'random' or 'sobol', got 'sobl'"),
        ({"draw": "sobol", "count": 1}, "1 point or more of 1 key or more, got 1 of 0"),
    ],
    ids=range(10),
)
def test_a_wrong_axis_is_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        read_axis(table, "axes[0]")


def test_a_key_on_two_axes_is_refused() -> None:
    with pytest.raises(SettingError, match="expected every key on one axis, got a on 2"):
        crossed((ListedAxis("a", (1,)), ZippedAxis(("a", "b"), ((1, 2),))))
