"""Collects the representations of a network's inputs between its weight layers.

A weight layer is a module without children that holds a parameter `weight` with two axes or
more: a matrix or a convolution; one that computes its weight from other parameters
(`torch.nn.utils.parametrize`) counts too. The input of such a layer is a representation of
the network's input; so the same words hold for a chain of named layers, for residual
connections, and for a network that calls its activations as functions.
"""

import itertools
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase  # pyright: ignore[reportPrivateUsage]
from torch.nn.utils.parametrize import is_parametrized

from gnomon.networks.undisturbed import undisturbed

_NORMALIZATIONS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)
"""Batch, instance, group, layer and root-mean-square normalisation."""


@dataclass(frozen=True, eq=False)
class Stage:
    """The inputs as they are represented at one place of a network.

    Attributes:
        name: "input", then "hidden1", "hidden2", … for the inputs of the second, third, …
            weight layer, and "output".
        receiver: the name of the weight layer that receives `values`; empty for the output.
        values: the representation, one row per example.
        giver: the name of the weight layer before it; empty for the input.
        preactivation: the output of that layer, after a normalisation that directly follows it;
            its rows are examples, unless the network folds positions into them.
    """

    name: str
    receiver: str
    values: Float[Tensor, " batch *shape"]
    giver: str = ""
    preactivation: Float[Tensor, " rows *neurons"] | None = None


def weight_layers(network: nn.Module) -> dict[str, nn.Module]:
    """The weight layers by name, in the order in which the network holds them.

    A network that is itself a weight layer has the name "network".
    """
    return {
        name or "network": module
        for name, module in network.named_modules()
        if _has_matrix(module)
    }


def stages(network: nn.Module, inputs: Float[Tensor, " batch *shape"]) -> tuple[Stage, ...]:
    """Runs the network once, and returns every representation that its inputs pass through.

    The stages are in the order of the call; a layer that is called twice gives two stages. The
    tensors belong to the graph of the call, so that they can be differentiated, and the mode of
    the network is left as it is: call it inside `undisturbed`.

    Args:
        network: any network; without weight layers there are the input and the output alone.
        inputs: a batch, in the shape that the network takes.
    """
    with _watched(network) as calls:
        output = network(inputs)
    passed = [Stage("input", calls[0].layer if calls else "", inputs)]
    for index, (before, call) in enumerate(itertools.pairwise(calls), start=1):
        passed.append(
            Stage(f"hidden{index}", call.layer, call.received, before.layer, before.returned)
        )
    last = calls[-1] if calls else None
    passed.append(
        Stage("output", "", output, last.layer if last else "", last.returned if last else None)
    )
    return tuple(passed)


@dataclass(eq=False)
class _Call:
    """A call of a weight layer."""

    layer: str
    received: Tensor
    returned: Tensor
    handed_on: Tensor
    """The copy passed to the rest of the network; an in-place activation changes only it."""


@contextmanager
def _watched(network: nn.Module) -> Generator[list[_Call], None, None]:
    """Collects the calls of weight layers while the block runs the network."""
    calls: list[_Call] = []
    layers = {module: name for name, module in weight_layers(network).items()}

    def after_weights(
        module: nn.Module, received: tuple[Any, ...], named: dict[str, Any], returned: Tensor
    ) -> Tensor:
        first = next(each for each in (*received, *named.values()) if isinstance(each, Tensor))
        handed_on = returned.clone()
        calls.append(_Call(layers[module], first, returned, handed_on))
        return handed_on

    def after_normalization(
        module: nn.Module,  # noqa: ARG001 - the form of a hook
        received: tuple[Any, ...],
        named: dict[str, Any],
        returned: Tensor,
    ) -> Tensor:
        first = next(iter((*received, *named.values())), None)
        if not calls or first is not calls[-1].handed_on:
            return returned
        calls[-1].returned, calls[-1].handed_on = returned, returned.clone()
        return calls[-1].handed_on

    hooks = [module.register_forward_hook(after_weights, with_kwargs=True) for module in layers]
    hooks += [
        module.register_forward_hook(after_normalization, with_kwargs=True)
        for module in network.modules()
        if isinstance(module, _NORMALIZATIONS)
    ]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def _has_matrix(module: nn.Module) -> bool:
    if is_parametrized(module, "weight"):
        # Outside evaluation mode a look at the weight of a spectral norm moves its estimate.
        with undisturbed(module):
            return getattr(module, "weight").dim() >= 2  # noqa: B009 - computed on look-up
    weight = getattr(module, "weight", None)
    childless = not any(module.children())
    return childless and isinstance(weight, nn.Parameter) and weight.dim() >= 2
