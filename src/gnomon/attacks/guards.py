"""Checks the inputs, labels and logits of every attack before it starts."""

import torch
from torch import Tensor

from gnomon.errors import OutOfDomainError, SettingError
from gnomon.networks import classifiers
from gnomon.sets import InputSet
from gnomon.shapes import Labels, Logits, Mask

Aims = Labels | int | None
"""Classes to be reached: one for all examples, one for each, or none in particular."""


def check_examples(inputs: Tensor, labels: Tensor, within: InputSet) -> None:
    """Raises for an empty batch, or for examples outside the set's domain.

    Raises:
        ShapeError: labels that are not one whole number per input, or inputs that are no batch.
        OutOfDomainError: an input that is NaN or lies outside the domain.
    """
    classifiers.check_inputs(inputs)
    classifiers.check_labels(labels, len(inputs))
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


def check_logits(logits: object, labels: Labels) -> Tensor:
    """The output, which is refused where it cannot be the logits of these labels.

    Raises:
        ShapeError: the output is not batch × classes.
        SubjectError: logits that are NaN or +∞ at unperturbed inputs, or a label without a
            logit.
    """
    rows = classifiers.check_logits(logits, len(labels))
    classifiers.check_values(rows)
    classifiers.check_classes(labels, rows.shape[1])
    return rows


def aims_of(name: str, aims: Aims, labels: Labels) -> Labels | None:
    """The target class of each example; None for untargeted attacks.

    Raises:
        ShapeError: not one whole number per example.
        SettingError: the class to be reached is the label.
    """
    if aims is None:
        return None
    if isinstance(aims, int):
        aims = torch.full_like(labels, aims)
    classifiers.check_labels(aims, len(labels))
    aims = aims.to(labels.device)
    if bool((aims == labels).any()):
        index = int((aims == labels).nonzero()[0])
        raise SettingError(
            f"{name}: expected targets other than the labels, got class {int(aims[index])} for "
            f"the example at index {index}, which is its label. Leave that example out, or "
            "give it another target."
        )
    return aims


def is_fooled(logits: Logits, labels: Labels) -> Mask:
    """The largest logit is not the label's; an output with NaN is wrong whatever its argmax.

    Where several are largest, +∞ among them, the first of them counts.
    """
    return (logits.argmax(dim=1) != labels) | logits.isnan().any(dim=1)


def is_reached(logits: Logits, targets: Labels) -> Mask:
    """The largest logit is the target's; an output with NaN reaches nothing."""
    return (logits.argmax(dim=1) == targets) & ~logits.isnan().any(dim=1)


def probabilities(outputs: Tensor) -> bool:
    """True if outputs look like probabilities: none negative, each row's sum 1 (± 1e-4)."""
    sums = outputs.sum(dim=1)
    ones = torch.ones_like(sums)
    return bool((outputs >= 0).all()) and bool(torch.allclose(sums, ones, rtol=0, atol=1e-4))
