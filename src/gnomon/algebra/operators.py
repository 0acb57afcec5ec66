"""The operators of Python, as functions of torch by their names."""

from typing import Any

from torch import Tensor

from gnomon.algebra.names import TRUTH


class Operators:
    """Something for which each operator is the torch function of its name."""

    def apply(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The function of this name."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        return self.apply("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return self.apply("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return self.apply("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return self.apply("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return self.apply("mul", self, other)

    def __rmul__(self, other: Any) -> Any:
        return self.apply("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return self.apply("div", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return self.apply("div", other, self)

    def __matmul__(self, other: Any) -> Any:
        return self.apply("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return self.apply("matmul", other, self)

    def __pow__(self, exponent: Any) -> Any:
        return self.apply("pow", self, exponent)

    def __rpow__(self, base: Any) -> Any:
        return self.apply("rpow", self, base)

    def __floordiv__(self, other: Any) -> Any:
        return self.apply("floor_divide", self, other)

    def __mod__(self, other: Any) -> Any:
        return self.apply("remainder", self, other)

    def __neg__(self) -> Any:
        return self.apply("neg", self)

    def __abs__(self) -> Any:
        return self.apply("abs", self)

    def __iadd__(self, other: Any) -> Any:
        return self.apply("add_", self, other)

    def __isub__(self, other: Any) -> Any:
        return self.apply("sub_", self, other)

    def __imul__(self, other: Any) -> Any:
        return self.apply("mul_", self, other)

    def __itruediv__(self, other: Any) -> Any:
        return self.apply("div_", self, other)

    def __ipow__(self, exponent: Any) -> Any:
        return self.apply("pow_", self, exponent)

    def __ifloordiv__(self, other: Any) -> Any:
        return self.apply("floor_divide_", self, other)

    def __imod__(self, other: Any) -> Any:
        return self.apply("remainder_", self, other)

    def __lt__(self, other: Any) -> Any:
        return self.apply("lt", self, other)

    def __le__(self, other: Any) -> Any:
        return self.apply("le", self, other)

    def __gt__(self, other: Any) -> Any:
        return self.apply("gt", self, other)

    def __ge__(self, other: Any) -> Any:
        return self.apply("ge", self, other)

    def __eq__(self, other: object) -> Any:
        if other is self or not isinstance(other, Operators | Tensor | int | float):
            return NotImplemented
        return self.apply("eq", self, other)

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(self.apply(TRUTH, self))


def is_value(thing: Any) -> bool:
    """Tells whether something is a value of an algebra, and no tensor or setting."""
    return isinstance(thing, Operators)
