"""Where a function of one variable bends upwards, bends downwards, or is straight."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gnomon.activations import (
    ELU,
    GELU,
    SELU,
    Activation,
    LeakyReLU,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)


@dataclass(frozen=True)
class Curvature:
    """A continuous function's knots, and its bend on each piece between them.

    Attributes:
        knots: rising; inflections, and points where the slope jumps.
        bends: one for each piece: "+" convex, "-" concave, "0" straight.
        slack: the most that the function departs from another one of which this is true.
    """

    knots: tuple[float, ...]
    bends: str
    slack: float = 0.0

    @property
    def pieces(self) -> tuple[tuple[float, float, str], ...]:
        """From, to and bend of each piece."""
        ends = (-math.inf, *self.knots, math.inf)
        return tuple(zip(ends[:-1], ends[1:], self.bends, strict=True))

    @property
    def negative(self) -> "Curvature":
        """Of the function with the other sign."""
        return Curvature(self.knots, self.bends.translate(_FLIPPED), self.slack)


def curvature_of(activation: Activation) -> Curvature | None:
    """Of an activation function; None where it is not known."""
    found = _ACTIVATIONS.get(type(activation))
    return found(activation) if callable(found) else found


_FLIPPED = str.maketrans("+-", "-+")

_GATE = math.sqrt(2)  # (x Φ(x))'' = (2 − x²) φ(x)
_SILU = 2.3993572805154675  # x tanh(x / 2) = 2
_MISH = (-2.256376396360793, 1.490571179485428)

_ACTIVATIONS: Mapping[type, Curvature | Callable[[Any], Curvature]] = {
    ReLU: Curvature((0.0,), "00"),
    LeakyReLU: Curvature((0.0,), "00"),
    ELU: Curvature((0.0,), "+0"),
    SELU: Curvature((0.0,), "+0"),
    GELU: Curvature((-_GATE, _GATE), "-+-"),
    SiLU: Curvature((-_SILU, _SILU), "-+-"),
    Mish: Curvature(_MISH, "-+-"),
    Tanh: Curvature((0.0,), "+-"),
    Sigmoid: Curvature((0.0,), "+-"),
    Softplus: Curvature((), "+"),
}


def _clamp(low: Any = None, high: Any = None) -> Curvature | None:
    """Known for bounds that are numbers, the lower below the upper one."""
    given = [end for end in (low, high) if end is not None]
    if not all(isinstance(end, int | float) for end in given) or given != sorted(set(given)):
        return None
    return Curvature(tuple(float(end) for end in given), "0" * (len(given) + 1))


def _softplus(beta: float = 1.0, threshold: float = 20.0) -> Curvature | None:
    """The function is x beyond the threshold, and jumps there by log(1 + exp −threshold).

    With a threshold below torch's own the jump is no small departure from a convex function.
    """
    if not beta > 0 or threshold < 20:
        return None
    return Curvature((), "+", math.log1p(math.exp(-threshold)) / beta)


def _power(exponent: Any) -> Curvature | None:
    if not isinstance(exponent, int | float) or exponent not in {1, 2, 3, 4, 5, 6, 7, 8}:
        return None
    return Curvature((), "+") if exponent % 2 == 0 else Curvature((0.0,), "-+")


def _gelu(approximate: str = "none") -> Curvature:
    place = _GATE if approximate == "none" else 1.4185040087908283
    return Curvature((-place, place), "-+-")


FUNCTIONS: Mapping[str, Callable[..., Curvature | None]] = {
    "abs": lambda: Curvature((0.0,), "00"),
    "celu": lambda alpha=1.0: Curvature((0.0,), "+0") if alpha > 0 else None,
    "clamp": lambda min=None, max=None: _clamp(min, max),  # noqa: A006 - torch's names
    "clamp_max": lambda max: _clamp(None, max),  # noqa: A006
    "clamp_min": lambda min: _clamp(min, None),  # noqa: A006
    "elu": lambda alpha=1.0: Curvature((0.0,), "+0") if alpha > 0 else None,
    "erf": lambda: Curvature((0.0,), "+-"),
    "exp": lambda: Curvature((), "+"),
    "gelu": _gelu,
    "hardsigmoid": lambda: Curvature((-3.0, 3.0), "000"),
    "hardswish": lambda: Curvature((-3.0, 3.0), "0+0"),
    "hardtanh": lambda min_val=-1.0, max_val=1.0: _clamp(min_val, max_val),
    "leaky_relu": lambda negative_slope=0.01: Curvature((0.0,), "00"),  # noqa: ARG005
    "log_sigmoid": lambda: Curvature((), "-"),
    "logsigmoid": lambda: Curvature((), "-"),
    "mish": lambda: Curvature(_MISH, "-+-"),
    "pow": _power,
    "relu": lambda: Curvature((0.0,), "00"),
    "relu6": lambda: Curvature((0.0, 6.0), "000"),
    "selu": lambda: Curvature((0.0,), "+0"),
    "sigmoid": lambda: Curvature((0.0,), "+-"),
    "silu": lambda: Curvature((-_SILU, _SILU), "-+-"),
    "softplus": _softplus,
    "softsign": lambda: Curvature((0.0,), "+-"),
    "square": lambda: Curvature((), "+"),
    "tanh": lambda: Curvature((0.0,), "+-"),
    "tanhshrink": lambda: Curvature((0.0,), "-+"),
}
"""By the name of a torch function: from its settings; None where it is not known."""
