"""Writes a network down as an expression, by running it."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from gnomon.algebra import Interval, LinearRelaxation, Value, evaluate
from gnomon.bounds.lipschitz.expression import Input, Node
from gnomon.errors import ShapeError, UnsupportedOperationError
from gnomon.networks import undisturbed
from gnomon.shapes import Inputs

Enclosure = Literal["relaxed", "interval"]
"""The algebra that encloses values in a region: linear relaxations, or intervals."""


class Traced(Value):
    """A value together with the expression it came from.

    Attributes:
        node: of the expression.
        content: the value: an enclosure of it over the regions, or a tensor that only has its
            shape where the whole space is the region.
        tape: knows which module is running.
    """

    precedence = 2

    def __init__(self, node: Node, content: Value | Tensor, tape: "Tape") -> None:
        self.node, self.content, self.tape = node, content, tape

    @property
    def parts(self) -> tuple[Tensor, ...]:
        """The parts of the content."""
        return (self.content,) if isinstance(self.content, Tensor) else self.content.parts

    @property
    def interval(self) -> Interval:
        """The bounds of each coordinate that are known so far."""
        if isinstance(self.content, LinearRelaxation):
            return self.content.interval
        if isinstance(self.content, Interval):
            return self.content
        infinite = torch.full_like(self.parts[0], torch.inf)
        return Interval.computed(-infinite, infinite)


class Tape:
    """The modules that are running, the innermost last."""

    def __init__(self) -> None:
        self.running: list[str] = []

    @property
    def part(self) -> str:
        """The innermost one; empty outside of named modules."""
        return self.running[-1] if self.running else ""

    @contextmanager
    def watching(self, network: nn.Module) -> Generator[None, None, None]:
        """Keeps track while the block runs the network."""
        with ExitStack() as stack:
            for name, module in network.named_modules():

                def enter(*_: object, name: str = name) -> None:
                    self.running.append(name)

                def leave(*_: object) -> None:
                    self.running.pop()

                stack.callback(module.register_forward_pre_hook(enter).remove)
                stack.callback(module.register_forward_hook(leave).remove)
            yield


def trace(
    network: nn.Module,
    inputs: Inputs,
    region: Interval | None = None,
    enclosure: Enclosure = "relaxed",
) -> Node:
    """The network's output as an expression, with slopes as they are in each region.

    Args:
        network: put into evaluation mode for the call.
        inputs: of which shape and kind an input is; at least one.
        region: boxes of inputs; None means the whole space.
        enclosure: how values in a region are enclosed.

    Raises:
        UnsupportedOperationError: an operation whose slope is not known here.
        ShapeError: an output that is not (batch, classes).
    """
    content: Value | Tensor = inputs[:1]
    if region is not None:
        content = LinearRelaxation.of(region) if enclosure == "relaxed" else region
    tape = Tape()
    start = Traced(Input(content.shape), content, tape)
    with undisturbed(network), torch.no_grad(), tape.watching(network):
        found = evaluate(network, start)
    if not isinstance(found, Traced):
        raise UnsupportedOperationError(
            "Lipschitz bound: expected an output that depends on the input, got one that does "
            "not. Return what the layers make of the input."
        )
    if found.ndim != 2:
        raise ShapeError(
            "Lipschitz bound: expected an output of shape (batch, classes), got "
            f"{tuple(found.shape)}. Flatten it."
        )
    return found.node
