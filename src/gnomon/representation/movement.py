"""Measures how far points move, and how that depends on their distance from the centre."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from gnomon.representation.points import Points
from gnomon.shapes import Inputs, PerExample

_Z95 = 1.959963984540054


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's ρ of two quantities.

    Attributes:
        value: ρ, in [−1, 1].
        error: the 95 % interval, by Fisher's transformation with variance 1.06/(n − 3).
        examples: the number n of pairs.
    """

    value: float
    error: tuple[float, float]
    examples: int


def distance_from_centre(inputs: Inputs) -> PerExample:
    """The Euclidean distance of each input from the mean of all of them.

    >>> gn.representation.distance_from_centre(torch.tensor([[0.0, 0.0], [6.0, 8.0]])).tolist()
    [5.0, 5.0]
    """
    flat = inputs.flatten(1).double()
    return (flat - flat.mean(dim=0)).norm(dim=1)


def distance_moved(
    before: Points, after: Float[Tensor, " examples other"]
) -> PerExample | None:
    """The Euclidean distance between each point's two positions; row i is the same example.

    The result is None if the positions lie in spaces of different dimension.

    >>> gn.representation.distance_moved(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])).tolist()
    [5.0]
    """
    if before.shape != after.shape:
        return None
    return (after.double() - before.double()).norm(dim=1)


def rank_correlation(first: PerExample, second: PerExample) -> RankCorrelation | None:
    """Spearman's rank correlation of two quantities; ties share their mean rank.

    None with fewer than four examples, where one quantity is constant, or not finite.

    References:
        fieller1957 (the variance).
    """
    from scipy.stats import rankdata  # noqa: PLC0415 - slow to import

    x, y = first.double().cpu().numpy(), second.double().cpu().numpy()
    if len(x) < 4 or not np.isfinite([x, y]).all() or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    rho = float(np.corrcoef(rankdata(x), rankdata(y))[0, 1].clip(-1, 1))
    if abs(rho) == 1:
        return RankCorrelation(rho, (rho, rho), len(x))
    half = _Z95 * math.sqrt(1.06 / (len(x) - 3))
    low, high = (math.tanh(math.atanh(rho) + shift) for shift in (-half, half))
    return RankCorrelation(rho, (low, high), len(x))
