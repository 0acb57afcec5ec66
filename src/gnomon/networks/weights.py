"""Determines which tensors of a network are its weights.

A layer may hold its weight, or compute it from other parameters: by a parametrisation of
`torch.nn.utils.parametrize` (weight or spectral normalisation, say), by the older hooks for
these two, or by the masks of `torch.nn.utils.prune`. The computed tensor is the one
that is multiplied with, stored on a device and rounded; so it stands here under its own name,
"head.weight", in place of its sources.
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase  # pyright: ignore[reportPrivateUsage]
from torch.nn.modules.conv import (
    _ConvTransposeNd,  # pyright: ignore[reportPrivateUsage]
)
from torch.nn.utils.parametrize import ParametrizationList, is_parametrized
from torch.nn.utils.prune import BasePruningMethod
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm

from gnomon.errors import SubjectError
from gnomon.sets.parameters.names import is_bias

_NORMALISATIONS = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)


@dataclass(frozen=True, eq=False)
class Held:
    """A tensor by which a layer computes, whether the layer stores it or computes it.

    Attributes:
        name: the qualified name, such as "head.weight".
        layer: the module that computes with it.
        value: returns the tensor, differentiable in the network's parameters.
        sources: the parameters it is computed from, by name; the parameter itself if stored.
        replaced: context manager that puts another tensor in its place; None if it is stored,
            since torch can replace parameters.
    """

    name: str
    layer: nn.Module
    value: Callable[[], Tensor]
    sources: Mapping[str, Tensor]
    replaced: Callable[[Tensor], AbstractContextManager[Any]] | None = None

    @property
    def is_weight(self) -> bool:
        """True if inputs are multiplied by it: two axes or more, no bias, no normalisation.

        Those of linear layers, convolutions, recurrent layers, embeddings and attention are
        weights, and so is any such tensor of a module of one's own.
        """
        return (
            not isinstance(self.layer, _NORMALISATIONS)
            and not is_bias(self.name)
            and max(each.dim() for each in self.sources.values()) > 1
        )

    @property
    def is_trained(self) -> bool:
        """True if a parameter that it is computed from is trained."""
        return any(each.requires_grad for each in self.sources.values())

    @property
    def transposed(self) -> int | None:
        """The number of groups of a transposed convolution, whose outputs lie on axis 1."""
        layer = self.layer
        return layer.groups if isinstance(layer, _ConvTransposeNd) else None


def held_tensors(network: nn.Module) -> dict[str, Held]:
    """The tensors that a network computes with, by name, as they would be stored for use.

    They are its parameters, each shared one once, with computed tensors in place of
    their sources.
    """
    computed = computed_tensors(network)
    hidden = {name for each in computed.values() for name in each.sources}
    tensors: dict[str, Held] = {}
    seen: set[Tensor] = set()
    for prefix, layer in network.named_modules():
        if isinstance(layer, ParametrizationList):
            continue
        for attribute, parameter in layer.named_parameters(recurse=False):
            name = _joined(prefix, attribute)
            if name not in hidden and parameter not in seen:
                seen.add(parameter)
                tensors[name] = Held(name, layer, _constantly(parameter), {name: parameter})
        tensors |= {name: each for name, each in computed.items() if each.layer is layer}
    return tensors


def weights_of(network: nn.Module) -> dict[str, Held]:
    """The weights of a network, by name: the tensors that multiply the layers' inputs."""
    return {name: each for name, each in held_tensors(network).items() if each.is_weight}


