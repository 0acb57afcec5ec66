"""Statistics of a study: estimates, tests over seeds, and verdicts on its hypotheses."""

from gnomon.study.results import Results
from gnomon.study.statistics.blocks import Blocks, blocks
from gnomon.study.statistics.effects import cohens_dz, rank_biserial
from gnomon.study.statistics.estimates import (
    Estimate,
    bootstrap_interval,
    student_interval,
    student_mean,
)
from gnomon.study.statistics.hypotheses import (
    HYPOTHESES,
    KINDS,
    Above,
    Below,
    Differs,
    Falls,
    Greater,
    Hypothesis,
    Less,
    Rises,
)
from gnomon.study.statistics.judge import holm, judge
from gnomon.study.statistics.paired import (
    Significance,
    least_seeds,
    negligible_test,
    sign_flip_test,
    signed_rank_test,
)
from gnomon.study.statistics.trends import (
    least_seeds_for_trend,
    page_test,
    spearman_of_seeds,
)
from gnomon.study.statistics.verdict import Answer, Evidence, Verdict

__all__ = [
    "HYPOTHESES",
    "KINDS",
    "Above",
    "Answer",
    "Below",
    "Blocks",
    "Differs",
    "Estimate",
    "Evidence",
    "Falls",
    "Greater",
    "Hypothesis",
    "Less",
    "Results",
    "Rises",
    "Significance",
    "Verdict",
    "blocks",
    "bootstrap_interval",
    "cohens_dz",
    "holm",
    "judge",
    "least_seeds",
    "least_seeds_for_trend",
    "negligible_test",
    "page_test",
    "rank_biserial",
    "sign_flip_test",
    "signed_rank_test",
    "spearman_of_seeds",
    "student_interval",
    "student_mean",
]
