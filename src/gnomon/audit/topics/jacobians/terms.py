"""The terms of the change of variables."""

from gnomon.report.definition import Definition

JACOBIANS_TERMS = (
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
