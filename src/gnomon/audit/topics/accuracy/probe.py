"""Accuracy on the examples as they are."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Int
from torch import Tensor

from gnomon.audit.finding import Finding
from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import Subject
from gnomon.networks.predictions import predict
from gnomon.shapes import Labels


@dataclass(frozen=True)
class ClassAccuracy:
    """The accuracy on the examples of one class.

    Attributes:
        name: of the class.
        examples: their number.
        correct: how many of them are given the class.
        accuracy: their share; None without examples.
        error: its 95 % interval; None without examples.
    """

    name: str
    examples: int
    correct: int
    accuracy: float | None
    error: tuple[float, float] | None


@dataclass(frozen=True)
class Confusions:
    """The details of `clean_accuracy`.

    Attributes:
        examples: their number.
        correct: how many of them are given their label.
        confusion: rows are true classes, columns predicted ones; entries count examples.
        per_class: one row for each class.
    """

    examples: int
    correct: int
    confusion: tuple[tuple[int, ...], ...]
    per_class: tuple[ClassAccuracy, ...]


@dataclass(frozen=True)
class CleanAccuracy:
    """The share of examples given their label, without any perturbation: `clean_accuracy`.

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
            details=Confusions(
                examples,
                correct,
                tuple(map(tuple, counts.tolist())),
                _per_class(counts, subject.data.class_names),
            ),
            references=("clopper1934",),
        )
        return (finding,)


def confusion_matrix(
    labels: Labels, predicted: Labels, classes: int
) -> Int[Tensor, " classes classes"]:
    """Counts the examples of each true class (row) that were given each class (column)."""
    cells = torch.bincount(labels * classes + predicted, minlength=classes * classes)
    return cells.reshape(classes, classes)


def _per_class(counts: Tensor, names: tuple[str, ...]) -> tuple[ClassAccuracy, ...]:
    rows: list[ClassAccuracy] = []
    for index, name in enumerate(names):
        examples, correct = int(counts[index].sum()), int(counts[index, index])
        share = correct / examples if examples else None
        error = clopper_pearson(correct, examples) if examples else None
        rows.append(ClassAccuracy(name, examples, correct, share, error))
    return tuple(rows)
