"""Certificates, challenged by a search that knows nothing of how they were made."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gnomon.audit.doubts import Doubt, bound_falsified
from gnomon.bounds import Falsification, Falsifier, Margins
from gnomon.errors import GnomonError
from gnomon.networks import undisturbed
from gnomon.seeds import generator
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterRegion
from gnomon.shapes import Inputs, Labels, Logits


@dataclass(frozen=True)
class Claim:
    """Upper bounds of the margins of some examples, over sets that a certificate names.

    Attributes:
        condition: the sets in words.
        inputs: the certified examples.
        margins: their bounds, by which they are certified.
        within: which inputs are allowed; None for the inputs as they are.
        region: which parameters are allowed; None for those of the network.
    """

    condition: str
    inputs: Inputs
    margins: Margins
    within: InputSet | None
    region: ParameterRegion | None = None


@dataclass(frozen=True)
class Challenged:
    """The outcome of a challenge, as it stands in the details of a finding.

    Attributes:
        certificates: number of certificates that were challenged, one for each example and
            kind of bound.
        beaten: number of searches that found a member of the set which contradicts its
            certificate.
        reason: the reason why a search could not be made; empty where it could.
    """

    certificates: int
    beaten: int
    reason: str


@dataclass(frozen=True, eq=False)
class Answer:
    """The outcome of a challenge, with the doubts that it raises.

    Attributes:
        certificates: how many were challenged: one for each example and kind of bound.
        beaten: how many searches found a member that exceeds a bound.
        doubts: about the certificates, one for each such claim.
        reason: why a search could not be made; empty where it could.
    """

    certificates: int = 0
    beaten: int = 0
    doubts: tuple[Doubt, ...] = ()
    reason: str = ""

    @property
    def details(self) -> Challenged:
        """The outcome as it stands in a finding."""
        return Challenged(self.certificates, self.beaten, self.reason)

    @property
    def sentence(self) -> str:
        """What the report says of it."""
        if self.reason:
            return "No certificate could be challenged by a search in float64."
        if not self.certificates:
            return ""
        outcome = "none was found" if not self.beaten else f"found by {self.beaten} searches"
        return (
            f"{self.certificates} certificates were challenged by a search for "
            f"members beyond their bounds: {outcome}."
        )

    def __add__(self, other: "Answer") -> "Answer":
        return Answer(
            self.certificates + other.certificates,
            self.beaten + other.beaten,
            self.doubts + other.doubts,
            self.reason or other.reason,
        )


@dataclass(frozen=True)
class Challenge:
    """Searches the sets of certified examples for a member that exceeds their bounds.

    Attributes:
        examples: of each certificate, so many at most.
        falsifier: the search.
    """

    examples: int = 4
    falsifier: Falsifier = field(default_factory=lambda: Falsifier(members=10, corners=10))

    def __call__(self, network: nn.Module, claim: Claim) -> Answer:
        """What the search found about the first examples of a claim."""
        inputs, labels = (
            each[: self.examples] for each in (claim.inputs, claim.margins.labels)
        )
        margins = Margins(claim.margins.upper[: self.examples], labels)
        if not len(inputs):
            return Answer()
        random = generator(0, "challenge", claim.condition, device=inputs.device)
        try:
            with undisturbed(network):
                found = self.falsifier(
                    network, inputs, margins, claim.within, claim.region, random
                )
        except (GnomonError, RuntimeError, TypeError, ValueError) as error:
            return Answer(reason=str(error))
        return Answer(len(inputs), int(found.beaten), _doubts(claim, found))


def certifying(upper: Tensor, labels: Labels, certified: Tensor) -> Margins:
    """The margins of the certified examples alone."""
    return Margins(upper[certified], labels[certified])


def no_class_overtakes(labels: Labels, logits: Logits) -> Margins:
    """What is claimed where no more than a certificate is known: no margin is above 0."""
    return Margins(torch.zeros_like(logits), labels)


def _doubts(claim: Claim, found: Falsification) -> tuple[Doubt, ...]:
    return (bound_falsified(claim.condition, found),) if found.beaten else ()
