"""The origin of a value, as far as bounds of differences of its coordinates need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gnomon.algebra.views import apart


@dataclass(frozen=True, eq=False)
class Matrix:
    """A value is x Wᵀ + b, of these operands as they were when it was computed.

    Attributes:
        features: x, a value or a tensor.
        weight: W, likewise.
        bias: b, likewise; None without one.
        versions: of the operands that are tensors, to see that none was changed since.
    """

    features: Any
    weight: Any
    bias: Any
    versions: tuple[int, ...]

    @property
    def holds(self) -> bool:
        """Tells whether no operand that is a tensor was written since."""
        return self.versions == _versions((self.features, self.weight, self.bias))


def note(name: str, args: Sequence[Any], kwargs: Any, result: Any) -> None:
    """Remembers that a value came from a matrix, where it did.

    What is written into the value later replaces its content, and this note with it.
    """
    if name != "linear":
        return
    features, weight, *rest = args
    bias = rest[0] if rest else kwargs.get("bias")
    features, weight, bias = (_as_it_is(each) for each in (features, weight, bias))
    versions = _versions((features, weight, bias))
    vars(result)["_matrix"] = Matrix(features, weight, bias, versions)


def matrix_of(value: Any) -> Matrix | None:
    """The matrix that a value came from, if nothing was done to either since."""
    made: Matrix | None = vars(value).get("_matrix")
    return made if made is not None and made.holds else None


def inherit(x: Any, result: Any) -> None:
    """Notes that a value that is a copy of x came from where x came from."""
    if "_matrix" in vars(x):
        vars(result)["_matrix"] = vars(x)["_matrix"]


def _as_it_is(operand: Any) -> Any:
    """A value by itself, which nothing that is written into the network's own can reach."""
    if operand is None:
        return None
    if isinstance(operand, Tensor):
        return operand.clone() if operand.is_inference() else operand
    return apart(operand)


def _versions(operands: Sequence[Any]) -> tuple[int, ...]:
    return tuple(
        each._version  # noqa: SLF001 - torch's name
        for each in operands
        if isinstance(each, Tensor) and not each.is_inference()
    )
