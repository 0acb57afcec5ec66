"""What can be certified of inputs, of parameters, and of both at once."""

import itertools
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from gnomon.algebra import Outward
from gnomon.attacks import PGD
from gnomon.attacks.parameters import JointPGD
from gnomon.audit.bracket import Bracket
from gnomon.audit.doubts import bound_beaten
from gnomon.audit.finding import Finding
from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import Subject
from gnomon.audit.topics.challenge import Answer, Challenge, Claim, certifying
from gnomon.bounds import CROWN, IBP, BoundMethod, Margins
from gnomon.errors import UnsupportedOperationError
from gnomon.networks import device_of, undisturbed
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterRegion, ParameterSet
from gnomon.shapes import Inputs, Labels, Mask


@dataclass(frozen=True)
class _Threat:
    """A set of inputs, of parameters, or of both; None leaves one of them as it is."""

    inputs: InputSet | None
    parameters: ParameterSet | None

    def region(self, subject: Subject) -> ParameterRegion | None:
        """The parameters that are allowed; None for those of the network."""
        if self.parameters is None:
            return None
        return self.parameters.of(subject.network).detach()

    def __str__(self) -> str:
        return " × ".join(str(each) for each in (self.inputs, self.parameters) if each)


@dataclass(frozen=True)
class CertifiedAccuracy:
    """The share of examples that nothing allowed can get wrong: `certified_accuracy`.

    There is a finding for each set of inputs, each set of parameters, and each pair, named for
    example "linf:0.1 × relative:0.01". The true worst-case accuracy is at least the figure; a
    search inside the same sets, on the same examples, gives the other end of a bracket.

    Details of a finding:

    - certified, attacked: the bracket, as shares of the examples.
    - examples: how many were examined; `right`: how many are right without perturbation.
    - methods: for each method of bounds its name, the kind of truth, and the share that it
      certified; a later method is asked only of what the earlier ones left open.
    - challenged: for how many certificates, of either kind of truth, members beyond their
      bounds were searched, and by how many searches some were found; `reason`, where no search
      could be made.
    - rounded: the share certified also by bounds that are sound in floating point; `None` where
      these do not support the network. `rounded_methods`: as `methods`, of these, with the
      executions of which each is true (`level`, in words).

    Attributes:
        within: sets of inputs.
        parameters: sets of parameters, around those of the network.
        methods: of bounds, the cheapest first.
        rounded: methods sound in floating point, asked of what the others certify.
        examples: so many examined examples at most, drawn at random.
        batch: examples at a time.
        search: inside sets of parameters, and of both.
        challenge: of the certificates, on some of the examples that have one.
    """

    topic: ClassVar[str] = "certificates"
    names: ClassVar[tuple[str, ...]] = ("certified_accuracy",)
    within: tuple[InputSet, ...]
    parameters: tuple[ParameterSet, ...] = ()
    methods: tuple[BoundMethod, ...] = (IBP(), CROWN())
    rounded: tuple[BoundMethod, ...] = (IBP(Outward()), CROWN(Outward()))
    examples: int = 50
    batch: int = 10
    search: JointPGD = field(default_factory=JointPGD)
    challenge: Challenge = field(default_factory=Challenge)

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """One finding for each threat."""
        order = torch.randperm(len(subject.labels), generator=generator)
        chosen = order[: self.examples].sort().values
        device = device_of(subject.network)
        inputs, labels = subject.inputs[chosen].to(device), subject.labels[chosen].to(device)
        fitted = [subject.fit(within) for within in self.within]
        threats = [_Threat(within, None) for within in fitted]
        threats += [
            _Threat(within, around)
            for around, within in itertools.product(self.parameters, (None, *fitted))
        ]
        return tuple(
            self._finding(subject, threat, inputs, labels, generator) for threat in threats
        )

    def _finding(
        self,
        subject: Subject,
        threat: _Threat,
        inputs: Inputs,
        labels: Labels,
        generator: torch.Generator,
    ) -> Finding:
        network = subject.network
        with undisturbed(network), torch.no_grad():
            right = network(inputs).argmax(dim=1) == labels
            upper, methods = self._bounded(self.methods, subject, threat, inputs, labels, right)
            certified = Margins(upper, labels).certified
            rounded, also = self._rounded(subject, threat, inputs, labels, certified)
        answer = self._challenged(subject, threat, inputs, labels, (upper, *also))
        fooled = self._fooled(subject, threat, inputs, labels, generator)
        doubt = bound_beaten(str(threat), certified, fooled)
        doubts = (*answer.doubts, *(() if doubt is None else (doubt,)))
        count, examples = int((certified & ~fooled).sum()), len(labels)
        bracket = Bracket(count / examples, int((~fooled).sum()) / examples)
        return Finding(
            probe=self.topic,
            name="certified_accuracy",
            condition=str(threat),
            value=bracket.certified,
            unit="share",
            error=clopper_pearson(count, examples),
            method=f"Share of {examples} random test examples for which bounds by "
            f"{_listed(methods)} show that nothing in {threat} changes their class: a lower "
            "bound of the true worst-case accuracy (in exact arithmetic: these bounds are "
            f"computed with ordinary rounding). {_also_rounded(rounded)} A search inside "
            f"leaves {bracket.attacked:.1%} right. {answer.sentence} 95 % Clopper–Pearson "
            "interval.",
            doubts=doubts,
            details={
                "certified": bracket.certified,
                "attacked": bracket.attacked,
                "examples": examples,
                "right": int(right.sum()),
                "methods": methods,
                "challenged": answer.details,
                **rounded,
            },
            references=("gowal2019", "zhang2018", "clopper1934"),
        )

    def _bounded(
        self,
        methods: tuple[BoundMethod, ...],
        subject: Subject,
        threat: _Threat,
        inputs: Inputs,
        labels: Labels,
        asked: Mask,
    ) -> tuple[Tensor, list[dict[str, Any]]]:
        """Upper bounds of margins, NaN where not asked, and what each method added.

        A method is asked of what the methods before it left open.
        """
        region = threat.region(subject)
        upper: Tensor | None = None
        said = list[dict[str, Any]]()
        certified = torch.zeros_like(asked)
        for method in methods:
            open_ = (asked & ~certified).nonzero().flatten()
            for part in open_.split(self.batch):
                if not len(part):
                    continue
                margins = method(
                    subject.network, inputs[part], labels[part], threat.inputs, region
                )
                if upper is None:
                    shape = (len(labels), margins.upper.shape[1])
                    upper = margins.upper.new_full(shape, torch.nan)
                upper[part] = margins.upper
                certified[part] = margins.certified
            share = float(certified[open_].double().sum()) / len(labels)
            said.append({"name": method.name, "kind": method.kind, "certified": share})
            if isinstance(method, IBP | CROWN) and method.arithmetic.outwards:
                said[-1]["level"] = str(method.arithmetic.level)
        if upper is None:  # no example is right
            upper = inputs.new_full((len(labels), int(labels.max()) + 1), torch.nan)
        return upper, said

    def _rounded(
        self, subject: Subject, threat: _Threat, inputs: Inputs, labels: Labels, certified: Mask
    ) -> tuple[dict[str, Any], tuple[Tensor, ...]]:
        """Which share is certified if rounding of bounds counts, and by which bounds."""
        try:
            upper, said = self._bounded(
                self.rounded, subject, threat, inputs, labels, certified
            )
        except UnsupportedOperationError:
            return {"rounded": None, "rounded_methods": []}, ()
        share = float(Margins(upper, labels).certified.double().mean())
        return {"rounded": share, "rounded_methods": said}, (upper,)

    def _challenged(
        self,
        subject: Subject,
        threat: _Threat,
        inputs: Inputs,
        labels: Labels,
        bounds: tuple[Tensor, ...],
    ) -> Answer:
        """What a search found beyond the bounds of some certified examples."""
        answer = Answer()
        for upper in bounds:
            certified = Margins(upper, labels).certified
            claim = Claim(
                str(threat),
                inputs[certified],
                certifying(upper, labels, certified),
                threat.inputs,
                threat.region(subject),
            )
            answer = answer + self.challenge(subject.network, claim)
        return answer

    def _fooled(
        self,
        subject: Subject,
        threat: _Threat,
        inputs: Inputs,
        labels: Labels,
        generator: torch.Generator,
    ) -> Mask:
        """Which examples a search inside the sets gets wrong."""
        region = threat.region(subject)
        if region is not None:
            return self.search(
                subject.network, inputs, labels, threat.inputs, region, generator
            ).fooled
        assert threat.inputs is not None
        return subject.looking(PGD())(
            subject.network, inputs, labels, threat.inputs, generator
        ).fooled


def _also_rounded(rounded: dict[str, Any]) -> str:
    """What is left of the figure when the rounding of bounds is counted."""
    if rounded["rounded"] is None:
        return "Bounds that are sound in floating point do not support this network."
    names = _listed(rounded["rounded_methods"])
    levels = dict.fromkeys(each.get("level") for each in rounded["rounded_methods"])
    levels.pop(None, None)
    true_of = f", true of {' and of '.join(levels)}" if levels else ""
    return f"Sound in floating point, by {names}{true_of}: {rounded['rounded']:.1%}."


def _listed(methods: list[dict[str, Any]]) -> str:
    return " and ".join(each["name"] for each in methods)
