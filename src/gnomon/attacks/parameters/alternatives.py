"""Random alternative networks: the baseline that attacks on parameters have to beat."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from gnomon.attacks.parameters.outcome import Batches, ParameterOutcome
from gnomon.attacks.parameters.reading import check_batches, read
from gnomon.errors import SettingError
from gnomon.networks.undisturbed import undisturbed
from gnomon.objectives import Objective, scale_free_cross_entropy
from gnomon.seeds import ensure
from gnomon.sets.parameters import ParameterRegion


@dataclass(frozen=True)
class AlternativeNetworks:
    """The worst of some random members of a set of parameters.

    Attributes:
        count: number of members, ≥ 1.
        drawn: "inside" uniformly, or among the "vertices" of the set.
        objective: breaks ties among members of equal accuracy.

    Raises:
        SettingError: no members.
    """

    count: int = 10
    drawn: Literal["inside", "vertices"] = "inside"
    objective: Objective = scale_free_cross_entropy

    def __post_init__(self) -> None:
        if self.count < 1:
            raise SettingError(
                f"AlternativeNetworks: expected count ≥ 1, got {self.count}. Raise it."
            )

    def __call__(
        self,
        network: nn.Module,
        batches: Batches,
        region: ParameterRegion,
        generator: torch.Generator | None = None,
    ) -> ParameterOutcome:
        """The member with the least accuracy; see `all` for all of them."""
        members = self.all(network, batches, region, generator)
        worst = min(members, key=lambda member: (member.accuracy, -member.value))
        with undisturbed(network):
            if not check_batches(network, batches):
                return worst
            # The least of many random readings is too low: it is read once more.
            reading = read(network, worst.parameters, batches, self.objective)
        return replace(worst, accuracy=reading.accuracy, value=reading.value)

    def all(
        self,
        network: nn.Module,
        batches: Batches,
        region: ParameterRegion,
        generator: torch.Generator | None = None,
    ) -> list[ParameterOutcome]:
        """Every member that was drawn, in the order of drawing."""
        generator = ensure(generator)
        region, name = region.detach(), f"random {self.drawn} × {self.count}"
        draw = region.sample if self.drawn == "inside" else region.vertex
        outcomes: list[ParameterOutcome] = []
        with undisturbed(network):
            check_batches(network, batches)
            for _ in range(self.count):
                member = draw(generator)
                reading = read(network, member, batches, self.objective)
                outcomes.append(ParameterOutcome(name, member, reading.accuracy, reading.value))
        return outcomes
