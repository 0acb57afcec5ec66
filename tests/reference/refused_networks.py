"""Networks that cannot be bounded, and what the error has to say of each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gnomon.seeds import generator

X = torch.randn(3, 2, generator=generator(1))


class Apply(nn.Module):
    """A linear layer, and a function of the module and its input."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.function, self.fc, self.lstm = function, nn.Linear(2, 2), nn.LSTM(2, 2)

    def forward(self, x: Tensor) -> Any:  # noqa: ANN401 - whatever the function returns
        return self.function(self, x)


def traced() -> nn.Module:
    """A layer as TorchScript."""
    found: Any = torch.jit.trace(nn.Linear(2, 2), X)
    return found


@dataclass(frozen=True)
class Case:
    """A network that cannot be bounded, and the words of the error that help."""

    network: Callable[[], Any]
    expected: str
    remedy: str


NETWORKS: Mapping[str, Case] = {
    "a tuple": Case(
        lambda: Apply(lambda m, x: (m.fc(x), x)), "expected logits, got tuple", "Wrap it"
    ),
    "a mapping": Case(
        lambda: Apply(lambda m, x: {"logits": m.fc(x)}), "expected logits, got dict", "Wrap it"
    ),
    "a constant": Case(
        lambda: Apply(lambda _, x: torch.zeros(len(x), 2)), "got a constant tensor", "Return"
    ),
    "three axes": Case(
        lambda: Apply(lambda m, x: m.fc(x)[:, None]), r"got \(3, 1, 2\)", "one row for each"
    ),
    "one axis": Case(lambda: Apply(lambda m, x: m.fc(x)[:, 0]), r"got \(3,\)", "one row"),
    "scripted": Case(
        lambda: torch.jit.script(nn.Sequential(nn.Linear(2, 2))),
        "TorchScript",
        "Give the module",
    ),
    "traced": Case(traced, "TorchScript", "Give the module"),
    "a traced part": Case(
        lambda: nn.Sequential(traced()),
        "got 0 in",
        "Give the module",
    ),
    "compiled": Case(
        lambda: torch.compile(nn.Linear(2, 2)), "torch.compile", "Give the module"
    ),
    "a function": Case(lambda: lambda v: v, "torch.nn.Module, got function", "forward of one"),
    "a division that rounds": Case(
        lambda: Apply(lambda _, x: torch.div(x, 2, rounding_mode="floor")),
        r"Apply.*'div'.*rounding_mode='floor'",
        "Write it with",
    ),
    "complex numbers": Case(
        lambda: Apply(lambda _, x: (x * (1 + 2j)).real), "complex", "real and imaginary"
    ),
    "a power that varies": Case(
        lambda: Apply(lambda _, x: 2.0**x), "Apply.*pow", "It knows|Write it with"
    ),
    "a slope that varies": Case(
        lambda: Apply(lambda _, x: nn.functional.leaky_relu(x, x.sum())), "Apply", "."
    ),
    "a branch": Case(
        lambda: Apply(lambda m, x: m.fc(x) if x.sum() > 0 else m.fc(-x)), "'gt'", "Write it"
    ),
    "a recurrent layer": Case(
        lambda: Apply(lambda m, x: m.lstm(x[None])[0][0]), r"lstm \(LSTM\)", "."
    ),
    "half precision": Case(
        lambda: Apply(lambda m, x: m.fc(x).half().relu()),
        "got torch.float16 in 'relu'",
        "float",
    ),
    "whole numbers": Case(
        lambda: Apply(lambda m, x: m.fc(x).int() + 1), "got torch.int32 in 'add'", "float"
    ),
    "a fill that varies": Case(
        lambda: Apply(lambda m, x: torch.full_like(m.fc(x), x.sum())), "'full_like'", "Write it"
    ),
    "written into a tensor": Case(
        lambda: Apply(lambda m, x: torch.zeros(3, 2).add_(m.fc(x))), "'add' in place", "t = t"
    ),
}
