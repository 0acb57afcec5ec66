"""Charts as data: panels of marks, which Matplotlib draws for pages and files.

>>> chart = one(Panel([Curve([0, 1], [97, 60], look(0), "relu")], y=ACCURACY), height=3)
>>> chart.panels[0].marks[0].y
[97, 60]
"""

from gnomon.report.charts.chart import (
    ACCURACY,
    WIDTH,
    Axis,
    Chart,
    ColourBar,
    Panel,
    in_rows,
    label_of,
    one,
    rows_named,
)
from gnomon.report.charts.look import (
    COLOURS,
    FAINT,
    INK,
    LINE,
    MARKERS,
    Line,
    Look,
    look,
    looks_of,
)
from gnomon.report.charts.marks import (
    Area,
    Bars,
    Contours,
    Curve,
    Histogram,
    Image,
    Mark,
    Paths,
    Points,
    Rule,
    Scale,
    Text,
    intervals,
    numbers,
    percents,
)

__all__ = [
    "ACCURACY",
    "COLOURS",
    "FAINT",
    "INK",
    "LINE",
    "MARKERS",
    "WIDTH",
    "Area",
    "Axis",
    "Bars",
    "Chart",
    "ColourBar",
    "Contours",
    "Curve",
    "Histogram",
    "Image",
    "Line",
    "Look",
    "Mark",
    "Panel",
    "Paths",
    "Points",
    "Rule",
    "Scale",
    "Text",
    "in_rows",
    "intervals",
    "label_of",
    "look",
    "looks_of",
    "numbers",
    "one",
    "percents",
    "rows_named",
]
