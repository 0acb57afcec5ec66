"""Training against no adversary."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from gnomon.errors import SettingError
from gnomon.objectives import widened
from gnomon.training.method import Batch, InOwnLoop, Loss, check_numbers


@dataclass(frozen=True)
class Standard(InOwnLoop):
    """The cross-entropy, in nats.

    With smoothing s and K classes the target of a label y is (1 − s) 1_y + s/K instead of 1_y.

    Attributes:
        label_smoothing: s, in [0, 1).

    References:
        szegedy2016, section 7.
    """

    label_smoothing: float = 0.0
    references: ClassVar[tuple[str, ...]] = ("szegedy2016",)

    def __post_init__(self) -> None:
        check_numbers(self)
        if not 0 <= self.label_smoothing < 1:
            raise SettingError(
                f"label_smoothing: expected a number in [0, 1), got {self.label_smoothing}. "
                "Use 0 for none, 0.1 as is customary."
            )

    def loss(self, network: nn.Module, batch: Batch, generator: torch.Generator) -> Loss:  # noqa: ARG002 (nothing is random here)
        """The loss of `network` on `batch`."""
        logits = widened(network(batch.inputs))
        values = functional.cross_entropy(
            logits, batch.labels, reduction="none", label_smoothing=self.label_smoothing
        )
        return Loss(values, logits.detach().argmax(dim=1) == batch.labels)
