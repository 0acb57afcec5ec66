"""Names of torch's functions, and of the rules that algebras have for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TRUTH = "truth"
"""The name of the question whether a value is true, apart from a conversion to bool."""


@dataclass(frozen=True)
class Call:
    """A call of a torch function, by the name of its rule.

    Attributes:
        name: one for a function, its method, its operator, and its form in place.
        args: positional arguments.
        kwargs: named arguments, without those that do not change the result.
        in_place: whether the result is to be written into the first argument.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    in_place: bool = False


def canonical(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Call:
    """Returns the call under its one name, with operands in the order of the operation."""
    operator = name.startswith("__")
    in_place = (name.endswith("_") and not operator) or bool(kwargs.get("inplace", False))
    given = {key: each for key, each in kwargs.items() if key not in _WITHOUT_EFFECT}
    name = name.strip("_")
    if operator:
        in_place = name in _OPERATORS_IN_PLACE
        name = _OPERATORS.get(name, name[1:] if in_place else name)
    name = _SAME.get(name, name)
    if name in _REFLECTED:
        return Call(_REFLECTED[name], (args[1], args[0], *args[2:]), given)
    return Call(name, tuple(args), given, in_place)


QUESTIONS = {TRUTH, "lt", "le", "gt", "ge", "eq", "ne", "equal", "isnan", "isfinite", "sign"}
"""Functions whose answer jumps, by which code goes one way or another."""

SOFTMAXES = {"softmax", "softmin", "log_softmax"}
"""Functions that need not be told along which axis they go."""

_WITHOUT_EFFECT = {"inplace", "_stacklevel", "memory_format", "non_blocking"}
"""Arguments that say where a result is put, or how, and not what it is."""

_OPERATORS = {"bool": TRUTH}
"""Operators whose name another function also has."""

_OPERATORS_IN_PLACE = {"iadd", "isub", "imul", "itruediv", "ipow", "ifloordiv", "imod"}

_SAME = {
    "absolute": "abs",
    "clip": "clamp",
    "concat": "cat",
    "concatenate": "cat",
    "divide": "div",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "moveaxis": "movedim",
    "multiply": "mul",
    "negative": "neg",
    "rtruediv": "rdiv",
    "subtract": "sub",
    "swapaxes": "transpose",
    "swapdims": "transpose",
    "true_divide": "div",
    "truediv": "div",
}
"""Other names of functions, and the name by which their rules are found."""

_REFLECTED = {"radd": "add", "rsub": "sub", "rmul": "mul", "rdiv": "div", "rmatmul": "matmul"}

LIKE_ANOTHER = {
    "expand_as": ("expand", "shape"),
    "reshape_as": ("reshape", "shape"),
    "view_as": ("view", "shape"),
}
"""Functions that do to the first argument what a fact of the second says."""

CONSTANTS = {
    "full_like",
    "new_full",
    "new_ones",
    "new_tensor",
    "new_zeros",
    "ones_like",
    "zeros_like",
}
"""Functions that look at the shape, type and place of their first argument alone."""

FACTS = {
    "element_size",
    "get_device",
    "is_complex",
    "is_contiguous",
    "is_cpu",
    "is_cuda",
    "is_meta",
    "is_mkldnn",
    "is_nested",
    "is_quantized",
    "is_signed",
    "is_sparse",
    "layout",
    "ndimension",
    "nelement",
    "stride",
}
"""Questions whose answer is that of the first part of a value."""

RANDOM = {
    "bernoulli",
    "cauchy",
    "exponential",
    "geometric",
    "gumbel_softmax",
    "log_normal",
    "multinomial",
    "normal",
    "poisson",
    "rand_like",
    "randint_like",
    "randn_like",
    "random",
    "uniform",
}
"""Functions that draw random numbers."""

RESHAPING = ("flatten", "ravel", "reshape", "squeeze", "unflatten", "unsqueeze", "view")
"""Functions that keep coordinates in their order."""

PERMUTING = (
    *("channel_shuffle", "flip", "fliplr", "flipud", "movedim", "permute"),
    *("pixel_shuffle", "pixel_unshuffle", "roll", "rot90", "t"),
    "transpose",
)
"""Functions that keep every coordinate, once."""

PICKING = ("chunk", "diagonal", "narrow", "select", "split", "tensor_split", "unbind")
"""Functions that keep some coordinates, each once; most have several results."""

REPEATING = (
    *("broadcast_to", "expand", "gather", "getitem", "index_select", "repeat"),
    *("repeat_interleave", "take_along_dim", "tile"),
)
"""Functions that may keep a coordinate several times."""

MOVING = (*RESHAPING, *PERMUTING, *PICKING, *REPEATING)
"""Functions that move, pick or repeat coordinates, and compute nothing."""

COPYING = ("clone", "contiguous", "detach")
"""Functions that copy coordinates, or may."""

KEEPING = frozenset((*MOVING, *COPYING))
"""Functions that compute nothing, and keep the type of their argument."""
