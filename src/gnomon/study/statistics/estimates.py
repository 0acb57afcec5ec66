"""Means and other statistics with their intervals: Student's, and the bootstrap."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Values = NDArray[np.float64]
"""Numbers, one for each seed."""
Statistic = Callable[..., Any]
"""A function of (values, axis) that reduces that axis, such as `numpy.mean`."""


@dataclass(frozen=True)
class Estimate:
    """A figure computed from several seeds.

    Attributes:
        name: a name such as "mean difference".
        value: the figure.
        low: the lower end of its interval; None without an interval.
        high: the upper end.
        method: the method by which the interval was computed.
        confidence: level of confidence of the interval.
        unit: of all three numbers; "share" for a difference of shares, too.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    method: str
    confidence: float = 0.95
    unit: str = ""


def student_interval(values: Values, confidence: float = 0.95) -> tuple[float, float] | None:
    """Student's interval for the mean: x̄ ± t_{n−1, (1+c)/2} · s / √n.

    Its coverage is `confidence` where the values are normal. It is None with fewer than two
    values; where all are equal it is that point, and says nothing about how they would vary.

    >>> student_interval(np.array([1.0, 2.0, 3.0]))  # doctest: +ELLIPSIS
    (-0.484..., 4.484...)

    References:
        student1908.
    """
    count = len(values)
    if count < 2:
        return None
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / math.sqrt(count)
    half = float(stats.t.ppf((1 + confidence) / 2, count - 1)) * error
    return mean - half, mean + half


def student_mean(
    name: str, values: Values, confidence: float = 0.95, unit: str = ""
) -> Estimate:
    """The mean with Student's interval."""
    low, high = student_interval(values, confidence) or (None, None)
    return Estimate(name, float(values.mean()), low, high, "Student's t", confidence, unit)


def bootstrap_interval(
    values: Values,
    statistic: Statistic,
    generator: np.random.Generator,
    confidence: float = 0.95,
    resamples: int = 9999,
) -> tuple[float, float] | None:
    """The bias-corrected and accelerated bootstrap interval (BCa) for a statistic.

    With few values it is too narrow, as it resamples what was seen and nothing else: around the
    mean of Spearman's ρ its coverage is about 0.65 with 3 seeds and 0.85 with 5, where
    Student's is 0.78 to 0.93 and 0.91 to 0.96. So it decides nothing here.

    None with fewer than two values. Where every resample gives the same statistic it is that
    point. Where the statistic is beyond all resamples, or all values of the jackknife agree,
    the corrections do not exist and the interval is that of the percentiles.

    Args:
        values: one for each seed; the first axis is resampled.
        statistic: a function of (values, axis) that reduces that axis.
        generator: of the resamples.
        confidence: of the interval.
        resamples: how many.

    References:
        efron1987.
    """
    if len(values) < 2:
        return None
    with warnings.catch_warnings():  # the degenerate cases, which are handled below
        warnings.simplefilter("ignore")
        resampled = stats.bootstrap(
            (values,),
            statistic,
            n_resamples=resamples,
            confidence_level=confidence,
            vectorized=True,
            method="BCa",
            rng=generator,
        )
    low, high = map(float, resampled.confidence_interval)
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    tails = ((1 - confidence) / 2, (1 + confidence) / 2)
    low, high = map(float, np.quantile(resampled.bootstrap_distribution, tails))
    return low, high


def bootstrap_estimate(
    name: str,
    values: Values,
    statistic: Statistic,
    generator: np.random.Generator,
    confidence: float = 0.95,
) -> Estimate:
    """The statistic with its BCa interval."""
    low, high = bootstrap_interval(values, statistic, generator, confidence) or (None, None)
    value = float(statistic(values, axis=-1))
    return Estimate(name, value, low, high, "bootstrap over seeds (BCa)", confidence)
