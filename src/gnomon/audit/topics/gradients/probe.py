"""How large the loss's gradient is from layer to layer, and which units pass none on."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.audit.topics.gradients.details import (
    GradientsByLayer,
    RatioByEpoch,
    SaturationByEpoch,
    UnitsByLayer,
    gradients_by_layer,
    ratio_by_epoch,
    saturation_by_epoch,
    units_by_layer,
)
from gnomon.audit.topics.gradients.measures import (
    Measure,
    Seen,
    dead_units,
    gradient_ratio,
    saturated_units,
    vanishing_gradients,
    zero_gradients,
)
from gnomon.errors import SubjectError
from gnomon.representation.gradients import loss_gradients
from gnomon.representation.units import unit_activity
from gnomon.shapes import Inputs, Labels

_Details = GradientsByLayer | RatioByEpoch | UnitsByLayer | SaturationByEpoch


@dataclass(frozen=True)
class GradientFlow:
    """The gradient of the cross-entropy by layer, and the dead and saturated units.

    Findings: "vanishing_gradients" and "zero_gradients", shares of the entries of the gradient
    of the mean loss, over all parameters; "gradient_ratio", the root mean square entry of the
    first weight layer's matrix divided by the last's; "dead_units" and "saturated_units",
    shares of all hidden units. All are exact for the examined examples, and have no interval.

    An epoch of the training is seen on at most `epoch_examples` random examples, the same for
    all.

    Attributes:
        threshold: an entry vanishes at or below this multiple of the network's largest.
        saturation: a slope below it is saturated.
        often: a unit is saturated if it is so on at least this share of the examples.
        epoch_examples: at most so many examples for each snapshot of the training.
        batch: examples at a time.
    """

    topic: ClassVar[str] = "gradients"
    names: ClassVar[tuple[str, ...]] = (
        "vanishing_gradients",
        "zero_gradients",
        "gradient_ratio",
        "dead_units",
        "saturated_units",
    )
    threshold: float = 1e-4
    saturation: float = 0.01
    often: float = 0.95
    epoch_examples: int = 2000
    batch: int = 500

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """Five findings; the signs of slopes and the sampled coordinates are random."""
        seen = self._look(subject.network, subject.inputs, subject.labels, generator)
        epochs = self._through_training(subject, generator)
        return (*self._of_gradients(seen, epochs), *self._of_units(seen, epochs))

    def _look(
        self, network: nn.Module, inputs: Inputs, labels: Labels, generator: torch.Generator
    ) -> Seen:
        activity = unit_activity(
            network,
            inputs,
            generator=generator,
            batch=self.batch,
            saturation=self.saturation,
        )
        try:
            found = loss_gradients(
                network, inputs, labels, batch=self.batch, threshold=self.threshold
            )
        except SubjectError:
            return Seen(None, activity, "the logits cannot be differentiated")
        return Seen(found, activity)

    def _through_training(
        self, subject: Subject, generator: torch.Generator
    ) -> dict[int, Seen | None]:
        """What is seen after each epoch; None where the weights are not finite."""
        order = torch.randperm(
            len(subject.labels), generator=generator, device=generator.device
        )
        chosen = order[: self.epoch_examples].sort().values.to(subject.labels.device)
        inputs, labels = subject.inputs[chosen], subject.labels[chosen]
        epochs: dict[int, Seen | None] = {}
        for epoch, network in subject.snapshots.items():
            finite = all(bool(each.isfinite().all()) for each in network.parameters())
            epochs[epoch] = self._look(network, inputs, labels, generator) if finite else None
        return epochs

    def _of_gradients(
        self, seen: Seen, epochs: dict[int, Seen | None]
    ) -> tuple[Finding, Finding, Finding]:
        return (
            self._finding(
                "vanishing_gradients",
                vanishing_gradients(seen),
                "Share of the entries of the gradient of the mean cross-entropy, with respect "
                f"to all parameters, that are at most {self.threshold:g} times the largest.",
                gradients_by_layer(seen, epochs),
            ),
            self._finding(
                "zero_gradients",
                zero_gradients(seen),
                "Share of the entries of the same gradient that are exactly zero.",
                None,
            ),
            self._finding(
                "gradient_ratio",
                gradient_ratio(seen),
                "Root mean square entry of the same gradient in the matrix of the weight layer "
                "called first, divided by that of the one called last.",
                ratio_by_epoch(epochs),
            ),
        )

    def _of_units(self, seen: Seen, epochs: dict[int, Seen | None]) -> tuple[Finding, Finding]:
        share = self.often
        return (
            self._finding(
                "dead_units",
                dead_units(seen),
                "Share of the units of all weight layers but the last whose slope is exactly 0 "
                "for every example and position.",
                units_by_layer(seen, epochs, share),
            ),
            self._finding(
                "saturated_units",
                saturated_units(seen, share),
                "Share of those units whose slope, the largest over positions, is below "
                f"{self.saturation:g} for at least {share:.0%} of the examples.",
                saturation_by_epoch(epochs, share),
            ),
        )

    def _finding(
        self, name: str, measure: Measure, method: str, details: _Details | None
    ) -> Finding:
        return Finding(
            probe=self.topic,
            name=name,
            value=measure.value,
            unit="" if name == "gradient_ratio" else "share",
            error=None,
            method=method,
            details=details,
            references=("lu2020",) if name.endswith("units") else ("glorot2010", "pascanu2013"),
            absent=measure.absent,
        )
