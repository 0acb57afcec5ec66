"""The last matrix of a network: differences of its rows are bounded, not its outputs."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from gnomon.algebra import Parameters, Value, evaluate


@dataclass(frozen=True, eq=False)
class Head:
    """What stands before the logits.

    Attributes:
        logits: the network's output.
        features: what the last layer receives; None where the network does not end in a matrix.
        weight: of the last layer, as it was used.
        bias: of the last layer, as it was used; None without one.
    """

    logits: Value
    features: Value | Tensor | None = None
    weight: Value | Tensor | None = None
    bias: Value | Tensor | None = None

    def each(self, function: Callable[[Value], Value]) -> "Head":
        """The head with something else in place of each value."""
        parts = (
            function(part) if isinstance(part, Value) else part
            for part in (self.features, self.weight, self.bias)
        )
        return Head(function(self.logits), *parts)


def evaluate_head(
    network: nn.Module, inputs: Value | Tensor, parameters: Parameters | None = None
) -> Head:
    """Evaluates the network, and remembers what its last matrix was given.

    The network ends in a matrix when what it returns is what some `nn.Linear` returned, and
    nothing was done to it afterwards.
    """
    calls: list[tuple[Any, Head]] = []

    def remember(module: nn.Module, received: tuple[Any, ...], returned: Any) -> None:  # noqa: ANN401 - a value
        if isinstance(returned, Value):
            head = Head(returned, received[0], module.weight, module.bias)  # type: ignore[arg-type]
            calls.append((returned, head))

    with ExitStack() as stack:
        for module in network.modules():
            if isinstance(module, nn.Linear):
                stack.callback(module.register_forward_hook(remember).remove)
        logits = evaluate(network, inputs, parameters)
    return next((head for returned, head in calls if returned is logits), Head(logits))
