"""The terms of attacks on inputs."""

from gnomon.report.definition import Definition

ATTACKS_TERMS = (
    Definition(
        "attacked-accuracy",
        "Attacked accuracy, worst case",
        "The share of examples that are right and that no attack could get wrong at this "
        "radius or a smaller one of the grid: for each example the worst of all attacks, one "
        "random point of the set among them. It is an upper bound: the true worst case over "
        "the set may be lower, never higher.",
        ("madry2018", "croce2020"),
    ),
    Definition(
        "fgsm",
        "FGSM",
        "One step of full length along the steepest direction: in L∞, x + ε sign ∇ₓ ℓ; in "
        "L2, x + ε ∇ₓ ℓ / ‖∇ₓ ℓ‖₂, with ℓ the cross-entropy of the logits after division by "
        "their range.",
        ("goodfellow2015",),
    ),
    Definition(
        "bim",
        "BIM",
        "FGSM in small steps from the original input, each projected on the set around that "
        "input.",
        ("kurakin2017",),
    ),
    Definition(
        "pgd",
        "PGD",
        "Projected gradient ascent from random points of the set; otherwise like BIM. An "
        "example counts as fooled when any step, checked at a point that lies in the set "
        "exactly, changes the class.",
        ("madry2018",),
    ),
)
