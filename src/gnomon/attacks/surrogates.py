"""Other derivatives for modules whose own leads a search nowhere."""

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from gnomon.errors import SubjectError


@dataclass(frozen=True)
class Surrogate:
    """A module keeps its values, and gets the derivative of another function.

    Attributes:
        kind: the class of the modules.
        function: of the module's input; its derivative takes the place of the module's own.

    References:
        athalye2018, section 4.1 (backward pass differentiable approximation).
    """

    kind: type[nn.Module]
    function: Callable[[Tensor], Tensor]


@contextmanager
def surrogates_in(
    network: nn.Module, surrogates: Sequence[Surrogate]
) -> Generator[None, None, None]:
    """The network with surrogate derivatives, taken out again at the end.

    Raises:
        SubjectError: a surrogate for a kind of module that the network does not have.
    """
    with ExitStack() as stack:
        for surrogate in surrogates:
            modules = [each for each in network.modules() if isinstance(each, surrogate.kind)]
            if not modules:
                raise SubjectError(
                    f"expected a module of kind {surrogate.kind.__name__} to give another "
                    f"derivative, got none in {type(network).__name__}. Leave the surrogate "
                    "out."
                )
            for module in modules:
                stack.enter_context(_hooked(module, surrogate))
        yield


@contextmanager
def _hooked(module: nn.Module, surrogate: Surrogate) -> Generator[None, None, None]:
    def replace(_: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        smooth = surrogate.function(args[0])
        return smooth + (output - smooth).detach()

    handle = module.register_forward_hook(replace)
    try:
        yield
    finally:
        handle.remove()
