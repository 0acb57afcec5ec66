"""Statistics of a study: estimates, tests over seeds, and verdicts on its hypotheses."""

from gnomon.study.statistics.hypotheses import (
    HYPOTHESES,
    KINDS,
    Differs,
    Falls,
    Greater,
    Hypothesis,
    Less,
    Rises,
)

__all__ = [
    "HYPOTHESES",
    "KINDS",
    "Differs",
    "Falls",
    "Greater",
    "Hypothesis",
    "Less",
    "Rises",
]
