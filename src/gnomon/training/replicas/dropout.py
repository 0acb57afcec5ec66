"""Dropout in many networks at once, each with the masks that it would draw alone."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd  # pyright: ignore[reportPrivateUsage]

from gnomon.errors import UnsupportedOperationError
from gnomon.seeds import generator

_MASKS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
"""Modules that multiply by a random mask; alpha dropout also adds something."""


class Streams:
    """States of torch's default generator, one for each network.

    Torch's dropout takes no generator. So its generator is put into the state that it would
    have if a network were trained alone, before each draw for that network.

    Args:
        device: where the networks are.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._generator = (
            torch.cuda.default_generators[device.index or 0]
            if device.type == "cuda"
            else torch.default_generator
        )
        self._states: list[Tensor] = []

    def start(self, seeds: Sequence[int], *names: str | int) -> None:
        """Puts network r at the beginning of the stream (`seeds[r]`, names)."""
        self._states = [
            generator(seed, *names, device=self._device).get_state() for seed in seeds
        ]

    def draw(self, draw: Callable[[], Tensor]) -> Tensor:
        """The results of `draw` for each network, stacked."""
        drawn: list[Tensor] = []
        outside = self._generator.get_state()
        for index, state in enumerate(self._states):
            self._generator.set_state(state)
            drawn.append(draw())
            self._states[index] = self._generator.get_state()
        self._generator.set_state(outside)
        return torch.stack(drawn)


def with_streams(network: nn.Module, streams: Streams | None) -> nn.Module:
    """A copy of the network whose dropout draws from the streams under `torch.vmap`.

    Raises:
        UnsupportedOperationError: dropout that is no random mask.
    """
    network = copy.deepcopy(network)
    for owner in list(network.modules()):
        for name, module in owner.named_children():
            if isinstance(module, _DropoutNd):
                setattr(owner, name, _StreamedDropout(module, streams))
    return network


class _StreamedDropout(nn.Module):
    """The input times the masks of each network's own stream."""

    def __init__(self, dropout: nn.Module, streams: Streams | None) -> None:
        super().__init__()
        if not isinstance(dropout, _MASKS):
            raise UnsupportedOperationError(
                f"{type(dropout).__name__}: expected dropout by a random mask, as in Dropout "
                "and Dropout2d. Train these networks one by one."
            )
        self._dropout, self._streams = (copy.deepcopy(dropout).train(),), streams

    def forward(self, x: Any) -> Any:  # noqa: ANN401 (a tensor, or a value of an algebra)
        if not self.training or self._streams is None:
            return x
        mask: Any = _Mask.apply(x.detach(), self._dropout[0], self._streams)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] (torch's own types)
        return x * mask


class _Mask(torch.autograd.Function):
    """A factor for each value of x; under `torch.vmap`, from as many streams as there are x."""

    generate_vmap_rule = False

    @staticmethod
    def forward(x: Tensor, dropout: nn.Module, streams: Streams) -> Tensor:
        return streams.draw(lambda: dropout(torch.ones_like(x)))[0]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004, ANN401
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, None]:  # noqa: ARG004, ANN401
        return None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: Any, *args: Any) -> tuple[Tensor, int]:  # noqa: ANN401, ARG004
        x, dropout, streams = args
        shape = x.movedim(in_dims[0], 0).shape[1:]
        return streams.draw(lambda: dropout(x.new_ones(shape))), 0
