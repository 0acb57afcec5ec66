"""What can be certified of inputs, of parameters, and of both at once."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from gnomon.attacks import PGD
from gnomon.attacks.parameters import JointPGD
from gnomon.audit.bracket import Bracket
from gnomon.audit.doubts import bound_beaten
from gnomon.audit.finding import Finding
from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import Subject
from gnomon.bounds import CROWN, IBP, BoundMethod, RoundedCROWN, RoundedIBP
from gnomon.errors import UnsupportedOperationError
from gnomon.networks import device_of, undisturbed
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterSet
from gnomon.shapes import Inputs, Labels, Mask


@dataclass(frozen=True)
class _Threat:
    """A set of inputs, of parameters, or of both; None leaves one of them as it is."""

    inputs: InputSet | None
    parameters: ParameterSet | None

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
    """

    topic: ClassVar[str] = "certificates"
    names: ClassVar[tuple[str, ...]] = ("certified_accuracy",)
    within: tuple[InputSet, ...]
    parameters: tuple[ParameterSet, ...] = ()
    methods: tuple[BoundMethod, ...] = (IBP(), CROWN())
    rounded: tuple[BoundMethod, ...] = (RoundedIBP(), RoundedCROWN())
    examples: int = 50
    batch: int = 10
    search: JointPGD = field(default_factory=JointPGD)

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
            certified, methods = self._certified(
                self.methods, subject, threat, inputs, labels, right
            )
            rounded = self._rounded(subject, threat, inputs, labels, certified)
        fooled = self._fooled(subject, threat, inputs, labels, generator)
        doubt = bound_beaten(str(threat), certified, fooled)
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
            f"leaves {bracket.attacked:.1%} right. 95 % Clopper–Pearson interval.",
            doubts=() if doubt is None else (doubt,),
            details={
                "certified": bracket.certified,
                "attacked": bracket.attacked,
                "examples": examples,
                "right": int(right.sum()),
                "methods": methods,
                **rounded,
            },
            references=("gowal2019", "zhang2018", "clopper1934"),
        )

    def _certified(
        self,
        methods: tuple[BoundMethod, ...],
        subject: Subject,
        threat: _Threat,
        inputs: Inputs,
        labels: Labels,
        asked: Mask,
    ) -> tuple[Mask, list[dict[str, Any]]]:
        """Which of the examples some method certifies, and what each method added."""
        around = threat.parameters
        region = None if around is None else around.of(subject.network).detach()
        certified, said = torch.zeros_like(asked), list[dict[str, Any]]()
        for method in methods:
            open_ = (asked & ~certified).nonzero().flatten()

            def of(part: Tensor, method: BoundMethod = method) -> Mask:
                margins = method(
                    subject.network, inputs[part], labels[part], threat.inputs, region
                )
                return margins.certified

            certified[open_] = _in_parts(of, open_, self.batch)
            share = float(certified[open_].double().sum()) / len(labels)
            said.append({"name": method.name, "kind": method.kind, "certified": share})
            level = getattr(method, "level", None)
            if level is not None:
                said[-1]["level"] = str(level)
        return certified, said

    def _rounded(
        self, subject: Subject, threat: _Threat, inputs: Inputs, labels: Labels, certified: Mask
    ) -> dict[str, Any]:
        """Which share is certified also counting how bounds are rounded."""
        try:
            shown, said = self._certified(
                self.rounded, subject, threat, inputs, labels, certified
            )
        except UnsupportedOperationError:
            return {"rounded": None, "rounded_methods": []}
        share = float(shown.double().mean())
        return {"rounded": share, "rounded_methods": said}

    def _fooled(
        self,
        subject: Subject,
        threat: _Threat,
        inputs: Inputs,
        labels: Labels,
        generator: torch.Generator,
    ) -> Mask:
        """Which examples a search inside the sets gets wrong."""
        if threat.parameters is not None:
            region = threat.parameters.of(subject.network).detach()
            return self.search(
                subject.network, inputs, labels, threat.inputs, region, generator
            ).fooled
        assert threat.inputs is not None
        return PGD()(subject.network, inputs, labels, threat.inputs, generator).fooled


def _in_parts(of: Callable[[Tensor], Mask], places: Tensor, batch: int) -> Mask:
    parts = [of(part) for part in places.split(batch) if len(part)]
    return torch.cat(parts) if parts else torch.zeros_like(places, dtype=torch.bool)


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
