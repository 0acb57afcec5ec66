"""The weakest attack: random points of the set."""

from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.outcome import Outcome
from gnomon.attacks.search import Search
from gnomon.attacks.view import PLAIN, View
from gnomon.errors import SettingError
from gnomon.seeds import ensure
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels


@dataclass(frozen=True)
class RandomPoint:
    """Tries random members of the set for each example; every real attack beats it.

    Attributes:
        tries: number of members drawn for each example, ≥ 1.
        view: number of draws that an answer averages, for random networks.

    Raises:
        SettingError: no tries.
    """

    tries: int = 1
    view: View = PLAIN

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise SettingError(f"RandomPoint: expected tries ≥ 1, got {self.tries}. Raise it.")

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
    ) -> Outcome:
        """Tries one batch; see `Search` for the errors."""
        generator = ensure(generator)
        with Search(
            "random point", network, inputs, labels, within, self.view, generator
        ) as search:
            for _ in range(self.tries):
                rows = search.resisting
                if len(rows):
                    search.judge(rows, search.region(rows).sample(search.generator))
        return search.outcome()
