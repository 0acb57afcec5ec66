"""The Square attack: random search that asks the network for logits only."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from gnomon.attacks.blocks import Grid
from gnomon.attacks.outcome import Outcome
from gnomon.attacks.search import Rows, Search
from gnomon.attacks.square_moves import Corners, Masses, Moves
from gnomon.attacks.view import PLAIN, View
from gnomon.errors import SettingError
from gnomon.objectives import margin
from gnomon.sets import InputSet, PerturbationSet
from gnomon.sets.balls import LinfBall
from gnomon.shapes import Inputs, Labels

_HALVINGS = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)


@dataclass(frozen=True)
class SquareAttack:
    """Changes a random block of each perturbation, and keeps what raises the margin.

    In L∞ and in boxes every coordinate is at its largest or least; a block is moved to one
    side (`Corners`). In L2 and L1 mass moves from one block to another (`Masses`). `Grid` says
    what a block is for inputs of any shape. The share of positions in a block begins with
    p_init, and is halved after 10, 50, 200, 500, 1000, 2000, 4000, 6000 and 8000 proposals,
    however many there are. No gradient is taken, so that nothing can mask it.

    Attributes:
        queries: proposals per restart, after the start.
        restarts: random starts; examples that are fooled have left.
        p_init: the share of positions in the first blocks, in (0, 1].
        view: how the network is seen while searching.

    Raises:
        SettingError: fewer than one query or restart, or a share outside (0, 1].

    References:
        andriushchenko2020, algorithm 1.
    """

    queries: int = 5000
    restarts: int = 1
    p_init: float = 0.8
    view: View = PLAIN

    def __post_init__(self) -> None:
        if self.queries < 1 or self.restarts < 1 or not 0 < self.p_init <= 1:
            raise SettingError(
                "SquareAttack: expected queries ≥ 1, restarts ≥ 1 and p_init in (0, 1], got "
                f"{self.queries}, {self.restarts} and {self.p_init}. Correct them."
            )

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
    ) -> Outcome:
        """Attacks one batch; see `Search` for the errors.

        Raises:
            SettingError: a set that is neither a box nor a ball of L∞, L2 or L1.
        """
        grid = Grid.of(inputs.shape[1:])
        repeated = f" × {self.restarts}" if self.restarts > 1 else ""
        name = f"Square-{self.queries}{repeated}"
        with Search(name, network, inputs, labels, within, self.view, generator) as search:
            left = self.restarts
            while left and len(rows := search.resisting):
                together = min(left, max(1, len(labels) // len(rows)))
                self._descend(search, rows.repeat(together), grid)
                left -= together
        return search.outcome()

    def _descend(self, search: Search, rows: Rows, grid: Grid) -> None:
        """Runs one random search in each row; rows of fooled examples leave."""
        moves = _moves(search.within, search.region(rows), grid)
        present = moves.start(search.originals[rows], search.generator)
        logits = search.logits(rows, present)
        best = margin(logits, search.labels[rows])
        fooled = search.judge(rows, present, search.across(rows, logits))
        for share in self.shares():
            if fooled.any():
                rows, present, best = rows[~fooled], present[~fooled], best[~fooled]
                moves = _moves(search.within, search.region(rows), grid)
            if not len(rows):
                return
            proposed = moves.propose(present, share, search.generator)
            logits = search.logits(rows, proposed)
            height = margin(logits, search.labels[rows])
            better = (height > best).nonzero()[:, 0]
            best = best.fmax(height)
            present = present.index_copy(0, better, proposed[better])
            across = search.across(rows, logits)
            fooled = search.judge(rows, proposed, across)

    def shares(self) -> Iterator[float]:
        """The share of positions, in (0, 1], in the block of each proposal."""
        for index in range(self.queries):
            yield self.p_init / 2 ** sum(index > end for end in _HALVINGS)


def _moves(within: InputSet, region: PerturbationSet, grid: Grid) -> Moves:
    if isinstance(region, LinfBall):
        return Corners(grid, region)
    if within.norm in {"L2", "L1"}:
        return Masses(grid, region, 2 if within.norm == "L2" else 1, within.radius)
    raise SettingError(
        f"SquareAttack: expected a set of norm Linf, Box, L2 or L1, got {within.norm}. Take "
        "another attack."
    )