def computed_tensors(network: nn.Module) -> dict[str, Held]:
    """The tensors that layers compute from parameters before they use them."""
    tensors: dict[str, Held] = {}
    for prefix, layer in network.named_modules():
        if is_parametrized(layer):
            assert isinstance(layer.parametrizations, nn.ModuleDict)
            for attribute, made in layer.parametrizations.items():
                assert isinstance(made, ParametrizationList)
                start = _joined(prefix, f"parametrizations.{attribute}")
                sources = {f"{start}.{key}": each for key, each in made.named_parameters()}
                name = _joined(prefix, attribute)
                tensors[name] = Held(name, layer, made, sources, _in_parametrisation(made))
        for hook in vars(layer)["_forward_pre_hooks"].values():
            if (older := _older(layer, hook)) is not None:
                attribute, value = older
                name = _joined(prefix, attribute)
                sources = {
                    _joined(prefix, part): each
                    for part, each in layer.named_parameters(recurse=False)
                    if part in {f"{attribute}_{end}" for end in ("g", "v", "orig")}
                }
                tensors[name] = Held(name, layer, value, sources, _in_layer(layer, attribute))
    return tensors


def check_finite(name: str, tensor: Tensor) -> None:
    """Refuses a tensor with infinite or NaN entries, which can be neither rounded nor scaled.

    Raises:
        SubjectError: a number is infinite or NaN.
    """
    broken = int((~tensor.detach().isfinite()).sum())
    if broken:
        raise SubjectError(
            f"{name}: expected finite numbers, got {broken} infinite or NaN of "
            f"{tensor.numel()}. Mend the network's weights."
        )


def call_with(network: nn.Module, tensors: Mapping[str, Tensor], *inputs: Tensor) -> Tensor:
    """The output of the network with other tensors in place of those with these names.

    Args:
        network: the network; it is not changed.
        tensors: tensors by their names in `named_parameters`, `named_buffers` or
            `held_tensors`; a tensor that two modules share is replaced in both.
        inputs: the arguments of the network.
    """
    with replacing(network, tensors) as stored:
        return torch.func.functional_call(network, stored, inputs)


@contextmanager
def replacing(
    network: nn.Module, tensors: Mapping[str, Tensor]
) -> Generator[dict[str, Tensor], None, None]:
    """Sets computed tensors within the block, and yields the remaining tensors by name.

    Args:
        network: the network whose computed tensors are replaced, and restored after the block.
        tensors: the new values, by name.
    """
    with ExitStack() as stack:
        stored = dict(tensors)
        for name, each in computed_tensors(network).items():
            if name in stored and each.replaced is not None:
                stack.enter_context(each.replaced(stored.pop(name)))
        yield stored


def _constantly(parameter: Tensor) -> Callable[[], Tensor]:
    return lambda: parameter


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _older(layer: nn.Module, hook: object) -> tuple[str, Callable[[], Tensor]] | None:
    """The name and value of the tensor that a torch hook computes before each call."""
    if isinstance(hook, WeightNorm):
        return hook.name, lambda: hook.compute_weight(layer)
    if isinstance(hook, SpectralNorm):
        return hook.name, lambda: hook.compute_weight(layer, layer.training)
    if isinstance(hook, BasePruningMethod):
        return getattr(hook, "_tensor_name"), lambda: hook.apply_mask(layer)  # noqa: B009
    return None


def _in_parametrisation(made: ParametrizationList) -> Callable[[Tensor], ExitStack]:
    """Makes the parametrisation return a tensor instead of computing it."""

    def replaced(tensor: Tensor) -> ExitStack:
        undo = ExitStack()
        undo.callback(vars(made).pop, "forward", None)
        vars(made)["forward"] = lambda: tensor
        return undo

    return replaced


def _in_layer(layer: nn.Module, attribute: str) -> Callable[[Tensor], ExitStack]:
    """Sets the tensor by a further hook, after the hook that computes it."""

    def replaced(tensor: Tensor) -> ExitStack:
        def put(module: nn.Module, received: object) -> None:
            del module, received
            vars(layer)[attribute] = tensor

        undo = ExitStack()
        undo.callback(vars(layer).update, {attribute: vars(layer)[attribute]})
        undo.callback(layer.register_forward_pre_hook(put).remove)
        vars(layer)[attribute] = tensor
        return undo

    return replaced
