"""The gradients of a network in one tensor."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn

CLIP_GUARD = 1e-6
"""The number that torch adds to a norm before it divides by it."""


class Gradients:
    """The gradients of all trained parameters, held as parts of one tensor.

    Torch adds a gradient to the one that is there. So with the parts in place as `grad` of the
    parameters, to clear all, to take their norm, or to sum them over processes is one operation
    each, however many parameters there are. A parameter that the loss does not depend on has
    the gradient 0.

    Args:
        parameters: of a network; those that need no gradient are left out.

    Attributes:
        trained: the others.
        flat: all gradients; one tensor for each type of number that parameters have.
    """

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.trained = [each for each in parameters if each.requires_grad]
        self.flat: list[Float[Tensor, " entries"]] = []
        self._parts: list[tuple[nn.Parameter, Tensor]] = []
        for kind in dict.fromkeys(each.dtype for each in self.trained):
            self._hold([each for each in self.trained if each.dtype == kind])

    def clear(self) -> None:
        """Makes all gradients 0."""
        for flat in self.flat:
            flat.zero_()

    def collect(self) -> None:
        """Takes over gradients that were not added to the parts, but put in their place."""
        for parameter, part in self._parts:
            gradient = parameter.grad
            if gradient is not part:
                part.zero_() if gradient is None else part.copy_(gradient.detach())
                parameter.grad = part

    def norm(self) -> Float[Tensor, ""]:
        """The Euclidean norm of all gradients together."""
        norms = [torch.linalg.vector_norm(flat) for flat in self.flat]
        return norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms))

    def clip(self, bound: float) -> Float[Tensor, ""]:
        """The norm; afterwards it is at most `bound`.

        Added up in torch's order, the norm of each parameter's gradient first, so that a
        clipped step is to the bit that of `clip_grad_norm_`.
        """
        norm = nn.utils.get_total_norm([part for _, part in self._parts], foreach=True)
        factor = (bound / (norm + CLIP_GUARD)).clamp(max=1.0)
        for flat in self.flat:
            flat.mul_(factor)
        return norm

    def _hold(self, parameters: list[nn.Parameter]) -> None:
        """Makes the tensor for parameters of one type, and its parts."""
        flat = parameters[0].new_zeros(sum(each.numel() for each in parameters))
        self.flat.append(flat)
        first = 0
        for each in parameters:
            part = flat[first : first + each.numel()]
            # Laid out as the parameter is, since fused updates go through both in memory.
            dense = each.is_contiguous(memory_format=torch.channels_last)
            if dense and not each.is_contiguous():
                part = part.as_strided(each.shape, each.stride())
            else:
                part = part.view_as(each)
            self._parts.append((each, part))
            each.grad = part
            first += each.numel()
