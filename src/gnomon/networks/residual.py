"""Defines a layer with a shortcut around it."""

from jaxtyping import Float
from torch import Tensor, nn

from gnomon.algebra import Value


class Residual(nn.Module):
    """The sum x ↦ S(x) + B(x) of a shortcut and a body.

    The shortcut S comes first among the layers, because what both receive comes before B.

    Args:
        shortcut: S; the identity, or a convolution where B changes the shape.
        body: B.

    References:
        he2016, equations 1 and 2.
    """

    def __init__(self, shortcut: nn.Module, body: nn.Module) -> None:
        super().__init__()
        self.shortcut, self.body = shortcut, body

    def forward(
        self, x: Float[Tensor, " batch *shape"] | Value
    ) -> Float[Tensor, " batch *outputs"] | Value:
        """The sum S(x) + B(x) at the input x."""
        return self.shortcut(x) + self.body(x)
