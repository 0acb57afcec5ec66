"""Checks inputs, labels and logits of a classifier: one row and one label per example."""

from collections.abc import Mapping

import torch
from torch import Tensor

from gnomon.errors import ShapeError, SubjectError
from gnomon.sets.guards import known


def check_labels(labels: object, examples: int) -> None:
    """Refuses labels that are not one int64 number per example.

    Args:
        labels: the value passed as labels.
        examples: the number of examples.

    Raises:
        ShapeError: another shape, number or type; the message says how to convert it.
    """
    wanted = f"labels: expected {examples} whole numbers in int64, one per example"
    if not isinstance(labels, Tensor):
        raise ShapeError(
            f"{wanted}, got {type(labels).__name__}. Give torch.as_tensor(labels)."
        )
    if labels.dim() == 2 and len(labels) == examples and labels.shape[1] > 1:
        raise ShapeError(
            f"{wanted}, got a matrix of shape {tuple(labels.shape)}. If its rows are one-hot, "
            "give labels.argmax(dim=1)."
        )
    if labels.dim() == 2 and labels.shape == (examples, 1):
        raise ShapeError(f"{wanted}, got shape {tuple(labels.shape)}. Give labels[:, 0].")
    if labels.dim() != 1 or len(labels) != examples:
        raise ShapeError(
            f"{wanted}, got shape {tuple(labels.shape)}. Give one label per input."
        )
    if labels.dtype != torch.int64:
        raise ShapeError(f"{wanted}, got {labels.dtype}. Give labels.long().")


def check_inputs(inputs: object) -> None:
    """Refuses inputs that are not a batch of floating-point numbers.

    Raises:
        ShapeError: inputs are no tensor, lack a batch axis, or are whole numbers.
    """
    if not isinstance(inputs, Tensor):
        raise ShapeError(
            f"inputs: expected a tensor, a batch of examples, got {type(inputs).__name__}. "
            "Give torch.as_tensor(inputs)."
        )
    if inputs.dim() < 2:
        raise ShapeError(
            f"inputs: expected a batch of examples with an axis or more, got shape "
            f"{tuple(inputs.shape)}. Give inputs[None] for one example, inputs[:, None] for "
            "examples of one feature."
        )
    if not inputs.is_floating_point():
        raise ShapeError(
            f"inputs: expected floating-point numbers, got {inputs.dtype}. Convert them as the "
            "network expects them, such as images.float() / 255."
        )


def check_logits(output: object, examples: int) -> Tensor:
    """Returns the output if it is one row of logits, of two classes or more, per example.

    Raises:
        ShapeError: no tensor, or another shape.
    """
    wanted = f"expected logits of shape ({examples}, classes ≥ 2)"
    if isinstance(output, Mapping):
        names = ", ".join(repr(each) for each in output)
        raise ShapeError(
            f"{wanted}, got a mapping with the keys {names}. Wrap the network in a module that "
            "returns the logits alone."
        )
    if not isinstance(output, Tensor):
        raise ShapeError(
            f"{wanted}, got {type(output).__name__}. Wrap the network in a module that returns "
            "the logits alone."
        )
    if output.shape in {(examples,), (examples, 1)}:
        raise ShapeError(
            f"{wanted}, got {tuple(output.shape)}: one number z per example. If it is the "
            "logit of the second of two classes, give a network that returns the columns 0 "
            "and z."
        )
    if output.dim() != 2 or len(output) != examples or output.shape[1] < 2:
        raise ShapeError(
            f"{wanted}, got {tuple(output.shape)}. Give a network that returns one row of "
            "logits per input."
        )
    if not output.is_floating_point():
        raise ShapeError(
            f"{wanted} in floating point, got {output.dtype}. Give a network that returns "
            "logits, not classes."
        )
    return output


def check_classes(labels: Tensor, classes: int) -> None:
    """Refuses labels outside 0 … classes − 1.

    Raises:
        SubjectError: a label below 0, or without a logit.
    """
    if known(lambda: bool(((labels < 0) | (labels >= classes)).any())):
        least, most = int(labels.min()), int(labels.max())
        raise SubjectError(
            f"expected labels below {classes}, the number of logits, and none below 0, got "
            f"{least} … {most}. Check that the network fits the data, and that classes are "
            "counted from 0."
        )


def check_values(logits: Tensor) -> None:
    """Refuses logits of unperturbed inputs that are NaN, +∞, or −∞ throughout a row.

    A logit of −∞ is a class that the network excludes; some class must be left.

    Raises:
        SubjectError: NaN, +∞, or a row of −∞ alone.
    """
    if logits.isnan().any():
        raise SubjectError(
            "expected finite logits, got NaN at an unperturbed input. Check the weights."
        )
    if logits.isposinf().any():
        raise SubjectError(
            "expected logits below infinity, got +inf at an unperturbed input: they overflow. "
            "Check the weights and the units of the inputs."
        )
    if bool(logits.isneginf().all(dim=1).any()):
        raise SubjectError(
            "expected some class with a logit above −inf, got a row of −inf alone. Check "
            "which classes the network masks."
        )
