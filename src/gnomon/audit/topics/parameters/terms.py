"""The terms of perturbed parameters."""

from gnomon.report.definition import Definition

PARAMETERS_TERMS = (
    Definition(
        "alternative-network",
        "Alternative network",
        "The network with other parameters θ̃ in a set around its own θ. “relative:0.01” is the "
        "box |θ̃_i − θ_i| ≤ 0.01 |θ_i|, “ball:0.01” the layer-wise ball ‖θ̃_l − θ_l‖₂ ≤ 0.01 "
        "‖θ_l‖₂ of each tensor l. Random ones are drawn uniformly inside, or among the "
        "vertices. The worst that was found is the one with the least accuracy among those, "
        "and those on the way of a projected ascent of the mean loss; all examples share it. "
        "It bounds the least accuracy in the set from above.",
        ("madry2018", "wu2020"),
    ),
    Definition(
        "fault",
        "Faults of the weights",
        "Fixed point with n bits: w ≈ s c with whole c, |c| < 2^(n−1), s = max |w| / "
        "(2^(n−1) − 1) for each weight tensor. Bit flips invert bits of c (n = 8, two's "
        "complement): at random, or each time the one bit whose flip raises the loss most, "
        "among the ten weights with the largest gradient in each layer. Noise: θ + σ "
        "(mean θ_l²)^½ u with u ~ N(0, 1). A single fault replaces one parameter by plus or "
        "minus the largest of its tensor.",
        ("rakin2019",),
    ),
    Definition(
        "adversarial-rate",
        "Adversarial rate",
        "(Acc(θ_a) / Acc(θ)) · (1 − Rob(θ_a) / Rob(θ)): the share of accuracy kept times the "
        "share of robust accuracy lost by changed parameters θ_a. The attack first raises the "
        "loss of perturbed inputs x′, then lowers CE(f(x), y) / CE(f(x′), y), and projects on "
        "|θ_a − θ| ≤ γ |θ| after every step; or it changes a share p of the weights only. 0: "
        "nothing is lost. 1: all robustness is lost, and the accuracy does not tell.",
        ("yu2023",),
    ),
    Definition(
        "flatness",
        "Flatness, loss landscape",
        "Average: E_ν [L(θ + ν)] − L(θ) over random ν with ‖ν_l‖₂ ≤ ξ ‖θ_l‖₂; worst: the "
        "maximum over such ν, as far as a search finds it. L is the mean cross-entropy, of "
        "inputs as they are or perturbed for the network in question. Less is flatter. "
        "Landscapes show L(θ + s d) along directions d, each filter of which is as long as "
        "the network's own: d_ij ← d_ij ‖θ_ij‖ / ‖d_ij‖. Biases stay. Losses below 10⁻⁴ are "
        "drawn as that.",
        ("stutz2021", "li2018"),
    ),
)
