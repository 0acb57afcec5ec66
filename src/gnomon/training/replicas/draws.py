"""Random draws of a method for many networks, each from the network's own generator."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gnomon.errors import UnsupportedOperationError

_OF_A_SHAPE = {torch.rand, torch.randn}
_IN_PLACE = {
    Tensor.bernoulli_,
    Tensor.cauchy_,
    Tensor.exponential_,
    Tensor.geometric_,
    Tensor.log_normal_,
    Tensor.normal_,
    Tensor.random_,
    Tensor.uniform_,
}
_OF_A_TENSOR = {torch.bernoulli, torch.multinomial, torch.poisson}


class DrawsForEach(TorchFunctionMode):
    """While entered, `token` stands for one generator per network.

    A method draws a tensor whose first axis is the batch, examples of the first network first
    (or has as many entries as there are networks). Where it names `token` as its generator, the
    part of each network is drawn from that network's own: the numbers are those that the method
    would draw for this network alone.

    Args:
        generators: one for each network.

    Attributes:
        token: what is handed to the method; nothing is ever drawn from it.
    """

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        super().__init__()
        self._generators = generators
        self.token = torch.Generator(generators[0].device)

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 (whatever torch returns)
        """Calls torch, once for each network if the token is to be drawn from."""
        named = kwargs or {}
        if named.get("generator") is not self.token:
            return func(*args, **named)
        if func in _IN_PLACE:
            for part, own in zip(self._parts(args[0]), self._generators, strict=True):
                func(part, *args[1:], **{**named, "generator": own})
            return args[0]
        if func in _OF_A_TENSOR:
            parts = [(part, *args[1:]) for part in self._parts(args[0])]
        else:
            parts = self._shaped(func, args, named)
        return torch.cat(
            [
                func(*part, **{**named, "generator": own})
                for part, own in zip(parts, self._generators, strict=True)
            ]
        )

    def _parts(self, whole: Tensor) -> tuple[Tensor, ...]:
        self._share(tuple(whole.shape))
        return whole.chunk(len(self._generators))

    def _shaped(
        self, func: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]
    ) -> list[tuple[Any, ...]]:
        """The arguments for each network of a function of a shape; takes it out of `named`."""
        if func is torch.randint:
            *bounds, size = args if "size" not in named else (*args, named.pop("size"))
        elif func in _OF_A_SHAPE:
            bounds, size = [], named.pop("size", args)
        else:
            raise UnsupportedOperationError(
                f"{getattr(func, '__name__', func)}: expected draws like rand, randn, randint, "
                "normal_ or bernoulli in a method that trains many networks at once. Use one "
                "of these, or train one by one."
            )
        shape = size if isinstance(size[0], int) else size[0]
        own = (self._share(tuple(shape)), *shape[1:])
        return [(*bounds, own)] * len(self._generators)

    def _share(self, shape: tuple[int, ...]) -> int:
        """The length of one network's share of the first axis."""
        networks = len(self._generators)
        if not shape or shape[0] % networks:
            raise UnsupportedOperationError(
                f"a random draw: expected a first axis that {networks} networks can share, got "
                f"the shape {shape}. Draw one entry, or one of each example, for each network."
            )
        return shape[0] // networks
