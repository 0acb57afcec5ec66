"""The terms of representations and of the change of variables."""

from gnomon.report.definition import Definition

REPRESENTATION_TERMS = (
    Definition(
        "representation",
        "Representation, stage",
        "What a weight layer receives when an example is put into the network: “hidden1” is "
        "received by the second layer, and so on; “input” is the example, “output” the logits. "
        "Every dot is the same example in all of them. Stages of more than two dimensions are "
        "drawn by their first two principal components, each turned to look most like the "
        "epoch above it; those of more than 1024 are first replaced by a count sketch, a "
        "random linear map that nearly keeps distances.",
        ("charikar2002",),
    ),
    Definition(
        "linear-probe",
        "Linear probe, linear separability",
        "Multinomial logistic regression on one representation, fitted on training examples "
        "and tried on test examples. Its accuracy says how well a linear layer could finish "
        "the task from there.",
        ("alain2017",),
    ),
    Definition(
        "class-spread",
        "Spread and effective rank of a class",
        "Spread: (mean ‖h − m‖²)^½, the root mean square distance of the examples of a class "
        "from their mean m in a representation. Effective rank: exp(−Σ p_i log p_i) for the "
        "singular values of the centred examples divided by their sum: 1 on a line, n if n "
        "directions are used alike, 0 for a single point.",
        ("roy2007",),
    ),
    Definition(
        "movement",
        "Distance moved",
        "The Euclidean distance between two places of one example: its input and its image in "
        "a representation of the same dimension, or its images before and after training. "
        "Spearman’s ρ compares its order with that of the distance from the mean input. Where "
        "images are bounded, as tanh’s are, the first of the two grows with the distance from "
        "the centre of itself.",
        ("fieller1957",),
    ),
    Definition(
        "layer-jacobian",
        "Jacobian of a layer, log |det J|",
        "J = ∂h′/∂h, where h′ is the representation after h. Its singular values are the "
        "half-axes of the ellipsoid that a small unit ball becomes. For a layer that keeps the "
        "dimension, log |det J| = Σ log σ_i is the logarithm of the factor by which volume "
        "changes; −∞ where a singular value is zero up to rounding.",
    ),
    Definition(
        "jacobian-norm",
        "Jacobian of the network",
        "J = ∂z/∂x, the derivative of the logits in the input. Its largest singular value is "
        "the most that the logits change, in L2, per unit of a small change of the input.",
    ),
)
