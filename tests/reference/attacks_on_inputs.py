"""The attacks on inputs of all kinds, and a network and examples for them."""

import torch
from torch import Tensor, nn

from gnomon.attacks import (
    APGD,
    APGDT,
    BIM,
    FAB,
    FABT,
    FGSM,
    FMN,
    PGD,
    AutoAttack,
    Batched,
    DeepFool,
    InputAttack,
    Part,
    SquareAttack,
    UnprojectedBIM,
    View,
)
from gnomon.objectives import dlr, margin, scale_free_kl_divergence
from gnomon.seeds import generator

ATTACKS: dict[str, InputAttack] = {
    "FGSM": FGSM(),
    "FGSM with random start": FGSM(random_start=True),
    "BIM": BIM(),
    "BIM with a fixed step": BIM(steps=4, relative_step=0.5),
    "BIM without projection": UnprojectedBIM(steps=6, relative_step=0.3),
    "PGD": PGD(steps=10),
    "PGD with restarts": PGD(steps=5, restarts=3),
    "PGD on the margin": PGD(steps=8, objective=margin),
    "PGD with momentum": PGD(steps=8, momentum=0.75),
    "PGD on the DLR": PGD(steps=8, objective=dlr),
    "PGD on the divergence": PGD(steps=8, objective=scale_free_kl_divergence),
    "PGD in bfloat16": PGD(steps=8, view=View("bfloat16")),
    "APGD": APGD(steps=8),
    "APGD on the DLR": APGD(steps=5, restarts=2, objective=dlr),
    "APGD-T": APGDT(steps=4, targets=3),
    "an ensemble": AutoAttack((Part("FGSM", FGSM()), Part("APGD", APGD(steps=5))), batch=16),
    "in batches": Batched(PGD(steps=8), 16),
    "FAB": FAB(steps=4),
    "FAB-T within": FABT(steps=4, targets=2, restarts=2, until="within"),
    "DeepFool": DeepFool(steps=5),
    "FMN": FMN(steps=12),
    "Square": SquareAttack(queries=30, restarts=2),
}
DETERMINISTIC = ["FGSM", "BIM", "BIM with a fixed step"]
WITHOUT_GRADIENTS = ["Square"]
TARGETED = [
    "FGSM",
    "BIM",
    "PGD with restarts",
    "PGD on the margin",
    "PGD with momentum",
    "PGD on the DLR",
    "APGD",
    "APGD on the DLR",
    "APGD-T",
    "in batches",
    "FAB-T within",
    "FMN",
]
"""Those that can be aimed at a class."""


def network_of(seed: int = 0, classes: int = 4) -> nn.Sequential:
    """Dense, normalised, with dropout: everything a mode or a buffer could spoil."""
    network = nn.Sequential(
        nn.Linear(12, 32),
        nn.BatchNorm1d(32),
        nn.Tanh(),
        nn.Dropout(0.5),
        nn.Linear(32, classes),
    )
    for parameter in network.parameters():
        with torch.no_grad():
            parameter.normal_(0, 0.5, generator=generator(seed, str(tuple(parameter.shape))))
    return network.eval()


def examples_of(network: nn.Module, count: int = 40) -> tuple[Tensor, Tensor]:
    """Points of [0, 1]¹², labelled as the network answers, but for the last five."""
    inputs = torch.rand(count, 12, generator=generator(0, "examples"))
    labels = network(inputs).argmax(dim=1)
    labels[-5:] = (labels[-5:] + 1) % 4
    return inputs, labels
