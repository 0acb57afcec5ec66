"""Measures the accuracy of a linear classifier on a representation."""

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from gnomon.representation.points import Points
from gnomon.shapes import Labels

_MOST_ITERATIONS = 500


@dataclass(frozen=True)
class Separability:
    """The result of a linear probe.

    Attributes:
        examples: number of points it was evaluated on.
        correct: number of them that it classifies as labelled.
        converged: whether its fit came to an end within 500 iterations.
    """

    examples: int
    correct: int
    converged: bool

    @property
    def accuracy(self) -> float:
        """The share of points that are classified as labelled."""
        return self.correct / self.examples


def linear_separability(
    points: Points,
    labels: Labels,
    fitted_on: Float[Tensor, " others width"],
    their_labels: Int[Tensor, " others"],
) -> Separability | None:
    """The accuracy of multinomial logistic regression on a representation.

    The probe is fitted on other points of the same representation, each coordinate divided by
    its standard deviation there, with an L2 penalty of strength C = 1; None where those hold
    one class only, or numbers that are not finite.

    References:
        alain2017.
    """
    known = their_labels.cpu().numpy()
    finite = bool(points.isfinite().all() and fitted_on.isfinite().all())
    if len(np.unique(known)) < 2 or not finite:
        return None
    # scikit-learn takes a second, and loads pandas where that is installed.
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    scaler = StandardScaler().fit(fitted_on.cpu().numpy())
    probe = LogisticRegression(max_iter=_MOST_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # `converged` says it
        probe.fit(scaler.transform(fitted_on.cpu().numpy()), known)
    predicted = probe.predict(scaler.transform(points.cpu().numpy()))
    correct = int(np.count_nonzero(predicted == labels.cpu().numpy()))
    converged = int(np.max(probe.n_iter_)) < _MOST_ITERATIONS
    return Separability(len(labels), correct, converged)
