"""The terms of the decision boundary."""

from gnomon.report.definition import Definition

BOUNDARY_TERMS = (
    Definition(
        "boundary-complexity",
        "Length, turning and parts of the decision boundary",
        "The boundary is where the lead z_k − max_{j≠k} z_j of some class k is zero, found by "
        "marching squares on a grid, with each vertex moved to the true zero on its edge of "
        "the grid. Length per area: its length divided by the area of the window, in 1/unit. "
        "Turning: ∫ |κ| ds, the total absolute angle by which it turns: 0 for a straight "
        "line, 2π for a circle of any size; where regions of opening angles α_i meet, it is "
        "½ Σ |π − α_i|. Turning per length is the mean curvature, 1/r for a circle. Parts: "
        "pieces that do not touch within a cell of the grid. The edge of the window does not "
        "count, nor does what is smaller than a cell.",
        ("lorensen1987", "chandrupatla1997"),
    ),
    Definition(
        "decision-slice",
        "Slice",
        "The plane through three examples a, b, c: the inputs a + x u + y v, where u points "
        "from a to b, v is orthogonal to u, and both have length 1 (so that distances in the "
        "picture are L2 distances between inputs). The window is a square that holds the three "
        "with a tenth of its extent more on each side. Most mixtures of three pictures are no "
        "pictures: parts of a slice lie outside the domain.",
    ),
)
