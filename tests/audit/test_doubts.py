"""Each doubt: a network that provokes it, and a sound one that provokes none."""

import dataclasses

import pytest
import torch
from torch import Tensor, nn

from gnomon.audit import (
    AttackedAccuracy,
    CleanAccuracy,
    DoubtKind,
    NoiseAccuracy,
    Probe,
    Subject,
    examine,
)
from gnomon.audit.topics.attacks.second_opinion import SECOND_OPINION, SecondOpinion
from gnomon.seeds import generator
from gnomon.sets import Linf
from reference.small_subjects import (
    FirstCoordinate,
    image_data,
    image_network,
    plane_data,
    plane_subject,
    subject_of,
)


class Noisy(FirstCoordinate):
    """Draws fresh noise at every call."""

    def __init__(self) -> None:
        super().__init__(2)
        self.random = torch.Generator().manual_seed(0)

    def forward(self, inputs: Tensor) -> Tensor:
        logits = super().forward(inputs)
        return logits + 0.1 * torch.randn(logits.shape, generator=self.random)


class Quantised(FirstCoordinate):
    """Sees inputs rounded to multiples of 0.2: the gradient is zero wherever it exists."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward((inputs * 5).round() / 5)


class Misleading(FirstCoordinate):
    """Passes on the negative of its gradient: attacks walk away from the boundary."""

    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(2 * inputs.detach() - inputs)


def probes(second: SecondOpinion | None = None) -> list[Probe]:
    sets = (Linf(0.3),)
    return [
        CleanAccuracy(),
        NoiseAccuracy(sets),
        AttackedAccuracy(sets, multiples=(2.0,), second=second),
    ]


def kinds_of(subject: Subject, second: SecondOpinion | None = None) -> set[DoubtKind]:
    result = examine(subject, probes(second))
    own = [doubt for finding in result.findings for doubt in finding.doubts]
    return {doubt.kind for doubt in (*result.doubts, *own)}


def test_a_sound_network_provokes_no_doubt() -> None:
    assert kinds_of(plane_subject(), SECOND_OPINION) == set()


def test_a_sound_network_on_pictures_provokes_no_doubt() -> None:
    assert kinds_of(subject_of(image_network(3), image_data(3)), SECOND_OPINION) == set()


@pytest.mark.parametrize(
    ("network", "kind"),
    [
        (Noisy(), DoubtKind.NON_DETERMINISM),
        (nn.Sequential(FirstCoordinate(2), nn.Softmax(dim=1)), DoubtKind.PROBABILITIES),
        (Quantised(2), DoubtKind.ZERO_GRADIENTS),
        (Misleading(2), DoubtKind.NO_BETTER_THAN_NOISE),
    ],
)
def test_an_unsound_network_provokes_its_doubt(network: nn.Module, kind: DoubtKind) -> None:
    assert kind in kinds_of(subject_of(network.eval(), plane_data(100)))


def test_a_network_in_training_mode_is_noted_and_left_so() -> None:
    network = FirstCoordinate(2).train()
    assert kinds_of(subject_of(network, plane_data())) == {DoubtKind.TRAINING_MODE}
    assert network.training


def test_inputs_outside_the_domain_are_doubted_and_examined_all_the_same() -> None:
    data = plane_data(domain=(-0.5, 1.0))
    result = examine(
        subject_of(FirstCoordinate(2).eval(), data),
        [AttackedAccuracy((Linf(0.3, data.domain),))],
    )
    outside = int((data.test.inputs < -0.5).any(dim=1).sum())
    (doubt,) = result.doubts
    assert doubt.kind is DoubtKind.OUTSIDE_DOMAIN
    assert f"{outside} of 200" in doubt.message
    distance = data.test.inputs[:, 0].abs()
    assert result.findings[0].value == pytest.approx(float((distance > 0.3).double().mean()))


@pytest.mark.parametrize(("examples", "tiny"), [(99, True), (100, False)])
def test_fewer_than_a_hundred_examples_are_a_tiny_sample(examples: int, *, tiny: bool) -> None:
    found = kinds_of(plane_subject(examples))
    assert found == ({DoubtKind.TINY_SAMPLE} if tiny else set())


def test_every_message_says_what_was_seen() -> None:
    messages = {
        doubt.kind: doubt.message
        for network in (Noisy(), Quantised(2), Misleading(2))
        for each in [examine(subject_of(network.eval(), plane_data(100)), probes())]
        for doubt in (*each.doubts, *(d for finding in each.findings for d in finding.doubts))
    }
    assert "100 inputs" in messages[DoubtKind.NON_DETERMINISM]
    assert "100%" in messages[DoubtKind.ZERO_GRADIENTS]
    assert "radius 0.6" in messages[DoubtKind.NO_BETTER_THAN_NOISE]


def test_zero_gradients_are_doubted_from_a_twentieth_on() -> None:
    class Flat(FirstCoordinate):
        """Constant beyond |s| = `edge`."""

        edge = 0.99

        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(inputs).clamp(-self.edge, self.edge)

    class Flatter(Flat):
        edge = 0.5

    def doubted(network: nn.Module) -> bool:
        probe = AttackedAccuracy((Linf(0.01),), multiples=(1.0,))
        (finding,) = probe(subject_of(network, plane_data()), generator(0))
        return any(doubt.kind is DoubtKind.ZERO_GRADIENTS for doubt in finding.doubts)

    assert not doubted(Flat(2))
    assert doubted(Flatter(2))


def test_doubts_survive_equality() -> None:
    result = examine(plane_subject(10), [CleanAccuracy()])
    assert dataclasses.replace(result, doubts=()) != result
