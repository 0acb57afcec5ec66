"""Runs any attack on any number of examples, in batches."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import nn

from gnomon.attacks.guards import Aims, aims_of, check_examples
from gnomon.attacks.outcome import InputAttack, Outcome, TargetedAttack
from gnomon.errors import SettingError
from gnomon.networks.predictions import device_of
from gnomon.seeds import ensure
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class Batched:
    """Runs an attack on batches of examples, which are moved to the network's device.

    Attributes:
        attack: the attack that runs on each batch.
        batch: number of examples at a time, ≥ 1.

    Raises:
        SettingError: fewer than one example at a time.
    """

    attack: InputAttack
    batch: int = 500

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise SettingError(f"Batched: expected batch ≥ 1, got {self.batch}. Raise it.")

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
        targets: Aims = None,
    ) -> Outcome:
        """Attacks all examples; the outcome is where the inputs are.

        Targets are handed to the attack, which has to be one that takes them.
        """
        generator = ensure(generator)
        check_examples(inputs, labels, within)
        aims = aims_of("Batched", targets, labels)
        device, whole, begun = device_of(network), None, 0
        for some, answers in zip(
            inputs.split(self.batch), labels.split(self.batch), strict=True
        ):
            batch = (network, some.to(device), answers.to(device), within, generator)
            if aims is None:
                outcome = self.attack(*batch)
            else:
                wanted = aims[begun : begun + len(answers)].to(device)
                outcome = cast("TargetedAttack", self.attack)(*batch, targets=wanted)
            # Written at once: many small outcomes between large ones would tear memory up.
            whole = whole or outcome.room(len(labels), inputs.device)
            whole.write(slice(begun, begun + len(answers)), outcome)
            begun += len(answers)
        assert whole is not None
        return whole
