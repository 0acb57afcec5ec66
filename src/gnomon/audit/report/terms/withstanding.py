"""The terms of accuracy, perturbation and doubt."""

from gnomon.report.definition import Definition

WITHSTANDING_TERMS = (
    Definition(
        "data",
        "Data, units, domain",
        "Networks are examined on the test split alone, in the data's own units; each "
        "network normalises inside. The domain is the interval that every coordinate of an "
        "input must lie in; perturbed inputs are kept in it.",
    ),
    Definition(
        "decision-region",
        "Decision region",
        "The inputs x to which the network gives class k: z_k(x) > z_j(x) for all j ≠ k, where "
        "z(x) are the logits. Lines mark where two logits share the largest value. Drawn from "
        "the logits on a grid of 240 × 240 points.",
    ),
    Definition(
        "clean-accuracy",
        "Clean accuracy",
        "The share of examples (x, y) with argmax z(x) = y: the largest logit is the label's.",
    ),
    Definition(
        "noise-accuracy",
        "Noise accuracy",
        "The share of examples with argmax z(x + ν) = y, for random noise ν, independent in "
        "each coordinate, averaged over several draws. For an L∞ radius r: ν uniform in [−r, "
        "r], or Gaussian of standard deviation r. For an L2 radius r in n dimensions: of the "
        "size at which the root mean square of ‖ν‖₂ is r (uniform in ± r √(3/n), Gaussian of "
        "standard deviation r/√n).",
    ),
    Definition(
        "perturbation-set",
        "Perturbation set, radius ε",
        "The perturbations δ that are allowed: in L∞ all with max |δ_i| ≤ ε, in L2 all with "
        "(Σ δ_i²)^½ ≤ ε, provided that x + δ stays in the domain. “linf:0.1” is the L∞ set "
        "of radius 0.1. The ball is always around the original input.",
        ("madry2018",),
    ),
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
    Definition(
        "confusion-matrix",
        "Confusion matrix",
        "Row: the true class. Column: the class that the network gives. The darker a cell, "
        "the larger its share of the row (by square root, so that rare errors show).",
    ),
    Definition(
        "interval",
        "95 % interval",
        "The exact Clopper–Pearson interval of a share. Over many samples of the test "
        "distribution such intervals miss the true share at most once in twenty. It speaks "
        "of the examples, not of the randomness of training.",
        ("clopper1934",),
    ),
    Definition(
        "doubt",
        "Doubt",
        "A sign, found by the audit itself, that a figure may mean less than it says: an "
        "answer that changes between two runs, probabilities in place of logits, inputs "
        "outside the domain, a network in training mode, gradients that are exactly zero, "
        "attacks that do no better than noise or than random search, or a tiny sample. Zero "
        "gradients mean a blind attack, not a robust network.",
        ("athalye2018", "carlini2017"),
    ),
)
