"""Optimisers as settings: what a configuration names, and what makes torch's optimiser from it.

Torch's fused updates are used, one kernel for all parameters: they are as deterministic as the
others and, for small networks, take a fraction of their time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from gnomon.errors import SettingError


@runtime_checkable
class OptimizerRule(Protocol):
    """A frozen dataclass whose fields are the settings of an update rule."""

    def __call__(
        self, parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        """Torch's optimiser of these parameters, in the state it has before the first step."""
        ...


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent: θ ← θ − η v with v ← μ v + g; weight decay λ adds λ θ to g.

    Attributes:
        momentum: μ, in [0, 1); 0 is the plain method, v = g.
        nesterov: step along g + μ v, the gradient looked ahead.
    """

    momentum: float = 0.0
    nesterov: bool = False
    references: ClassVar[tuple[str, ...]] = ("sutskever2013",)

    def __post_init__(self) -> None:
        _check_decay_rate("momentum", self.momentum)
        if self.nesterov and self.momentum == 0:
            raise SettingError(
                "nesterov: expected a momentum above 0, got 0. Set momentum = 0.9."
            )

    def __call__(
        self, parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            parameters,
            lr=learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=weight_decay,
            fused=True,
        )


@dataclass(frozen=True)
class Adam:
    """Adam: θ ← θ − η m̂ / (√v̂ + ε), with m̂ and v̂ the bias-corrected means of g and g².

    Weight decay λ adds λ θ to g.

    Attributes:
        beta1: decay rate of the mean of g, in [0, 1).
        beta2: decay rate of the mean of g², in [0, 1).
        epsilon: ε > 0.

    References:
        kingma2015, algorithm 1.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    references: ClassVar[tuple[str, ...]] = ("kingma2015",)

    def __post_init__(self) -> None:
        _check_adam(self.beta1, self.beta2, self.epsilon)

    def __call__(
        self, parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        return _fused(torch.optim.Adam, self, parameters, learning_rate, weight_decay)


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay: θ shrinks by η λ θ, outside the adaptive step.

    Attributes:
        beta1: decay rate of the mean of g, in [0, 1).
        beta2: decay rate of the mean of g², in [0, 1).
        epsilon: ε > 0.

    References:
        loshchilov2019, algorithm 2.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    references: ClassVar[tuple[str, ...]] = ("loshchilov2019",)

    def __post_init__(self) -> None:
        _check_adam(self.beta1, self.beta2, self.epsilon)

    def __call__(
        self, parameters: Iterable[nn.Parameter], learning_rate: float, weight_decay: float
    ) -> torch.optim.Optimizer:
        return _fused(torch.optim.AdamW, self, parameters, learning_rate, weight_decay)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of an optimiser under flat names, `index/name`; what is None is left out."""
    # As `optimizer.state_dict` numbers the parameters, in a tenth of its time.
    parameters = [each for group in optimizer.param_groups for each in group["params"]]
    return {
        f"{index}/{name}": value
        for index, parameter in enumerate(parameters)
        for name, value in optimizer.state.get(parameter, {}).items()
        if value is not None
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Gives a fresh optimiser of the same parameters the state under these flat names."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split("/", 1)
        state.setdefault(int(index), {})[name] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    for parameter, entries in optimizer.state.items():
        for name, tensor in entries.items():
            entries[name] = _laid_out_like(parameter, tensor)


OPTIMIZERS: dict[str, type] = {
    "sgd": SGD,
    "adam": Adam,
    "adamw": AdamW,
}
"""Every update rule by its name in a configuration."""


def _fused(
    kind: type[torch.optim.Adam],
    rule: Adam | AdamW,
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    weight_decay: float,
) -> torch.optim.Optimizer:
    """Torch's optimiser `kind` (its AdamW is a kind of Adam) with the settings of `rule`."""
    return kind(
        parameters,
        lr=learning_rate,
        betas=(rule.beta1, rule.beta2),
        eps=rule.epsilon,
        weight_decay=weight_decay,
        fused=True,
    )


def _check_adam(beta1: float, beta2: float, epsilon: float) -> None:
    _check_decay_rate("beta1", beta1)
    _check_decay_rate("beta2", beta2)
    if not epsilon > 0:
        raise SettingError(f"epsilon: expected a number above 0, got {epsilon}. Use 1e-8.")


def _check_decay_rate(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise SettingError(
            f"{name}: expected a number in [0, 1), got {value}. Use one like 0.9."
        )


def _laid_out_like(parameter: Tensor, tensor: Tensor) -> Tensor:
    """The tensor, its entries in the order of the parameter's in memory.

    Torch's fused updates go through both from the first entry in memory to the last.
    """
    if tensor.shape != parameter.shape or tensor.stride() == parameter.stride():
        return tensor
    return torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)
