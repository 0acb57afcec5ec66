"""Objectives against their definitions, written out for one example at a time."""

import math

import pytest
import torch

from gnomon.objectives import (
    cross_entropy,
    log_odds,
    margin,
    rescaled_log_odds,
    scale_free_cross_entropy,
)
from gnomon.seeds import generator

LOGITS = torch.randn(50, 7, generator=generator(0, "logits"), dtype=torch.float64) * 3
LABELS = torch.randint(0, 7, (50,), generator=generator(0, "labels"))


def test_cross_entropy_is_the_negative_log_probability() -> None:
    found = cross_entropy(LOGITS, LABELS)
    for row, label, value in zip(LOGITS.tolist(), LABELS.tolist(), found.tolist(), strict=True):
        total = sum(math.exp(item) for item in row)
        assert value == pytest.approx(-math.log(math.exp(row[label]) / total), rel=1e-12)


def test_margin_is_the_best_wrong_logit_minus_the_labels() -> None:
    found = margin(LOGITS, LABELS)
    for row, label, value in zip(LOGITS.tolist(), LABELS.tolist(), found.tolist(), strict=True):
        assert (
            value == max(item for index, item in enumerate(row) if index != label) - row[label]
        )


def test_margin_is_positive_exactly_when_the_answer_is_wrong() -> None:
    assert torch.equal(margin(LOGITS, LABELS) > 0, LOGITS.argmax(dim=1) != LABELS)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e3, 1e6])
def test_scale_free_cross_entropy_does_not_see_the_scale(scale: float) -> None:
    torch.testing.assert_close(
        scale_free_cross_entropy(LOGITS * scale, LABELS),
        scale_free_cross_entropy(LOGITS, LABELS),
    )


def test_its_gradient_is_that_of_cross_entropy_at_the_rescaled_logits() -> None:
    logits = LOGITS.clone().requires_grad_()
    (found,) = torch.autograd.grad(scale_free_cross_entropy(logits, LABELS).sum(), logits)
    factor = 10 / (LOGITS.amax(dim=1) - LOGITS.amin(dim=1))[:, None]
    scaled = (LOGITS * factor).requires_grad_()
    (wanted,) = torch.autograd.grad(cross_entropy(scaled, LABELS).sum(), scaled)
    torch.testing.assert_close(found, wanted * factor)


def test_equal_logits_are_no_division_by_zero() -> None:
    value = scale_free_cross_entropy(torch.zeros(1, 3), torch.tensor([0]))
    assert float(value) == pytest.approx(math.log(3))


def test_log_odds_grow_with_the_cross_entropy_and_have_its_direction() -> None:
    logits = (
        4 * torch.randn(50, 5, generator=generator(0), dtype=torch.float64)
    ).requires_grad_()
    labels = torch.randint(0, 5, (50,), generator=generator(1))
    odds, entropy = log_odds(logits, labels), cross_entropy(logits, labels)
    torch.testing.assert_close(torch.log1p(odds.exp()), entropy)
    (of_odds,) = torch.autograd.grad(odds.sum(), logits, retain_graph=True)
    (of_entropy,) = torch.autograd.grad(entropy.sum(), logits)
    cosine = torch.nn.functional.cosine_similarity(of_odds, of_entropy, dim=1)
    torch.testing.assert_close(cosine, torch.ones_like(cosine))


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_log_odds_see_where_the_cross_entropy_is_blind(classes: int) -> None:
    logits = torch.zeros(1, classes)
    logits[0, 0] = 500.0
    logits.requires_grad_()
    label = torch.tensor([0])
    (blind,) = torch.autograd.grad(cross_entropy(logits, label).sum(), logits)
    (seeing,) = torch.autograd.grad(log_odds(logits, label).sum(), logits)
    assert float(blind.abs().max()) == 0
    assert float(seeing[0, 0]) == -1


def test_rescaled_log_odds_are_the_same_for_multiplied_logits() -> None:
    logits, before = torch.randn(2, 20, 4, generator=generator(0), dtype=torch.float64)
    labels = torch.randint(0, 4, (20,), generator=generator(1))
    torch.testing.assert_close(
        rescaled_log_odds(1000 * logits, labels, 1000 * before),
        rescaled_log_odds(logits, labels, before),
    )
