"""Values, which stand for tensors in an algebra, and how torch functions find its rules."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gnomon.algebra.dispatch import called
from gnomon.algebra.names import FACTS, canonical
from gnomon.algebra.operators import Operators
from gnomon.algebra.views import apart, refuse_overwritten, share, write, written_back
from gnomon.errors import UnsupportedOperationError

Rule = Callable[..., Any]
"""The meaning of one torch function in one algebra; it has the function's signature."""


class Value(Operators):
    """A value of an algebra: where torch expects a tensor, an algebra's rule is called instead.

    A network is run, not traced: its modules call torch functions, and every torch function
    hands a call with such a value to the rule of its name. Operators and methods of tensors
    find the same rules. A rule computes with ordinary tensors, so that results can be
    differentiated.

    Attributes:
        rules: by the name of the function, such as "linear" or "flatten".
        precedence: in a call with values of several algebras, the highest decides.
        lazy: whether rules compute with their arguments later, too; they are then given copies
            of all tensors, so that a bound belongs to the network that was evaluated.
    """

    rules: ClassVar[Mapping[str, Rule]] = {}
    precedence: ClassVar[int] = 0
    lazy: ClassVar[bool] = False

    @property
    def widens(self) -> bool:
        """True if tensors are converted to numbers of its own, which hold half precision."""
        return False

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

    def apply(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """The function of this name, by the rule of the algebra that decides among them."""
        kinds = [type(each) for each in args if isinstance(each, Value)]
        algebra = max(kinds, key=lambda kind: kind.precedence)
        return called(algebra, canonical(name, args, kwargs))

    def lifted(self, given: Any) -> Any:
        """Converts a parameter set to a value of this algebra; by default returns it unchanged.

        An algebra overrides it that encloses sets otherwise than `Interval`.
        """
        return given

    def suits(self, network: nn.Module) -> None:
        """Refuses a network that this value's bounds would say nothing true of."""

    @property
    def shape(self) -> torch.Size:
        """The shape of the tensor that it stands for."""
        return self.parts[0].shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.parts[0].ndim

    @property
    def dtype(self) -> torch.dtype:
        """The type of the tensor that it stands for, as far as that is known."""
        return self.stored or self.precision

    @property
    def stored(self) -> torch.dtype | None:
        """The type of the tensor that it stands for; None where that is not known."""
        return vars(self).get("_kind", self.precision)

    @property
    def precision(self) -> torch.dtype:
        """The type of the numbers in which it is kept."""
        return self.parts[0].dtype

    @property
    def device(self) -> torch.device:
        """Where it is kept."""
        return self.parts[0].device

    @property
    def requires_grad(self) -> bool:
        """Tells whether it depends on something that is differentiated."""
        return any(part.requires_grad for part in self.parts)

    @property
    def T(self) -> Any:  # noqa: N802 - torch's name
        """With its axes in reverse order."""
        return self.apply("permute", self, *reversed(range(self.ndim)))

    @property
    def mT(self) -> Any:  # noqa: N802 - torch's name
        """With its last two axes exchanged."""
        return self.apply("transpose", self, -2, -1)

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
        """Tells whether it stands for real numbers."""
        return self.dtype.is_floating_point

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
        return called(cls, canonical(func.__name__, args, kwargs or {}))

    def __getattr__(self, name: str) -> Any:
        refuse_overwritten(self)
        if name.startswith("__") or not hasattr(Tensor, name):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")
        if name in FACTS:
            return getattr(self.parts[0], name)
        if not callable(getattr(Tensor, name)):
            raise UnsupportedOperationError(
                f"{type(self).__name__}: expected a property that it has, got {name!r}. There "
                "are T, mT, shape, ndim, dtype, device, requires_grad and what is_… says."
            )
        return lambda *args, **kwargs: self.apply(name, self, *args, **kwargs)

    def __copy__(self) -> "Value":
        """Another object that shows the same memory, as that of a tensor does."""
        made = apart(self)
        share(self, made)
        return made

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """A value of its own."""
        memo[id(self)] = made = self.apply("clone", self)
        return made

    def __getitem__(self, index: Any) -> Any:
        return self.apply("getitem", self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        written_back(self, index, value)
        self.assign(self.apply("setitem", self, index, value))
