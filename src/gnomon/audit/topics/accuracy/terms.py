"""The terms of accuracy."""

from gnomon.report.definition import Definition

ACCURACY_TERMS = (
    Definition(
        "clean-accuracy",
        "Clean accuracy",
        "The share of examples (x, y) with argmax z(x) = y: the largest logit is the label's.",
    ),
    Definition(
        "confusion-matrix",
        "Confusion matrix",
        "Row: the true class. Column: the class that the network gives. The darker a cell, "
        "the larger its share of the row (by square root, so that rare errors show).",
    ),
)
