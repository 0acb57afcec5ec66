"""A joint search, seen from inside the network."""

from typing import ClassVar

import pytest
import torch

from gnomon.attacks.parameters import JointPGD
from gnomon.seeds import generator
from gnomon.sets import Linf
from gnomon.sets.parameters import ParameterBox
from gnomon.sets.radius import Constant
from reference.small_subjects import FirstCoordinate, plane_data


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
    del Watched.seen[1]  # the question whether answers depend on the other examples
    for points, weight in Watched.seen:
        assert float((points.double() - x.double()).abs().max()) <= 0.1
        assert region.contains({"weight": weight})
    furthest = max(float((w - torch.tensor([1.0, 0.0])).abs().max()) for _, w in Watched.seen)
    assert furthest == pytest.approx(0.2, abs=1e-6)
    wrong = [(p @ w > 0).long() != y for p, w in Watched.seen]
    assert torch.equal(outcome.fooled, torch.stack(wrong).any(dim=0))
