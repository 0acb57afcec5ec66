"""The terms of Lipschitz constants."""

from gnomon.report.definition import Definition

LIPSCHITZ_TERMS = (
    Definition(
        "lipschitz-constant",
        "Lipschitz constant",
        "The smallest L with ‖f(x) − f(y)‖₂ ≤ L ‖x − y‖₂ for all inputs x, y (or those in a "
        "set around an example), of the logits f. From outside: products of the layers' "
        "norms, made tighter by a quadratic form that is kept between layers, and around "
        "examples by intervals around the Jacobian. From inside: the largest norm of the "
        "Jacobian at a point that was found. Bounds hold in exact arithmetic, and are computed "
        "with ordinary rounding.",
        ("xu2024", "weng2018"),
    ),
    Definition(
        "lipschitz-radius",
        "Lipschitz radius",
        "min_j (z_y − z_j) / L_yj over the wrong classes j, with an upper bound L_yj of the "
        "Lipschitz constant of z_y − z_j: no input nearer than that, in L2, has another "
        "class. 0 for an example that is wrong already.",
        ("tsuzuku2018",),
    ),
)
