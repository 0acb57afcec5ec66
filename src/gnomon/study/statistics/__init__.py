"""Statistics of a study: estimates, tests over seeds, and verdicts on its hypotheses."""

from gnomon.study.statistics.blocks import Blocks as Blocks, blocks as blocks
from gnomon.study.statistics.effects import (
    cohens_dz as cohens_dz,
    rank_biserial as rank_biserial,
)
from gnomon.study.statistics.estimates import (
    Estimate as Estimate,
    bootstrap_interval as bootstrap_interval,
    student_interval as student_interval,
    student_mean as student_mean,
)
from gnomon.study.statistics.hypotheses import (
    HYPOTHESES as HYPOTHESES,
    KINDS as KINDS,
    Above as Above,
    Below as Below,
    Differs as Differs,
    Falls as Falls,
    Greater as Greater,
    Hypothesis as Hypothesis,
    Less as Less,
    Rises as Rises,
)
from gnomon.study.statistics.judge import holm as holm, judge as judge
from gnomon.study.statistics.paired import (
    Significance as Significance,
    least_seeds as least_seeds,
    negligible_test as negligible_test,
    sign_flip_test as sign_flip_test,
    signed_rank_test as signed_rank_test,
)
from gnomon.study.statistics.trends import (
    least_seeds_for_trend as least_seeds_for_trend,
    page_test as page_test,
    spearman_of_seeds as spearman_of_seeds,
)
from gnomon.study.statistics.verdict import (
    Answer as Answer,
    Evidence as Evidence,
    Verdict as Verdict,
)
