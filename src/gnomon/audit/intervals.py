"""Intervals around an observed share."""


def clopper_pearson(
    successes: int | float, trials: int, confidence: float = 0.95
) -> tuple[float, float]:
    """The exact interval for a probability of which `successes` in `trials` were seen.

    It holds the probabilities p for which a count as large, and one as small, as the one seen
    has a chance of at least (1 − confidence)/2 each. Its coverage is at least `confidence` for
    every p.

    An average over several draws per example makes `successes` a fraction. The share then
    varies less than that of as many independent trials, and the interval is wider than it need
    be.

    Edges: the lower end is 0 at no success, the upper end is 1 at no failure, and without any
    trial nothing is known: (0, 1).

    >>> [round(end, 4) for end in clopper_pearson(0, 10)]
    [0.0, 0.3085]

    References:
        clopper1934.
    """
    tail = (1 - confidence) / 2
    failures = trials - successes
    from scipy.special import betaincinv  # noqa: PLC0415 - slow to import

    lower = float(betaincinv(successes, failures + 1, tail)) if successes else 0.0
    upper = float(betaincinv(successes + 1, failures, 1 - tail)) if failures else 1.0
    return lower, upper
