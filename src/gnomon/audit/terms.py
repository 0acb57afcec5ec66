"""The terms of every audit: data, perturbations, intervals and doubts."""

from gnomon.report.definition import Definition

TERMS = (
    Definition(
        "data",
        "Data, units, domain",
        "Networks are examined on the test split alone, in the data's own units; each "
        "network normalises inside. The domain is the interval that every coordinate of an "
        "input must lie in; perturbed inputs are kept in it.",
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
