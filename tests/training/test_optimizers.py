"""Optimisers against the formulas of their papers."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from gnomon.errors import SettingError
from gnomon.training import SGD, Adam, AdamW, OptimizerRule
from reference.update_rules import Vector, adam, nesterov, sgd

RATE, DECAY = 0.05, 0.1
BETAS = (0.8, 0.9, 1e-3)

CASES: list[tuple[OptimizerRule, Callable[[Vector, list[Vector]], Vector]]] = [
    (SGD(), lambda theta, g: sgd(theta, g, RATE, DECAY, 0.0)),
    (SGD(0.7), lambda theta, g: sgd(theta, g, RATE, DECAY, 0.7)),
    (SGD(0.7, nesterov=True), lambda theta, g: nesterov(theta, g, RATE, DECAY, 0.7)),
    (SGD(0.9), lambda theta, g: sgd(theta, g, RATE, DECAY, 0.9)),
    (SGD(0.6, nesterov=True), lambda theta, g: nesterov(theta, g, RATE, DECAY, 0.6)),
    (Adam(*BETAS), lambda theta, g: adam(theta, g, RATE, DECAY, BETAS, decoupled=False)),
    (AdamW(*BETAS), lambda theta, g: adam(theta, g, RATE, DECAY, BETAS, decoupled=True)),
]


@pytest.mark.parametrize(("rule", "formula"), CASES, ids=[str(rule) for rule, _ in CASES])
def test_steps_follow_the_formula(
    rule: OptimizerRule, formula: Callable[[Vector, list[Vector]], Vector]
) -> None:
    random = np.random.default_rng(0)
    theta, gradients = random.normal(size=5), list(random.normal(size=(7, 5)))
    parameter = nn.Parameter(torch.from_numpy(theta.copy()))
    optimizer = rule([parameter], RATE, DECAY)
    for gradient in gradients:
        parameter.grad = torch.from_numpy(gradient)
        optimizer.step()
    # Seven float64 steps of size about 1; rounding stays near 1e-15.
    np.testing.assert_allclose(
        parameter.detach().numpy(), formula(theta, gradients), rtol=1e-13
    )


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: SGD(1.0), "momentum"),
        (lambda: SGD(nesterov=True), "nesterov"),
        (lambda: SGD(-0.1), "momentum"),
        (lambda: Adam(beta1=1.0), "beta1"),
        (lambda: Adam(beta2=-1.0), "beta2"),
        (lambda: AdamW(epsilon=0.0), "epsilon"),
    ],
)
def test_a_value_out_of_range_is_named(make: Callable[[], object], names: str) -> None:
    with pytest.raises(SettingError, match=f"^{names}: expected"):
        make()
