"""The terms of accuracy under noise."""

from gnomon.report.definition import Definition

NOISE_TERMS = (
    Definition(
        "noise-accuracy",
        "Noise accuracy",
        "The share of examples with argmax z(x + ν) = y, for random noise ν, independent in "
        "each coordinate, averaged over several draws. For an L∞ radius r: ν uniform in [−r, "
        "r], or Gaussian of standard deviation r. For an L2 radius r in n dimensions: of the "
        "size at which the root mean square of ‖ν‖₂ is r (uniform in ± r √(3/n), Gaussian of "
        "standard deviation r/√n).",
    ),
)
