"""CROWN for fully connected ReLU networks, neuron by neuron with loops: slow and obvious."""

import numpy as np

Layers = list[tuple[np.ndarray, np.ndarray]]
Bounds = list[tuple[np.ndarray, np.ndarray]]


def crown(layers: Layers, low: np.ndarray, high: np.ndarray) -> Bounds:
    """Bounds of every layer's output (before its ReLU), for one box of inputs.

    z_1 = W_1 x + b_1, z_{k+1} = W_{k+1} max(0, z_k) + b_{k+1}. Each neuron of each layer is
    written as a linear function of the inputs that is nowhere above (below) it, and its bounds
    are cut with what intervals make of the layer before.
    """
    found: Bounds = []
    least, most = low, high  # of what the layer receives
    for depth, (weight, bias) in enumerate(layers):
        lower, upper = np.empty(len(bias)), np.empty(len(bias))
        for neuron in range(len(bias)):
            row, constant = weight[neuron], bias[neuron]
            lower[neuron] = _corner(row, constant, least, most)
            upper[neuron] = -_corner(-row, -constant, least, most)
            if depth < len(layers) - 1 and not lower[neuron] < 0 < upper[neuron]:
                continue  # ReLU is straight there: nothing to gain
            below = _least(row, constant, layers[:depth], found, low, high)
            above = -_least(-row, -constant, layers[:depth], found, low, high)
            lower[neuron] = max(lower[neuron], below)
            upper[neuron] = min(upper[neuron], above)
        found.append((lower, upper))
        least, most = np.maximum(lower, 0), np.maximum(upper, 0)
    return found


def _least(
    row: np.ndarray,
    constant: float,
    before: Layers,
    known: Bounds,
    low: np.ndarray,
    high: np.ndarray,
) -> float:
    """A lower bound of row · max(0, z) + constant, z the output of the layers before."""
    for (weight, bias), (lower, upper) in zip(reversed(before), reversed(known), strict=True):
        slopes = np.zeros(len(row))
        for j, coefficient in enumerate(row):
            if upper[j] <= 0:
                continue
            if lower[j] >= 0:
                slopes[j] = coefficient
            elif coefficient > 0:  # a line below ReLU: 0 or the identity
                slopes[j] = coefficient * float(upper[j] > -lower[j])
            else:  # the chord, above it
                chord = upper[j] / (upper[j] - lower[j])
                slopes[j] = coefficient * chord
                constant -= coefficient * chord * lower[j]
        constant += float(slopes @ bias)
        row = slopes @ weight
    return _corner(row, constant, low, high)


def _corner(row: np.ndarray, constant: float, low: np.ndarray, high: np.ndarray) -> float:
    """The least value of row · x + constant over the box."""
    total = float(constant)
    for coefficient, least, most in zip(row, low, high, strict=True):
        total += coefficient * (least if coefficient > 0 else most)
    return total
