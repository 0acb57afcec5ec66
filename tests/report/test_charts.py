"""Charts: what their data say, and that Matplotlib draws what they say."""

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import FillBetweenPolyCollection, LineCollection
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

from gnomon.report.charts import (
    ACCURACY,
    COLOURS,
    LINE,
    Area,
    Axis,
    Bars,
    Chart,
    ColourBar,
    Contours,
    Curve,
    Histogram,
    Image,
    Look,
    Mark,
    Panel,
    Paths,
    Points,
    Rule,
    Scale,
    Text,
    in_rows,
    intervals,
    look,
    looks_of,
    one,
    rows_named,
)
from gnomon.report.charts.draw_matplotlib import draw_matplotlib
from gnomon.report.picture import Picture
from reference.figures import cut_off

GRID = np.linspace(-1, 1, 5)
BOWL = np.add.outer(GRID**2, GRID**2)


def drawn(mark: Mark, x: Axis = Axis(), y: Axis = Axis()) -> Any:  # noqa: ANN401, B008 - Matplotlib's types are wide
    (axes,) = draw_matplotlib(one(Panel([mark], x, y), 3)).axes
    return axes


def legend_of(figure: Figure) -> list[str]:
    return [words.get_text() for legend in figure.legends for words in legend.get_texts()]


def test_a_curve_is_drawn_with_its_gaps_and_its_band() -> None:
    axes = drawn(Curve([1, 2, 3], [5, None, 7], look(1), band=([4, 5, 6], [6, 7, 8])))
    (line,) = axes.lines
    np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(line.get_ydata(), [5, np.nan, 7])
    assert (line.get_color(), line.get_marker()) == (COLOURS[1], "s")
    (band,) = axes.collections
    assert isinstance(band, FillBetweenPolyCollection)
    heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
    assert (heights.min(), heights.max()) == (4, 8)


def test_a_curve_stands_at_names_in_the_order_of_first_mention() -> None:
    marks = [Curve(["in", "out"], [1, 2]), Curve(["in", "mid", "out"], [1, 2, 3])]
    (axes,) = draw_matplotlib(one(Panel(marks), 3)).axes
    assert [words.get_text() for words in axes.get_xticklabels()] == ["in", "out", "mid"]
    np.testing.assert_array_equal(axes.lines[1].get_xdata(orig=False), [0, 2, 1])


def test_points_have_no_line_and_paths_no_marker() -> None:
    (points,) = drawn(Points([1, 2], [3, 4], look(0))).lines
    assert points.get_linestyle() == "None"
    np.testing.assert_array_equal(points.get_xydata(), [[1, 3], [2, 4]])
    (paths,) = drawn(Paths([[(0, 0), (1, 1)], [(2, 0), (3, 1)]])).collections
    assert isinstance(paths, LineCollection)
    np.testing.assert_array_equal(paths.get_segments()[1], [[2, 0], [3, 1]])


def test_intervals_are_points_on_lines() -> None:
    line, points = intervals([50, 60], [(40, 70), None], [0, 1], look(2), "relu")
    assert isinstance(line, Paths)
    assert line.lines == [[(40, 0), (70, 0)]]
    assert isinstance(points, Points)
    assert (points.x, points.y, points.label) == ([50, 60], [0, 1], "relu")


def test_bars_reach_from_low_to_high() -> None:
    bars = drawn(Bars([0, 1], [10, 0], [30, 5])).patches
    assert [(bar.get_x(), bar.get_width()) for bar in bars] == [(10, 20), (0, 5)]


def test_a_histogram_has_its_counts_and_the_colours_of_its_middles() -> None:
    axes = drawn(Histogram([-1, 0, 1], [3, 4], scale=Scale("RdBu", -1, 1)))
    *bars, outline = axes.patches
    assert [bar.get_height() for bar in bars] == [3, 4]
    red, blue = (np.array(bar.get_facecolor()) for bar in bars)
    assert (red[0] > red[2], blue[0] < blue[2]) == (True, True)
    np.testing.assert_array_equal(outline.get_data().values, [3, 4])


def test_an_image_shows_its_cells_with_the_first_row_at_the_top() -> None:
    axes = drawn(Image(np.array([[0.0, 1.0], [2.0, 3.0]]), Scale("viridis", 0, 3)))
    (image,) = axes.images
    np.testing.assert_array_equal(image.get_array(), [[0, 1], [2, 3]])
    assert (image.norm.vmin, image.norm.vmax) == (0, 3)
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_an_area_ends_where_its_function_is_zero() -> None:
    (area,) = drawn(Area(GRID, GRID, np.tile(GRID, (5, 1)), COLOURS[0])).collections
    assert area.get_paths()[0].vertices[:, 0].min() == pytest.approx(0, abs=1e-12)


def test_contours_share_their_colour_bar() -> None:
    panel = Panel([Contours(GRID, GRID, BOWL, [0, 1, 2])], equal=True)
    figure = draw_matplotlib(
        Chart([[panel, panel]], 3, bar=ColourBar("loss", [(0, "none"), (2, "two")]))
    )
    *panels, bar = figure.axes
    assert all(isinstance(axes.collections[0], ContourSet) for axes in panels)
    assert [words.get_text() for words in bar.get_xticklabels()] == ["none", "two"]
    assert bar.get_xlabel() == "loss"


