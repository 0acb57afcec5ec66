"""The facts about torch's functions of one coordinate, by their names, for every algebra."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gnomon.activations import (
    ELU,
    GELU,
    SELU,
    Activation,
    Evaluation,
    Mish,
    Profile,
    ReLU,
    Sigmoid,
    SiLU,
    Tanh,
)
from gnomon.activations.rectifiers import leaky

_TANH_GELU = Profile(
    "-+-",
    knots=(-1.4185040087908283, 1.4185040087908283),
    turning_points=(-0.7524614220710163,),
    evaluation=Evaluation("gelu"),
)
"""The facts about the approximation of x Φ(x) by tanh, which turns and bends elsewhere."""

_RISING = Profile(monotone=True)


def _rising(name: str, bends: str, *knots: float, nonnegative: bool = False) -> Profile:
    evaluation = Evaluation(name)
    return replace(
        _RISING, bends=bends, knots=knots, nonnegative=nonnegative, evaluation=evaluation
    )


def _catalogued(make: Callable[..., Activation]) -> Callable[..., Profile | None]:
    """The facts about a torch function that is an activation of the catalogue, too."""
    return lambda *settings, **named: make(*settings, **named).profile()


def _constant(profile: Profile) -> Callable[[], Profile]:
    return lambda: profile


def _celu(alpha: float = 1.0) -> Profile:
    evaluation = Evaluation("celu", 1 / alpha, abs(alpha))
    bends, knots = ("+0", (0.0,)) if alpha > 0 else ("", ())
    return replace(_RISING, bends=bends, knots=knots, evaluation=evaluation)


def _clamp(low: Any = None, high: Any = None, name: str = "clamp") -> Profile:
    """The bends are known for bounds that are numbers, the lower below the upper one."""
    bounds = [end for end in (low, high) if end is not None]
    numbers = all(isinstance(end, int | float) for end in bounds)
    if not numbers or bounds != sorted(set(bounds)):
        return replace(_RISING, evaluation=Evaluation(name))
    return _rising(name, "0" * (len(bounds) + 1), *(float(end) for end in bounds))


def _softplus(beta: float = 1.0, threshold: float = 20.0) -> Profile:
    """The function is x beyond the threshold, and jumps there by log(1 + exp −threshold).

    With a threshold below torch's own the jump is no small departure from a convex function.
    """
    evaluation = Evaluation("softplus", beta, 1 / beta)
    if not beta > 0 or threshold < 20:
        return Profile(evaluation=evaluation)
    return Profile("+", slack=math.log1p(math.exp(-threshold)) / beta, evaluation=evaluation)


def _power(exponent: Any) -> Profile:
    """The facts about a power, of bases ≥ 0 if it is not whole; bends up to the eighth."""
    evaluation = Evaluation("pow", more=2 * exponent)
    even = exponent % 2 == 0
    known = isinstance(exponent, int | float) and exponent in {1, 2, 3, 4, 5, 6, 7, 8}
    bends, knots = (("+", ()) if even else ("-+", (0.0,))) if known else ("", ())
    return Profile(
        bends,
        knots=knots,
        turning_points=(0.0,) if even else (),
        nonnegative=even,
        evaluation=evaluation,
    )


PROFILES: Mapping[str, Callable[..., Profile | None]] = {
    "abs": _constant(
        Profile(
            "00",
            knots=(0.0,),
            turning_points=(0.0,),
            nonnegative=True,
            sides=(-1.0, 1.0),
            evaluation=Evaluation("abs"),
        )
    ),
    "celu": _celu,
    "clamp": lambda min=None, max=None: _clamp(min, max),  # noqa: A006 - torch's names
    "clamp_max": lambda max: _clamp(None, max),  # noqa: A006
    "clamp_min": lambda min: _clamp(min, None),  # noqa: A006
    "elu": _catalogued(ELU),
    "erf": _constant(_rising("erf", "+-", 0.0)),
    "exp": _constant(_rising("exp", "+", nonnegative=True)),
    "gelu": lambda approximate="none": (
        GELU().profile() if approximate == "none" else _TANH_GELU
    ),
    "hardsigmoid": _constant(_rising("hardsigmoid", "000", -3.0, 3.0, nonnegative=True)),
    "hardswish": _constant(
        Profile("0+0", (-3.0, 3.0), (-1.5,), evaluation=Evaluation("hardswish"))
    ),
    "hardtanh": lambda min_val=-1.0, max_val=1.0: _clamp(min_val, max_val, "hardtanh"),
    "leaky_relu": lambda negative_slope=0.01: leaky(negative_slope),
    "log": _constant(_rising("log", "")),
    "log_sigmoid": _constant(_rising("logsigmoid", "-")),
    "logsigmoid": _constant(_rising("logsigmoid", "-")),
    "mish": _catalogued(Mish),
    "pow": _power,
    "relu": _catalogued(ReLU),
    "relu6": _constant(_rising("relu6", "000", 0.0, 6.0, nonnegative=True)),
    "selu": _catalogued(SELU),
    "sigmoid": _catalogued(Sigmoid),
    "silu": _catalogued(SiLU),
    "softplus": _softplus,
    "softsign": _constant(_rising("softsign", "+-", 0.0)),
    "sqrt": _constant(_rising("sqrt", "", nonnegative=True)),
    "square": lambda: _power(2),
    "tanh": _catalogued(Tanh),
    "tanhshrink": _constant(_rising("tanhshrink", "-+", 0.0)),
}
"""Functions that return the facts from the settings, by the name of the torch function."""

CURVED = tuple(name for name in PROFILES if name not in {"log", "sqrt"})
"""The functions that are defined everywhere: they have linear relaxations and slopes."""
