"""What stands for a tensor in an algebra, and how torch functions find its rules."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gnomon.algebra.views import VIEWS, refuse_overwritten, share, write, written_back
from gnomon.errors import UnsupportedOperationError

Rule = Callable[..., Any]
"""What one torch function means in one algebra; it has the function's signature."""


class Value:
    """A value of an algebra: where torch expects a tensor, an algebra's rule is called instead.

    A network is run, not traced: its modules call torch functions, and every torch function
    hands a call with such a value to the rule of its name. Operators and methods of tensors
    find the same rules. A rule computes with ordinary tensors, so that results can be
    differentiated.

    Attributes:
        rules: by the name of the function, such as "linear" or "flatten".
        precedence: in a call with values of several algebras, the highest decides.
    """

    rules: ClassVar[Mapping[str, Rule]] = {}
    precedence: ClassVar[int] = 0

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """The tensors that it consists of; the first has the shape of what it stands for."""
        raise NotImplementedError

    def assign(self, other: "Value") -> None:
        """Takes the other's content: what a function that works in place does.

        Views of one value share its memory. Once one of them is written, reading another is an
        error, because that does not follow.
        """
        write(self, other)

    def lifted(self, given: Any) -> Any:
        """What stands for a set of parameters beside this value: as given, if anything does.

        An algebra overrides it that encloses sets otherwise than `Interval`.
        """
        return given

    def suits(self, network: nn.Module) -> None:
        """Refuses a network that this value's bounds would say nothing true of."""

    @property
    def shape(self) -> torch.Size:
        """Of the tensor that it stands for."""
        return self.parts[0].shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.parts[0].ndim

    @property
    def dtype(self) -> torch.dtype:
        """In which numbers it is kept."""
        return self.parts[0].dtype

    @property
    def device(self) -> torch.device:
        """Where it is kept."""
        return self.parts[0].device

    @property
    def requires_grad(self) -> bool:
        """Whether it depends on something that is differentiated."""
        return any(part.requires_grad for part in self.parts)

    @property
    def T(self) -> Any:  # noqa: N802 - torch's name
        """With its axes in reverse order."""
        return _apply("permute", (self, *reversed(range(self.ndim))), {})

    @property
    def mT(self) -> Any:  # noqa: N802 - torch's name
        """With its last two axes exchanged."""
        return _apply("transpose", (self, -2, -1), {})

    def size(self, dim: int | None = None) -> torch.Size | int:
        """The shape, or the length of one axis."""
        return self.shape if dim is None else self.shape[dim]

    def dim(self) -> int:
        """The number of axes."""
        return self.ndim

    def numel(self) -> int:
        """The number of coordinates."""
        return self.shape.numel()

    def is_floating_point(self) -> bool:
        """Whether it stands for real numbers."""
        return self.parts[0].is_floating_point()

    def __len__(self) -> int:
        return self.shape[0]

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Calls the rule of the function's name."""
        values = [each for each in types if issubclass(each, Value)]
        if max(each.precedence for each in values) > cls.precedence:
            return NotImplemented
        return _call(cls, func.__name__, args, kwargs or {})

    def __getattr__(self, name: str) -> Any:
        refuse_overwritten(self)
        if name.startswith("__") or not hasattr(Tensor, name):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")
        if name in _FACTS:
            return getattr(self.parts[0], name)
        if not callable(getattr(Tensor, name)):
            raise UnsupportedOperationError(
                f"{type(self).__name__}: expected a property that it has, got {name!r}. There "
                "are T, mT, shape, ndim, dtype, device, requires_grad and what is_… says."
            )
        return lambda *args, **kwargs: _apply(name, (self, *args), kwargs)

    def __add__(self, other: Any) -> Any:
        return _apply("add", (self, other), {})

    def __radd__(self, other: Any) -> Any:
        return _apply("add", (other, self), {})

    def __sub__(self, other: Any) -> Any:
        return _apply("sub", (self, other), {})

    def __rsub__(self, other: Any) -> Any:
        return _apply("sub", (other, self), {})

    def __mul__(self, other: Any) -> Any:
        return _apply("mul", (self, other), {})

    def __rmul__(self, other: Any) -> Any:
        return _apply("mul", (other, self), {})

    def __truediv__(self, other: Any) -> Any:
        return _apply("div", (self, other), {})

    def __rtruediv__(self, other: Any) -> Any:
        return _apply("div", (other, self), {})

    def __matmul__(self, other: Any) -> Any:
        return _apply("matmul", (self, other), {})

    def __rmatmul__(self, other: Any) -> Any:
        return _apply("matmul", (other, self), {})

    def __pow__(self, exponent: Any) -> Any:
        return _apply("pow", (self, exponent), {})

    def __rpow__(self, base: Any) -> Any:
        return _apply("rpow", (self, base), {})

    def __floordiv__(self, other: Any) -> Any:
        return _apply("floor_divide", (self, other), {})

    def __mod__(self, other: Any) -> Any:
        return _apply("remainder", (self, other), {})

    def __neg__(self) -> Any:
        return _apply("neg", (self,), {})

    def __abs__(self) -> Any:
        return _apply("abs", (self,), {})

    def __iadd__(self, other: Any) -> Any:
        return _apply("add_", (self, other), {})

    def __isub__(self, other: Any) -> Any:
        return _apply("sub_", (self, other), {})

    def __imul__(self, other: Any) -> Any:
        return _apply("mul_", (self, other), {})

    def __itruediv__(self, other: Any) -> Any:
        return _apply("div_", (self, other), {})

    def __lt__(self, other: Any) -> Any:
        return _apply("lt", (self, other), {})

    def __le__(self, other: Any) -> Any:
        return _apply("le", (self, other), {})

    def __gt__(self, other: Any) -> Any:
        return _apply("gt", (self, other), {})

    def __ge__(self, other: Any) -> Any:
        return _apply("ge", (self, other), {})

    def __eq__(self, other: object) -> Any:
        if other is self or not isinstance(other, Value | torch.Tensor | int | float):
            return NotImplemented
        return _apply("eq", (self, other), {})

    __hash__ = object.__hash__

    def __bool__(self) -> bool:
        return bool(_apply("bool", (self,), {}))

    def __getitem__(self, index: Any) -> Any:
        return _apply("getitem", (self, index), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        written_back(self, index, value)
        self.assign(_apply("setitem", (self, index, value), {}))


def placed(x: Any, result: Any, inplace: bool) -> Any:
    """The result, or x with its content where a function was asked to work in place."""
    if not inplace:
        return result
    x.assign(result)
    return x


def _apply(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """The rule of the algebra that decides among the arguments."""
    kinds = [type(each) for each in args if isinstance(each, Value)]
    return _call(max(kinds, key=lambda kind: kind.precedence), name, args, kwargs)


def _call(
    algebra: type[Value], name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    name, args, in_place = _canonical(name, args)
    if name in _LIKE_ANOTHER and name not in algebra.rules:
        name, fact = _LIKE_ANOTHER[name]
        args = (args[0], getattr(args[1], fact))
        if not isinstance(args[0], Value):
            return getattr(torch.Tensor, name)(*args)
    if name in _CONSTANTS:
        owner = Tensor if name.startswith("new") else torch
        return getattr(owner, name)(args[0].parts[0].detach(), *args[1:], **kwargs)
    _check(algebra, name, args, in_place)
    result = algebra.rules[name](*args, **kwargs)
    if in_place:
        args[0].assign(result)
        return args[0]
    if name in VIEWS:
        share(args[0], result, args[1] if name == "getitem" else None)
    return result


def _check(algebra: type[Value], name: str, args: Sequence[Any], in_place: bool) -> None:
    """Refuses what has no rule, and what no rule could do.

    Raises:
        UnsupportedOperationError: such a function.
    """
    if name in _RANDOM:
        raise UnsupportedOperationError(
            f"{algebra.__name__}: expected a network that computes the same each time, got "
            f"{name!r}, which draws at random. Remove it in evaluation mode."
        )
    if name not in algebra.rules:
        raise UnsupportedOperationError(
            f"{algebra.__name__}: expected an operation it has a rule for, got {name!r}. It "
            f"knows {', '.join(sorted(algebra.rules))}."
        )
    if (in_place or name == "setitem") and not isinstance(args[0], Value):
        raise UnsupportedOperationError(
            f"{algebra.__name__}: expected that values are written into values, got {name!r} "
            "on a tensor, which cannot hold one. Build it with cat, stack or arithmetic."
        )


_FACTS = {
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
"""What the first part says of itself is true of the value."""

_CONSTANTS = {
    "full_like",
    "new_full",
    "new_ones",
    "new_tensor",
    "new_zeros",
    "ones_like",
    "zeros_like",
}
"""Functions that look at the shape, type and place of their argument alone."""

_LIKE_ANOTHER = {
    "expand_as": ("expand", "shape"),
    "reshape_as": ("reshape", "shape"),
    "type_as": ("to", "dtype"),
    "view_as": ("view", "shape"),
}
"""Functions that do to the first argument what a fact of the second says."""

_RANDOM = {
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

_SAME = {
    "concat": "cat",
    "concatenate": "cat",
    "moveaxis": "movedim",
    "multiply": "mul",
    "rtruediv": "rdiv",
    "subtract": "sub",
    "swapaxes": "transpose",
    "swapdims": "transpose",
    "truediv": "div",
}
"""Other names of functions, and the name by which their rules are found."""

_REFLECTED = {"radd": "add", "rsub": "sub", "rmul": "mul", "rdiv": "div", "rmatmul": "matmul"}


def _canonical(name: str, args: Sequence[Any]) -> tuple[str, Sequence[Any], bool]:
    """One name for a function, its method, its operator and its form in place.

    A tensor's own operator in place (`tensor += value`) cannot hold a value: its result is
    bound to the name again. A value's own come here as "add_", and so on.
    """
    operator = name.startswith("__")
    in_place = name.endswith("_") and not operator
    name = name.strip("_")
    if operator and name in {"iadd", "isub", "imul", "itruediv"}:
        name = name[1:]
    name = _SAME.get(name, name)
    if name in _REFLECTED:
        return _REFLECTED[name], (args[1], args[0], *args[2:]), False
    return name, args, in_place
