"""The seam between the audit and what it measures."""

from typing import ClassVar, Protocol, runtime_checkable

import torch

from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject


@runtime_checkable
class Probe(Protocol):
    """A frozen dataclass that examines a subject; its fields are its settings.

    The network is left as it was found: mode, weights, gradients, buffers. All that is random
    comes from the generator, so that the same seed gives the same findings.
    """

    topic: ClassVar[str]
    """The topic of the probe, such as "accuracy" or "noise"; the `probe` of its findings."""
    names: ClassVar[tuple[str, ...]]
    """The names of its findings, such as "clean_accuracy": what a requirement can be about."""

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """The findings, in the order in which they are read."""
        ...
