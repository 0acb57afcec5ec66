"""The last matrix of a network: differences of its rows are bounded, not its outputs."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from gnomon.algebra import Parameters, Value, evaluate
from gnomon.algebra.provenance import matrix_of
from gnomon.errors import SubjectError
from gnomon.networks.classifiers import check_classes, check_labels
from gnomon.shapes import Labels


@dataclass(frozen=True, eq=False)
class Head:
    """The last layer of a network and what it receives.

    Attributes:
        logits: the network's output.
        features: what the last matrix received; None where the network does not end in one.
        weight: the last matrix, as it was used.
        bias: what was added to it, as it was used; None where nothing was.
    """

    logits: Value
    features: Value | Tensor | None = None
    weight: Value | Tensor | None = None
    bias: Value | Tensor | None = None

    def each(self, function: Callable[[Value], Value]) -> "Head":
        """The head with something else in place of each value."""
        parts = (
            function(part) if isinstance(part, Value) else part
            for part in (self.features, self.weight, self.bias)
        )
        return Head(function(self.logits), *parts)


def evaluate_head(
    network: nn.Module, inputs: Value | Tensor, parameters: Parameters | None = None
) -> Head:
    """Evaluates the network, and returns its logits with what its last matrix was given.

    Whether they come from a matrix is what the algebra noted when it made them. No module is
    asked: a linear layer may have a forward of its own, or hooks, or something may be done in
    place to what it returned. Then the logits are bounded as they are.

    Raises:
        SubjectError: an output that is not logits of shape (batch, classes), or that depends
            neither on the inputs nor on the parameters.
    """
    logits = evaluate(network, inputs, parameters)
    if isinstance(logits, Tensor):
        raise SubjectError(
            "Bounds: expected logits that depend on the inputs or on the parameters that vary, "
            "got a constant tensor. Return what the layers make of the input."
        )
    if not isinstance(logits, Value):
        raise SubjectError(
            f"Bounds: expected logits, got {type(logits).__name__} from the network. Wrap it "
            "in a module that returns the logits alone."
        )
    if logits.ndim != 2:
        raise SubjectError(
            f"Bounds: expected logits of shape (batch, classes), got {tuple(logits.shape)}. "
            "Wrap the network in a module that returns one row for each example."
        )
    matrix = matrix_of(logits)
    if matrix is None:
        return Head(logits)
    return Head(logits, matrix.features, matrix.weight, matrix.bias)


def evaluate_labelled(
    network: nn.Module, inputs: Value, labels: Labels, parameters: Parameters | None = None
) -> Head:
    """Evaluates the network as `evaluate_head` does, for examples with labels.

    Raises:
        SubjectError: as there, or a label without a logit.
        ShapeError: labels that are not one whole number per example.
    """
    check_labels(labels, inputs.shape[0])
    head = evaluate_head(network, inputs, parameters)
    check_classes(labels, head.logits.shape[1])
    return head