def test_rules_and_words_stand_where_they_are_put() -> None:
    (rule,) = drawn(Rule(2)).lines
    np.testing.assert_array_equal(rule.get_xdata(), [2, 2])
    (level,) = drawn(Rule(2, "y")).lines
    np.testing.assert_array_equal(level.get_ydata(), [2, 2])
    axes = drawn(Text(0.5, 7, "here", "x"), y=Axis(low=0, high=10))
    (words,) = axes.texts
    at = axes.transAxes.inverted().transform(words.get_transform().transform((0.5, 7)))
    assert at == pytest.approx((0.5, 0.7))


def test_later_marks_lie_on_earlier_ones() -> None:
    marks: list[Mark] = [Points([0], [0], look(0)), Bars([0], [0], [1]), Rule(0)]
    (axes,) = draw_matplotlib(one(Panel(marks), 3)).axes
    artists = [axes.lines[0], axes.patches[0], axes.lines[1]]
    assert all(a.get_zorder() < b.get_zorder() for a, b in pairwise(artists))


def test_a_legend_names_each_label_once_if_there_are_several() -> None:
    marks = [
        Curve([0], [0], look(0), "relu"),
        Points([0], [0], look(1), "relu"),
        Curve([0], [0]),
    ]
    alone = one(Panel(marks), 3)
    assert (alone.labels, legend_of(draw_matplotlib(alone))) == ([], [])
    two = replace(alone, legend=[("dashed", LINE)])
    assert two.labels == legend_of(draw_matplotlib(two)) == ["relu", "dashed"]


def test_a_panel_that_names_its_marks_keeps_them_from_the_chart() -> None:
    marks = [Curve([0, 1], [0, 1], look(place), f"epoch {place}") for place in range(2)]
    chart = one(Panel(marks, legend=True), 3)
    figure = draw_matplotlib(chart)
    (legend,) = [axes.get_legend() for axes in figure.axes]
    assert (chart.labels, legend_of(figure)) == ([], [])
    assert legend is not None
    assert [words.get_text() for words in legend.get_texts()] == ["epoch 0", "epoch 1"]


def test_legends_show_faint_and_small_marks_plainly() -> None:
    faint = [Points([0], [0], Look(marker="o", size=1, opacity=0.1), name) for name in "ab"]
    (legend,) = draw_matplotlib(one(Panel(faint), 3)).legends
    handle = legend.legend_handles[0]
    assert handle is not None
    assert (handle.get_alpha(), handle.get_markersize()) == (1, 5)  # pyright: ignore[reportAttributeAccessIssue]


def test_shared_axes_are_named_once_and_have_one_scale() -> None:
    panels = [
        Panel([Curve([0, 1], [0, top])], Axis("epoch"), Axis("loss")) for top in (1, 5, 9)
    ]
    figure = draw_matplotlib(Chart(in_rows(panels, 2), 4, share_x=True, share_y="all"))
    assert len(figure.axes) == 3
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    named = [axes.xaxis.label.get_visible() for axes in figure.axes]
    assert named == [False, True, True]  # the second column ends in the first row
    assert [axes.yaxis.label.get_visible() for axes in figure.axes] == [True, False, True]
    rows = draw_matplotlib(Chart(in_rows(panels, 2), 4, share_y="row"))
    assert rows.axes[0].get_ylim() == rows.axes[1].get_ylim() != rows.axes[2].get_ylim()


def test_a_logarithmic_axis_that_can_show_nothing_says_so() -> None:
    nothing = Panel([Curve([0, 1], [0, None])], y=Axis(log=True), empty="no gradient")
    (axes,) = draw_matplotlib(one(nothing, 3)).axes
    assert ([text.get_text() for text in axes.texts], len(axes.lines)) == (["no gradient"], 0)
    something = replace(nothing, marks=[Curve([0, 1], [0, 3])])
    (axes,) = draw_matplotlib(one(something, 3)).axes
    assert ([text.get_text() for text in axes.texts], axes.get_yscale()) == ([], "log")
    linear = replace(nothing, y=Axis(linear_below=1e-6))
    (axes,) = draw_matplotlib(one(linear, 3)).axes
    assert (len(axes.lines), axes.get_yscale()) == (1, "symlog")


def test_axes_have_their_ends_ticks_and_names() -> None:
    axes = drawn(
        Points([1], [0]), x=replace(ACCURACY, ticks=4), y=rows_named(Axis(), ["a", "b"])
    )
    assert (axes.get_xlim(), axes.get_xlabel()) == ((-2, 102), "accuracy in %")
    assert [words.get_text() for words in axes.get_yticklabels()] == ["a", "b"]
    low, high = axes.get_ylim()
    assert (low, high) == (1.6, -0.6)  # the first row is at the top


def test_the_eight_looks_differ_and_repeat() -> None:
    looks = looks_of(f"network {place}" for place in range(9))
    values = list(looks.values())
    assert len({(each.colour, each.marker) for each in values[:8]}) == 8
    assert values[8] == values[0]


@pytest.mark.parametrize("width", [2.88, 4.8])
def test_square_panels_leave_room_for_their_titles(width: float, tmp_path: Path) -> None:
    panel = Panel(
        [Contours(GRID, GRID, BOWL, [0, 1, 2])], Axis("s₁"), Axis("s₂"), "title", equal=True
    )
    columns = [panel] if width < 4 else [panel, panel]
    bar = ColourBar("loss in nats", [(0, "none"), (2, "two")])
    chart = Chart([columns], 3.0, width, share_y="all", bar=bar)
    picture = Picture("plane", "topic", "Plane", chart, "A plane.", "A plane.", "flatness")
    picture.save(tmp_path)
    assert cut_off(picture.figure) < 0.01


def test_charts_know_no_drawing_library() -> None:
    code = (
        "import sys, gnomon.report.charts\n"
        "print([name for name in ('matplotlib', 'bokeh', 'torch') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
