"""Records to and from plain values, and the errors a wrong file gets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import pytest
from hypothesis import given, strategies as st

from gnomon.errors import DataError, SettingError, UnknownNameError
from gnomon.records import Choice, Names, fingerprint, read_toml, write_toml


@runtime_checkable
class Shape(Protocol):
    def area(self) -> float: ...


@dataclass(frozen=True)
class Square:
    side: float = 1.0

    def __post_init__(self) -> None:
        if self.side < 0:
            raise SettingError(f"side: expected 0 or more, got {self.side}. Correct it.")

    def area(self) -> float:
        return self.side**2


@dataclass(frozen=True)
class Point:
    def area(self) -> float:
        return 0.0


@dataclass(frozen=True)
class Ellipse:
    width: float
    dashed: bool = False
    height: float | None = None
    corners: int = 0

    def area(self) -> float:
        return self.width


class Frame(Protocol):
    def shape(self) -> Shape: ...


@dataclass(frozen=True)
class Border:
    around: Shape
    thick: bool = False


@dataclass(frozen=True)
class Dots:
    count: int


@dataclass(frozen=True)
class Nested:
    depth: int = 1


@dataclass(frozen=True)
class Drawing:
    title: str
    copies: int = 1
    scale: float = 1.0
    colours: tuple[str, ...] = ()
    style: Literal["plain", "rich"] = "plain"
    shape: Shape = Point()
    limit: float | None = None
    nested: Nested = field(default_factory=Nested)
    path: Path = Path("here")
    bold: bool = False
    parts: tuple[Nested, ...] = ()
    marks: Mapping[str, Nested] = field(default_factory=dict)


NAMES = Names(
    {
        Shape: Choice({"square": Square, "point": Point, "ellipse": Ellipse}),
        Frame: Choice({"border": Border, "dots": Dots}, implied="border"),
    }
)


def _read(**changes: object) -> Drawing:
    return NAMES.read(Drawing, {"title": "a", **changes}, "drawing")


def test_defaults_fill_what_the_file_leaves_out() -> None:
    assert _read() == Drawing("a")


def test_every_kind_of_value_is_read() -> None:
    read = _read(
        copies=3, scale=2, colours=["red", "blue"], style="rich", limit=0.5,
        nested={"depth": 4}, path="there", bold=True, shape={"name": "square", "side": 2.0},
    )  # fmt: skip
    assert read == Drawing(
        "a",
        3,
        2.0,
        ("red", "blue"),
        "rich",
        Square(2.0),
        0.5,
        Nested(4),
        Path("there"),
        bold=True,
    )


def test_a_choice_may_be_named_by_a_word_alone() -> None:
    assert _read(shape="square").shape == Square()


@given(
    st.builds(
        Drawing,
        title=st.text(),
        copies=st.integers(-(2**53), 2**53),
        scale=st.floats(allow_nan=False, allow_infinity=False),
        colours=st.lists(st.text()).map(tuple),
        style=st.sampled_from(["plain", "rich"]),
        shape=st.sampled_from([Point(), Square(), Square(0.1), Ellipse(2.0, corners=3)]),
        limit=st.none() | st.floats(0, 1),
        nested=st.builds(Nested, st.integers(0, 9)),
        path=st.just(Path("some/where")),
        bold=st.booleans(),
        parts=st.lists(st.builds(Nested, st.integers(0, 9))).map(tuple),
        marks=st.dictionaries(st.text(), st.builds(Nested, st.integers(0, 9))),
    )
)
def test_writing_and_reading_gives_the_record_back(drawing: Drawing) -> None:
    assert NAMES.read(Drawing, NAMES.write(drawing)) == drawing
    assert NAMES.read(Drawing, NAMES.write_changes(drawing)) == drawing


def test_only_what_differs_from_the_defaults_is_a_change() -> None:
    assert NAMES.write_changes(Drawing("a", copies=1, nested=Nested(1))) == {"title": "a"}
    assert NAMES.write_changes(_read(shape={"name": "square", "side": 2.0}, bold=True)) == {
        "title": "a",
        "shape": {"name": "square", "side": 2.0},
        "bold": True,
    }


def test_lists_and_tables_of_records_are_read() -> None:
    read = _read(parts=[{"depth": 4}, {}], marks={"x": {"depth": 2}})
    assert read.parts == (Nested(4), Nested(1))
    assert read.marks == {"x": Nested(2)}
    with pytest.raises(SettingError, match=r"parts\[1\]\.dept: .*Did you mean 'depth'"):
        _read(parts=[{}, {"dept": 1}])
    with pytest.raises(SettingError, match=r"marks\.x\.dept: .*Did you mean 'depth'"):
        _read(marks={"x": {"dept": 1}})
    with pytest.raises(SettingError, match=r"\[\[drawing\.parts\]\]"):
        _read(parts="many")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"copie": 3}, r"drawing\.copie: there is no such key\. Did you mean 'copies'\?"),
        ({"copies": "3"}, r"drawing\.copies: expected an integer, got '3'"),
        ({"copies": True}, r"drawing\.copies: expected an integer, got True"),
        ({"copies": 1.5}, r"drawing\.copies: expected an integer"),
        ({"scale": "big"}, r"drawing\.scale: expected a number, got 'big'"),
        ({"colours": ["red", 5]}, r"drawing\.colours\.1: expected a string"),
        ({"style": "poor"}, r"drawing\.style: expected 'plain' or 'rich', got 'poor'"),
        ({"nested": 5}, r"drawing\.nested: expected a table"),
        ({"nested": {"dept": 5}}, r"drawing\.nested\.dept: .* Did you mean 'depth'\?"),
        ({"shape": {"side": 1.0}}, r"the key 'name' with one of ellipse, point, square"),
        ({"shape": {"name": "square", "side": -1.0}}, r"\[drawing\.shape\] side: expected"),
        ({"shape": {"name": "square", "angle": 1}}, r"drawing\.shape\.angle: there is no such"),
        ({"title": 7}, r"drawing\.title: expected a string, got 7"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        _read(**changes)


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'square'"):
        _read(shape="sqare")


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("square", Square()),
        ("square:2", Square(2.0)),
        ("square:3/8", Square(0.375)),
        ("ellipse:1e-3", Ellipse(0.001)),
        ("ellipse:1:2", Ellipse(1.0, height=2.0)),
        ("ellipse:1:2:3", Ellipse(1.0, height=2.0, corners=3)),
    ],
)
def test_numbers_behind_a_name_are_its_settings_in_order(text: str, shape: Shape) -> None:
    assert _read(shape=text).shape == shape
    assert NAMES.read(Shape, NAMES.table(Shape, text)) == shape


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("square:", r"drawing\.shape: expected square\[:SIDE\], a number .* got ''"),
        ("square:a", r"drawing\.shape: expected square\[:SIDE\], a number .* got 'a'"),
        ("square:1/", r"expected square\[:SIDE\], .* such as 2/255, got '1/'"),
        ("square:1/0", "expected square.* got '1/0'"),
        ("square:1:2", "expected square.* got '1:2'"),
        ("square:-1", r"\[drawing\.shape\] side: expected 0 or more, got -1"),
        ("ellipse", r"expected ellipse:WIDTH\[:HEIGHT\[:CORNERS\]\], each .* got no number"),
        ("ellipse:1:2:3:4", r"expected ellipse:WIDTH\[:HEIGHT\[:CORNERS\]\], each a number"),
        ("ellipse:1:2:0.5", r"drawing\.shape\.corners: expected an integer, got 0\.5"),
        ("point:1", "expected point without numbers, got '1'"),
        ("sqare:1", "Did you mean 'square'"),
    ],
)
def test_numbers_that_do_not_fit_a_name_are_refused(text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        _read(shape=text)


def test_a_table_has_no_numbers_in_its_name() -> None:
    with pytest.raises(UnknownNameError, match=r"'square:1'\. Did you mean 'square'"):
        _read(shape={"name": "square:1"})


@pytest.mark.parametrize(
    ("plain", "frame"),
    [
        ("dots:3", Dots(3)),
        ("square:2", Border(Square(2.0))),
        ("point", Border(Point())),
        ({"name": "square", "side": 2, "thick": True}, Border(Square(2.0), thick=True)),
        ({"name": "border", "around": "square:2"}, Border(Square(2.0))),
    ],
    ids=str,
)
def test_a_name_of_its_first_setting_stands_for_the_implied_member(
    plain: object, frame: object
) -> None:
    assert NAMES.read(Frame, plain) == frame
    assert NAMES.read(Frame, NAMES.write(frame)) == frame


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ("squar:2", r"'squar:2'.* Did you mean 'square'\? Known: border, dots, ellipse, point"),
        ("ellipse", "expected ellipse:WIDTH"),
        ("square:-2", r"\[frame\] side: expected 0 or more"),
        ("border", r"frame\.around: expected a value, got none"),
        ("border:2", "expected border without numbers, got '2'"),
        ({"name": "square", "thck": True}, r"frame\.thck: .*'thick'\? Known: side, thick"),
        ({"name": "square", "around": "point"}, r"frame\.around: there is no such key"),
        ({"name": "square", "side": "2"}, r"frame\.side: expected a number, got '2'"),
        ({}, "one of border, dots, ellipse, point, square; got nothing"),
    ],
    ids=str,
)
def test_what_does_not_fit_the_implied_member_is_refused(plain: object, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        NAMES.read(Frame, plain, "frame")


def test_a_text_is_written_as_a_table() -> None:
    assert NAMES.write(_read(shape="ellipse:1:2").shape) == {
        "name": "ellipse", "width": 1.0, "dashed": False, "height": 2.0, "corners": 0,
    }  # fmt: skip
    assert NAMES.table(Shape, "circle:2") == {"name": "circle:2"}
    assert NAMES.table(None, "word") == {"name": "word"}


def test_the_type_of_a_setting_is_found_in_tables() -> None:
    assert NAMES.kind_at(Drawing, {}, "nested") is Nested
    assert NAMES.kind_at(Shape, {"name": "square"}, "side") is float
    assert NAMES.kind_at(Shape, {"name": "circle"}, "side") is None
    assert NAMES.kind_at(int, {}, "side") is None
    assert NAMES.kind_at(None, {}, "side") is None


def test_a_missing_value_is_named() -> None:
    with pytest.raises(SettingError, match=r"drawing\.title: expected a value, got none"):
        NAMES.read(Drawing, {}, "drawing")


def test_the_fingerprint_sees_values_and_not_their_order() -> None:
    plain = {"a": 1, "b": [1.0, "x"]}
    assert fingerprint(plain) == fingerprint({"b": [1.0, "x"], "a": 1})
    assert fingerprint(plain) != fingerprint({"a": 1, "b": [1.0, "y"]})
    assert len(fingerprint(plain)) == 16


@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii", categories=["L"]), min_size=1),
        st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False)
        | st.text()
        | st.booleans(),
    )
)
def test_toml_keeps_what_it_is_given(plain: dict[str, Any]) -> None:
    import tempfile  # noqa: PLC0415 - hypothesis and the tmp_path fixture do not go together

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plain.toml"
        write_toml(path, plain)
        assert read_toml(path) == plain


def test_a_file_that_is_no_toml_says_where_it_breaks(tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("a = 1\nb = = 2\n")
    with pytest.raises(DataError, match="line 2"):
        read_toml(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_missing_or_unreadable_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "settings.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"settings\.toml"):
        read_toml(path)
