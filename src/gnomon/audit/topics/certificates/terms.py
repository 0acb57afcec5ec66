"""The terms of bounds and brackets."""

from gnomon.report.definition import Definition

CERTIFICATES_TERMS = (
    Definition(
        "bracket",
        "Bracket, certified accuracy",
        "The true worst-case accuracy over a set lies between two figures. From outside: the "
        "share of examples for which a bound shows z_j − z_y < 0 for every wrong class j and "
        "everything in the set (certified). From inside: the share that no search in the set "
        "could get wrong (attacked). Bounds hold in exact arithmetic, and are computed with "
        "ordinary rounding; of what they certify, “sound in floating point” is the share for "
        "which bounds that are rounded outwards say the same (rounded IBP, rounded CROWN), "
        "in real arithmetic, or, where executions are named, also for all of these.",
        ("gowal2019", "madry2018"),
    ),
    Definition(
        "bounds",
        "IBP, CROWN",
        "IBP: every value of the network is enclosed in an interval, layer by layer. CROWN: "
        "every activation is enclosed between two straight lines, and the margin is written as "
        "a linear function of the input by substitution backwards; tighter, and dearer.",
        ("gowal2019", "zhang2018"),
    ),
    Definition(
        "certified-radius",
        "Certified radius",
        "For each example the largest radius of a set of inputs, or the largest λ of a set of "
        "parameters, at which a bound shows that nothing in the set changes its class; found "
        "by bisection. The mean over examples, where wrong ones count as 0, and those that are "
        "certified at the most that was tried as that.",
        ("gowal2019", "zhang2018"),
    ),
    Definition(
        "parameter-set",
        "Set of parameters",
        "Alternative networks: every weight and bias θ may become any θ̃ in the set. "
        "“relative:0.01”: |θ̃ − θ| ≤ 0.01 |θ|. “constant:0.01”: |θ̃ − θ| ≤ 0.01. “ball:0.01”: "
        "for each tensor ‖θ̃ − θ‖₂ ≤ 0.01 ‖θ‖₂. “linf:0.1 × relative:0.01” allows both an "
        "input and an alternative network.",
    ),
)
