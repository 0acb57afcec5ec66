"""The terms of AutoAttack."""

from gnomon.report.definition import Definition

AUTOATTACK_TERMS = (
    Definition(
        "autoattack",
        "AutoAttack",
        "Four attacks one after another, each on the examples that resisted those before it, "
        "with settings that nobody chooses: APGD (projected gradient ascent that shortens its "
        "own steps) on the cross-entropy; APGD towards each of the nine likeliest wrong "
        "classes; FAB, which walks along the decision boundary; Square, a random search "
        "without gradients.",
        ("croce2020", "crocefab2020", "andriushchenko2020"),
    ),
)
