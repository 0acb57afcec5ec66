"""The terms of the weight matrices."""

from gnomon.report.definition import Definition

WEIGHTS_TERMS = (
    Definition(
        "weight-matrix",
        "Weight matrix",
        "A parameter with two axes or more as a matrix W with a row for each output: of a "
        "convolution its kernels, (out, in · k · k). ‖W − W₀‖_F / ‖W₀‖_F says how far training "
        "moved it from the first snapshot W₀. A side of more than 64 is drawn in blocks of k "
        "entries, each as their sum over √k; colours end where one entry in two hundred is "
        "larger.",
    ),
    Definition(
        "weight-norm",
        "Frobenius norm, spectral norm, stable rank",
        "‖W‖_F = (Σ w_ij²)^½, for several matrices together the root of the sum of squares. "
        "‖W‖₂ = max ‖Wx‖₂ / ‖x‖₂ = σ_max: how much W can stretch. ‖W‖_F² / ‖W‖₂², the stable "
        "rank, is between 1 (one direction carries all) and the rank. For a convolution they "
        "are those of its kernel matrix, not of the operator on images.",
        ("rudelson2007", "sedghi2019"),
    ),
    Definition(
        "singular-value",
        "Singular values, condition number",
        "W = U diag(σ) Vᵀ with orthogonal U and V: W maps the unit ball to an ellipsoid with "
        "semi-axes σ. The condition number is σ_max / σ_min, infinite where a singular value "
        "is 0 up to rounding. Of more than 200 an even selection by rank is drawn, and none "
        "below a millionth of the largest.",
        ("golub2013",),
    ),
    Definition(
        "eigenvalue",
        "Eigenvalues, circular law, outliers",
        "Of a square weight matrix with n rows: Wv = λv. Spread: |λ|max − |λ|min; condition: "
        "|λ|max / |λ|min. For independent entries of mean 0 and one size the eigenvalues fill "
        "the disc of radius ‖W‖_F / √n as n grows. An outlier has |λ| > (1 + 1.75/√n) ‖W‖_F / "
        "√n: at most about one in a hundred random Gaussian matrices with up to 200 rows has "
        "one. An eigenvalue counts as not real when |Im λ| exceeds the rounding errors, "
        "n 2⁻⁵² ‖W‖₂.",
        ("tao2010", "ginibre1965", "golub2013"),
    ),
)
