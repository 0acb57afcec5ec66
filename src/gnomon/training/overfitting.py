"""Catastrophic overfitting: a network that from one epoch to the next withstands nothing."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from gnomon.attacks.climb import Climb
from gnomon.data.dataset import Dataset, Split
from gnomon.errors import SettingError
from gnomon.sets import Domain, InputSet
from gnomon.shapes import Inputs, Labels, Mask

EXAMPLES_AT_ONCE = 128
"""Number of examples of each network that are attacked at once, and draw their random starts
together."""


@dataclass(frozen=True)
class CatastrophicOverfitting:
    """Ends a training when its robust accuracy falls, and restores an epoch before the fall.

    Training against one gradient step may end, within an epoch, in a network that withstands
    that step and nothing else. So the accuracy under a short attack is measured after each
    epoch, always on the same examples: the first of the validation data or, where there are
    none, of the training data in the data's order. The network is in evaluation mode.

    The source looks at the first batch of every epoch instead, while it is trained on.

    Attributes:
        within: what the attack may do; its domain is replaced by that of the data.
        steps: of the attack, a projected gradient ascent from a random start.
        drop: the fall of the accuracy against the epoch before that ends the training when it
            is exceeded, in (0, 1).
        examples: how many are attacked, at most.

    References:
        wong2020 (catastrophic overfitting and early stopping).
    """

    within: InputSet
    steps: int = 5
    drop: float = 0.2
    examples: int = 256
    references: ClassVar[tuple[str, ...]] = ("wong2020",)

    def __post_init__(self) -> None:
        for name in ("steps", "examples"):
            if getattr(self, name) < 1:
                raise SettingError(
                    f"{name}: expected 1 or more, got {getattr(self, name)}. Correct the value."
                )
        if not 0 < self.drop < 1:
            raise SettingError(
                f"drop: expected a number in (0, 1), got {self.drop}. Use one like 0.2."
            )

    def watched(self, data: Dataset) -> Split:
        """The examples that are attacked after each epoch."""
        split = data.validation if len(data.validation) else data.train
        return Split(split.inputs[: self.examples], split.labels[: self.examples])

    def fell(self, before: float, after: float) -> bool:
        """Tells whether the second of two robust accuracies is too far below the first."""
        return before - after > self.drop

    def withstood(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        domain: Domain,
        source: torch.Generator,
    ) -> Mask:
        """A mask of the inputs that the network gets right at the end of the attack."""
        attack, within = Climb(self.steps), self.within.with_domain(domain)
        perturbed = attack(network, inputs, labels, within, source)
        with torch.no_grad():
            return network(perturbed).argmax(dim=1) == labels
