"""Accuracy on the examples as they are."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Int
from torch import Tensor

from gnomon.audit.finding import Finding
from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import Subject
from gnomon.networks.predictions import predict
from gnomon.shapes import Labels


@dataclass(frozen=True)
class CleanAccuracy:
    """The share of examples given their label, without any perturbation: `clean_accuracy`.

    Details of its finding:

    - examples, correct: counts.
    - confusion: rows are true classes, columns predicted ones; entries count examples.
    - per_class: for each class its name, examples, correct, accuracy and interval `error`;
      accuracy and error are null for a class without examples.

    Attributes:
        batch: examples at a time.
    """

    topic: ClassVar[str] = "accuracy"
    names: ClassVar[tuple[str, ...]] = ("clean_accuracy",)
    batch: int = 500

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:  # noqa: ARG002
        """One finding; nothing in it is random."""
        predicted = predict(subject.network, subject.inputs, self.batch)
        counts = confusion_matrix(subject.labels, predicted, subject.data.classes)
        correct, examples = int(counts.diagonal().sum()), len(subject.labels)
        finding = Finding(
            probe=self.topic,
            name="clean_accuracy",
            value=correct / examples,
            unit="share",
            error=clopper_pearson(correct, examples),
            method="Share of test examples whose largest logit is the label's; "
            "95 % Clopper–Pearson interval.",
            details={
                "examples": examples,
                "correct": correct,
                "confusion": counts.tolist(),
                "per_class": _per_class(counts, subject.data.class_names),
            },
            references=("clopper1934",),
        )
        return (finding,)


def confusion_matrix(
    labels: Labels, predicted: Labels, classes: int
) -> Int[Tensor, " classes classes"]:
    """How many examples of each true class (row) were given each class (column)."""
    cells = torch.bincount(labels * classes + predicted, minlength=classes * classes)
    return cells.reshape(classes, classes)


def _per_class(counts: Tensor, names: tuple[str, ...]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for index, name in enumerate(names):
        examples, correct = int(counts[index].sum()), int(counts[index, index])
        rows.append(
            {
                "name": name,
                "examples": examples,
                "correct": correct,
                "accuracy": correct / examples if examples else None,
                "error": list(clopper_pearson(correct, examples)) if examples else None,
            }
        )
    return rows
