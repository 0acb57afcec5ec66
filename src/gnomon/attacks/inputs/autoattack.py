"""AutoAttack: a fixed ensemble, strong enough to compare networks by."""

from dataclasses import dataclass, field

import torch
from torch import nn

from gnomon.attacks.ensemble import Part, check_parts, run_in_turn, untouched
from gnomon.attacks.inputs.apgd import APGD, APGDT
from gnomon.attacks.inputs.fab import FAB, FABT
from gnomon.attacks.inputs.square import SquareAttack
from gnomon.attacks.outcome import Outcome
from gnomon.attacks.view import PLAIN, View
from gnomon.objectives import dlr
from gnomon.seeds import ensure
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels


def standard_parts(
    norm: str = "Linf", view: View = PLAIN, black_box: View | None = None
) -> tuple[Part, ...]:
    """The parts of the standard version, with the settings for this norm."""
    restarts, targets = (5, 5) if norm == "L1" else (1, 9)
    return (
        Part("APGD-CE", APGD(restarts=restarts, view=view)),
        Part("APGD-T", APGDT(targets=targets, view=view)),
        Part("FAB-T", FABT(until="within", view=view)),
        Part("Square", SquareAttack(view=black_box or view)),
    )


@dataclass(frozen=True)
class AutoAttack:
    """Attacks one after another, each on the examples that resisted all before it.

    The outcome names the parts, and says for each example which of them fooled it; gradients
    and queries are sums over the parts that ran on it. Beside inputs and outcome, examples are
    held one batch at a time. The versions have the settings of the authors' code. Other than
    there, the cross-entropy is free of the logits' scale, and two classes are enough.

    Attributes:
        parts: the attacks in their order; those of the standard version for L∞ and L2, if none
            are named.
        name: the name in the outcome.
        batch: number of examples at a time.

    Raises:
        SettingError: no parts, two of one name, or a batch of nobody.

    References:
        croce2020, section 6; croce2021, section 6 (L1).
    """

    parts: tuple[Part, ...] = field(default_factory=standard_parts)
    name: str = "AutoAttack"
    batch: int = 256

    def __post_init__(self) -> None:
        check_parts(self.name, self.parts, self.batch)

    @classmethod
    def standard(
        cls, norm: str = "Linf", view: View = PLAIN, black_box: View | None = None
    ) -> "AutoAttack":
        """APGD on the cross-entropy, APGD-T, FAB-T, Square.

        Args:
            norm: of the set; in L1 the first part has five restarts, the second five targets.
            view: how the network is seen while searching.
            black_box: how Square sees it, which asks for logits only; None means likewise.
        """
        return cls(standard_parts(norm, view, black_box), "AutoAttack standard")

    @classmethod
    def plus(cls, view: View = PLAIN) -> "AutoAttack":
        """APGD on the cross-entropy and on the DLR, FAB, Square, APGD-T, FAB-T."""
        return cls(
            (
                Part("APGD-CE", APGD(restarts=5, view=view)),
                Part("APGD-DLR", APGD(restarts=5, objective=dlr, view=view)),
                Part("FAB", FAB(restarts=5, until="within", view=view)),
                Part("Square", SquareAttack(view=view)),
                Part("APGD-T", APGDT(view=view)),
                Part("FAB-T", FABT(until="within", view=view)),
            ),
            "AutoAttack plus",
        )

    @classmethod
    def rand(cls, draws: int = 20) -> "AutoAttack":
        """For random networks: APGD on the cross-entropy and on the DLR, over several draws."""
        view = View(draws=draws)
        return cls(
            (
                Part("APGD-CE", APGD(view=view)),
                Part("APGD-DLR", APGD(objective=dlr, view=view)),
            ),
            "AutoAttack rand",
        )

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator | None = None,
    ) -> Outcome:
        """Attacks all examples, in batches; see `Search` for the errors."""
        generator = ensure(generator)
        return run_in_turn(
            untouched(self.name, self.parts, inputs, labels, within),
            list(enumerate(self.parts)),
            self.batch,
            network,
            labels,
            within,
            generator,
        )
