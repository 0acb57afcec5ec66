"""The glossary of a study's report: how a verdict is reached, and from what."""

from gnomon.report.definition import Definition
from gnomon.report.results_page import INTERVAL

TERMS = (
    Definition(
        "verdict",
        "Supported, refuted, undecided",
        "Supported: were there no effect, data like these, or further in the direction of the "
        "claim, would be seen with a chance of at most the level, after the correction for all "
        "claims of the study; the effect is at least the least that matters, where one was "
        "stated; and for a trend, the interval over seeds lies on the side of the claim. "
        "Refuted: the opposite is shown in the same way and the interval lies on its side, or "
        "an effect as large as the least that matters is excluded. Undecided: neither. That "
        "nothing was shown does not refute a claim.",
        ("schuirmann1987",),
    ),
    INTERVAL,
    Definition(
        "trend",
        "Trend along an axis",
        "Spearman's ρ of a seed is the correlation between the axis and the ranks of its "
        "values: 1 where they only rise, −1 where they only fall; its mean over seeds is "
        "shown. Page's test sums axis place × rank over all seeds, and compares the sum with "
        "those of all orders in which each seed's values might have come.",
        ("spearman1904", "page1963"),
    ),
    Definition(
        "comparison",
        "Paired comparison",
        "Both values of an axis are trained with the same seeds, and the differences are "
        "tested: if the two were exchangeable, each difference might as well have had the "
        "other sign. p is the share of all 2ⁿ choices of signs that give a mean difference at "
        "least as large. With n seeds it cannot be below 2⁻ⁿ. Wilcoxon's signed-rank test, "
        "which looks at ranks only, is reported beside it and decides nothing.",
        ("fisher1935", "wilcoxon1945"),
    ),
    Definition(
        "correction",
        "Corrected p",
        "Holm's correction over all verdicts of the study: the smallest p is multiplied by "
        "their number m, the next by m − 1, and so on, and none is below the one before. The "
        "chance of any wrong claim is then at most the level.",
        ("holm1979",),
    ),
    Definition(
        "effect-size",
        "Effect sizes",
        "Cohen's d_z is the mean difference divided by the standard deviation of the "
        "differences, with its interval from the noncentral t distribution. The rank-biserial "
        "correlation is the share of the sum of ranks with a positive difference less the "
        "share with a negative one. Bootstrap intervals (BCa) resample the seeds; with few "
        "seeds they are too narrow.",
        ("cohen1988", "cumming2001", "kerby2014", "efron1987"),
    ),
)
