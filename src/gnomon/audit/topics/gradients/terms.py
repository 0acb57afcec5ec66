"""The terms of gradients and of the units they pass through."""

from gnomon.report.definition import Definition

GRADIENTS_TERMS = (
    Definition(
        "loss-gradient",
        "Gradient of the loss",
        "How the cross-entropy ℓ changes with what it depends on. For a weight layer: the "
        "gradient of the mean of ℓ over all examined examples with respect to its matrix, as "
        "the root mean square of its entries. For a representation h: ‖∂ℓ/∂h‖₂ of each "
        "example, as quantiles over the examples. Gradients vanish where they shrink from the "
        "output towards the input, and explode where they grow. The gradient of a network that "
        "is sure and right is small everywhere: at the logits it is softmax minus label.",
        ("glorot2010", "pascanu2013"),
    ),
    Definition(
        "vanishing-gradient",
        "Zero and vanishing entries",
        "Of the gradient of the mean cross-entropy over all examined examples: the share of "
        "entries that are exactly zero, and the share that are at most 10⁻⁴ (or the stated "
        "threshold) times the largest entry of the whole network. Zero entries vanish too.",
        ("glorot2010",),
    ),
    Definition(
        "gradient-ratio",
        "Gradient ratio",
        "The root mean square entry of the gradient in the first weight layer's matrix, "
        "divided by that in the last's. Far below 1 the gradient vanishes towards the input, "
        "far above 1 it explodes.",
        ("pascanu2013",),
    ),
    Definition(
        "dead-unit",
        "Dead and saturated units",
        "A unit is a neuron, or a channel over all its positions. Its slope is |∂(v·h)/∂z|, z "
        "what its weight layer returns, h what the next one receives, v random signs: for an "
        "activation f of single values exactly |f′(z)|. A unit is dead if its slope is exactly "
        "0 for every example and position; it is saturated on an example if the slope is "
        "below 0.01 (or the stated setting) at every position, and counts as saturated if that "
        "is so for at least 95 % of the examples. Dead units are saturated too.",
        ("lu2020", "glorot2010"),
    ),
    Definition(
        "activation-distribution",
        "Distribution of activations",
        "The values that each weight layer receives, over all examples and a random choice of "
        "coordinates that is the same for every example. Values that are exactly zero are "
        "counted apart, over all coordinates.",
        ("glorot2010",),
    ),
)
