"""What every attack checks before it starts."""

import torch
from torch import Tensor

from gnomon.errors import OutOfDomainError, ShapeError, SubjectError
from gnomon.sets import InputSet
from gnomon.shapes import Inputs, Labels, Logits, Mask


def check_examples(inputs: Inputs, labels: Labels, within: InputSet) -> None:
    """Refuses inputs that the set's promise would not hold for.

    Raises:
        ShapeError: as many labels as inputs are needed.
        OutOfDomainError: an input that is NaN or lies outside the domain.
    """
    if len(inputs) != len(labels):
        raise ShapeError(
            f"expected one label per input, got {len(inputs)} inputs, {len(labels)} labels."
        )
    low, high = within.domain or (-torch.inf, torch.inf)
    outside = ~((inputs >= low) & (inputs <= high) & inputs.isfinite()).flatten(1).all(dim=1)
    if outside.any():
        index = int(outside.nonzero()[0])
        least, most = float(inputs[index].min()), float(inputs[index].max())
        raise OutOfDomainError(
            f"inputs must be finite and lie in [{low:g}, {high:g}], got [{least:g}, {most:g}] "
            "at "
            f"index {index}. Rescale the data, or give the set the domain your data have."
        )


def check_logits(logits: Tensor, labels: Labels) -> None:
    """Refuses an output that cannot be the logits of these labels.

    Raises:
        ShapeError: the output is not batch × classes.
        SubjectError: logits that are NaN at unperturbed inputs, or a label without a logit.
    """
    if logits.dim() != 2 or len(logits) != len(labels) or logits.shape[1] < 2:
        raise ShapeError(
            f"expected logits of shape ({len(labels)}, classes ≥ 2), got "
            f"{tuple(logits.shape)}. "
            "Give a network that returns one row of logits per input."
        )
    if logits.isnan().any():
        raise SubjectError(
            "expected finite logits, got NaN at an unperturbed input. Check the weights."
        )
    if len(labels) and int(labels.max()) >= logits.shape[1]:
        raise SubjectError(
            f"expected labels below {logits.shape[1]}, the number of logits, got "
            f"{int(labels.max())}. "
            "Check that the network fits the data."
        )


def is_fooled(logits: Logits, labels: Labels) -> Mask:
    """The largest logit is not the label's; an output with NaN is wrong whatever its argmax."""
    return (logits.argmax(dim=1) != labels) | logits.isnan().any(dim=1)


def probabilities(outputs: Tensor) -> bool:
    """Whether all outputs look like probabilities: none negative, each row's sum 1 (± 1e-4)."""
    sums = outputs.sum(dim=1)
    ones = torch.ones_like(sums)
    return bool((outputs >= 0).all()) and bool(torch.allclose(sums, ones, rtol=0, atol=1e-4))
