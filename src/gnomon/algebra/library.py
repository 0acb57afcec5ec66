"""Tables of how accurately programs compute functions of one number.

Errors are counted in u, the unit roundoff of the type that is computed in: 2⁻²⁴ in float32,
2⁻⁵³ in float64; half a unit in the last place of a number just below a power of two. What
underflows may be lost besides. The tables are claims about programs as they are built today,
not theorems; each says where it comes from, and tests sweep real executions against it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from gnomon.errors import SettingError, UnsupportedOperationError, nearest


@dataclass(frozen=True)
class Accuracy:
    """A bound of the error: a value misses f(x) by at most u (r |f(x)| + a |x| + b).

    Attributes:
        relative: the part r of the value, in units u.
        argument: the part a of the argument, in units u.
        absolute: b, in units u.
        within: the arguments of which this is claimed, a closed interval.

    Raises:
        SettingError: a part that is negative or NaN, or an interval without a member.
    """

    relative: float | int = 0
    argument: float | int = 0
    absolute: float | int = 0
    within: tuple[float | int, float | int] = (-math.inf, math.inf)

    def __post_init__(self) -> None:
        parts = (self.relative, self.argument, self.absolute)
        if not all(part >= 0 for part in parts) or not self.within[0] <= self.within[1]:
            raise SettingError(
                f"Accuracy: expected parts ≥ 0 and an interval (low, high), got {self}. State "
                "how far a value can be off, in units of u."
            )

    @property
    def exact(self) -> bool:
        """True if no execution misses anything."""
        return self.relative == self.argument == self.absolute == 0

    def joined(self, other: "Accuracy") -> "Accuracy | None":
        """The accuracy that two programs both have; None where never both are claimed."""
        low = max(self.within[0], other.within[0])
        high = min(self.within[1], other.within[1])
        if low > high:
            return None
        return Accuracy(
            max(self.relative, other.relative),
            max(self.argument, other.argument),
            max(self.absolute, other.absolute),
            (low, high),
        )


Accuracies = tuple[Accuracy, ...]
"""Claims about one function: the first that holds an interval of arguments is used there."""


@dataclass(frozen=True)
class Library:
    """A program that computes functions, and how accurately.

    Functions have the names of torch. Some are stated for one size of their setting and hold
    for all: "elu" and "celu" for alpha = 1 (their absolute part is multiplied by alpha),
    "softplus" for beta = 1 (argument and value are multiplied), "pow" without the power (2 u
    of the value are added for each unit of the exponent).

    Attributes:
        name: of the program.
        functions: the accuracies by the name of the function.
        source: where the figures come from, in words.
    """

    name: str
    functions: Mapping[str, Accuracies] = field(repr=False)
    source: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "functions", dict(self.functions))

    def __hash__(self) -> int:
        return hash((self.name, *sorted(self.functions)))

    def __str__(self) -> str:
        return self.name

    def accuracies(self, function: str) -> Accuracies:
        """The claims about a function.

        Raises:
            UnsupportedOperationError: nothing is.
        """
        if function not in self.functions:
            raise UnsupportedOperationError(
                f"Deployed: expected a function whose accuracy in {self.name!r} is stated, got "
                f"{function!r}.{nearest(function, self.functions)} Give the level a library "
                "that has it: library.changed(name, function=Accuracy(…))."
            )
        return self.functions[function]

    def changed(
        self, name: str, source: str = "", **functions: Accuracy | Accuracies
    ) -> "Library":
        """A library of another name, in which these functions have these accuracies."""
        stated = {
            key: (claim,) if isinstance(claim, Accuracy) else claim
            for key, claim in functions.items()
        }
        return Library(name, {**self.functions, **stated}, source)

    def joined(self, other: "Library", name: str) -> "Library":
        """The accuracy that both programs reach, for the functions that both state."""
        both = {
            key: _joined(mine, other.functions[key])
            for key, mine in self.functions.items()
            if key in other.functions
        }
        return Library(name, both, f"{self.source} {other.source}".strip())


def _joined(first: Accuracies, second: Accuracies) -> Accuracies:
    pairs = [one.joined(two) for one in first for two in second]
    return tuple(pair for pair in pairs if pair is not None)


def _once(
    relative: float | int = 0, argument: float | int = 0, absolute: float | int = 0
) -> Accuracies:
    return (Accuracy(relative, argument, absolute),)


_EXACT = _once()
_GATED = _once(relative=4, argument=16)
"""x g(x) or x − g(x) with 0 ≤ g ≤ 1 (or g less than x), g in at most 24 u."""
_LOGARITHM = _once(relative=32, argument=8, absolute=8)
"""An exponential, a logarithm, and the rounding of the argument."""
_HARD = _once(relative=8, argument=4, absolute=4)

TORCH = Library(
    "torch",
    {
        "abs": _EXACT,
        "celu": _once(relative=16, argument=4),
        "clamp": _once(relative=2),
        "elu": _once(relative=16),
        "erf": _once(relative=8),
        "exp": _once(relative=8),
        "gelu": _GATED,
        "hardsigmoid": _HARD,
        "hardswish": _HARD,
        "hardtanh": _once(relative=2),
        "leaky_relu": _once(relative=4),
        "log": _once(relative=8),
        "logsigmoid": _LOGARITHM,
        "mish": _once(relative=32),
        "pow": _once(relative=16),
        "prelu": _once(relative=4),
        "reciprocal": _once(relative=4),
        "relu": _EXACT,
        "relu6": _EXACT,
        "selu": _once(relative=16),
        "sigmoid": _once(relative=16),
        "silu": _once(relative=16),
        "softplus": _LOGARITHM,
        "softsign": _once(relative=8),
        "sqrt": _once(relative=8),
        "tanh": _once(relative=8),
        "tanhshrink": _GATED,
    },
    "PyTorch 2.13, eager, on a CPU: exp, log, tanh, erf, sqrt and powers within 4 ulp (its "
    "vector libraries and CUDA state 1 to 2), and what is made of them. Measured in float32 "
    "over the whole line, contiguous, strided, channels_last and one by one: at most 2.7 u of "
    "the value for most, 5.6 u of the argument for GELU, which oneDNN computes on AVX-512.",
)
"""PyTorch, eager. Bounds are computed with it, and the network may be."""

COMPILED = TORCH.changed(
    "torch.compile",
    "PyTorch 2.13, torch.compile with its C++ back end: erf misses 9 u and expm1 (so ELU, "
    "CELU, SELU) 2 u absolutely, so that no digit is right near 0; a tensor of one number "
    "takes other code. All else was measured to be as in eager mode.",
    celu=Accuracy(relative=16, argument=4, absolute=8),
    elu=Accuracy(relative=16, absolute=8),
    erf=Accuracy(relative=8, absolute=24),
    selu=Accuracy(relative=16, absolute=16),
)
"""PyTorch, compiled."""


def _log_of_sigmoid(u: float = 2.0**-24, missed: float = 8.0) -> Accuracies:
    """The logarithm log σ(x) of a σ(x) that is off by `missed` u, from some x on.

    With e = missed u: |log(σ ± e) − log σ| ≤ −log(1 − e / σ), which grows as x falls; below,
    σ may be 0 and its logarithm −∞, of which nothing is claimed. The pieces are those of
    float32; in float64, a smaller e makes them true as well.
    """
    pieces = list[Accuracy]()
    for low in (-1.0, -4.0, -7.0, -9.0, -11.0, -13.0):
        part = missed * u * (1 + math.exp(-low))
        absolute = -math.log1p(-part) / u
        pieces.append(Accuracy(32.0, 8.0, 8.0 + absolute, (low, math.inf)))
    return tuple(pieces)


ONNXRUNTIME = TORCH.changed(
    "onnxruntime",
    "ONNX Runtime 1.31 and 1.32 on a CPU, of networks as PyTorch 2.13 exports them: "
    "Sigmoid misses 3 u absolutely (0 from −18 down, above 1 in places), which SiLU = "
    "x Sigmoid(x) multiplies by x; Tanh 11 u of the value, and exceeds 1 by 2 ulp; Elu, "
    "Celu, Selu and Mish have an absolute part near 0; LogSigmoid is exported as "
    "Log(Sigmoid(x)), −∞ from −18 down and in places from −15.8.",
    celu=Accuracy(relative=16, argument=4, absolute=16),
    elu=Accuracy(relative=16, absolute=16),
    logsigmoid=_log_of_sigmoid(),
    mish=Accuracy(relative=64, argument=16),
    selu=Accuracy(relative=16, absolute=32),
    sigmoid=Accuracy(relative=16, absolute=8),
    silu=Accuracy(relative=16, argument=16),
    tanh=Accuracy(relative=16),
    tanhshrink=Accuracy(relative=4, argument=24),
)
"""ONNX Runtime, of networks that PyTorch exported."""

ANY = TORCH.joined(COMPILED, "").joined(ONNXRUNTIME, "torch, torch.compile or onnxruntime")
"""Each of the three: what a level claims unless another library is given."""
