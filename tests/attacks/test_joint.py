"""A joint search, seen from inside the network."""

from typing import ClassVar

import pytest
import torch

from gnomon.attacks.parameters import JointPGD
from gnomon.errors import SubjectError
from gnomon.seeds import generator
from gnomon.sets import Linf
from gnomon.sets.parameters import ParameterBox
from gnomon.sets.radius import Constant
from reference.small_subjects import FirstCoordinate, plane_data


def test_a_lucky_draw_counts_for_nothing() -> None:
    """Of 20 answers that are wrong with chance 0.2, 15 are once in 10⁸ times."""

    class Rarely(FirstCoordinate):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            kept = 2.0 * (torch.rand(len(inputs), 1) > 0.2) - 1
            return super().forward(inputs) * kept

    network, data = Rarely(2).eval(), plane_data(30)
    region = ParameterBox(Constant(0.0)).of(network).detach()
    x, y = data.test.inputs, data.test.labels
    outcome = JointPGD(steps=20)(network, x, y, Linf(0.0), region, generator(0))
    assert not bool(outcome.fooled.any())


def test_answers_that_depend_on_the_batch_are_refused() -> None:
    class Mixing(FirstCoordinate):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            logits = super().forward(inputs)
            return logits - logits.mean(dim=0)

    network, data = Mixing(2).eval(), plane_data(30)
    region = ParameterBox(Constant(0.0)).of(network).detach()
    with pytest.raises(SubjectError, match="other examples of a batch"):
        JointPGD()(network, data.test.inputs, data.test.labels, None, region, generator(0))


def test_the_search_hands_out_members_only() -> None:
    class Watched(FirstCoordinate):
        seen: ClassVar[list[tuple[torch.Tensor, torch.Tensor]]] = []

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            self.seen.append((inputs.detach().clone(), self.weight.detach().clone()))
            return super().forward(inputs)

    network, data = Watched(2).eval(), plane_data(30)
    region = ParameterBox(Constant(0.2)).of(network).detach()
    x, y = data.test.inputs, data.test.labels
    outcome = JointPGD(steps=8)(network, x, y, Linf(0.1), region, generator(0))
    assert len(Watched.seen) > 16
    seen = [Watched.seen[0], *Watched.seen[2:]]  # the second asks whether answers vary
    for points, weight in seen:
        assert float((points.double() - x.double()).abs().max()) <= 0.1
        assert region.contains({"weight": weight})
    furthest = max(float((w - torch.tensor([1.0, 0.0])).abs().max()) for _, w in seen)
    assert furthest == pytest.approx(0.2, abs=1e-6)
    wrong = [(p @ w > 0).long() != y for p, w in seen]
    assert torch.equal(outcome.fooled, torch.stack(wrong).any(dim=0))
