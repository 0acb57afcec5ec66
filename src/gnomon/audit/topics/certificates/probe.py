"""What can be certified of inputs, of parameters, and of both at once."""

import itertools
from dataclasses import dataclass, field
from operator import not_
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gnomon.algebra import Outward
from gnomon.attacks import PGD
from gnomon.attacks.parameters import JointPGD
from gnomon.audit.bracket import Bracket
from gnomon.audit.doubts import bound_beaten
from gnomon.audit.finding import Finding
from gnomon.audit.intervals import clopper_pearson
from gnomon.audit.subject import Subject
from gnomon.audit.topics.challenge import Answer, Challenge, Challenged, Claim, certifying
from gnomon.bounds import CROWN, IBP, BoundMethod, Margins
from gnomon.errors import UnsupportedOperationError
from gnomon.networks import device_of, undisturbed
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterRegion, ParameterSet
from gnomon.shapes import Inputs, Labels, Mask


@dataclass(frozen=True)
class CertifiedByMethod:
    """The share of examples that a method of bounds adds to those certified before it.

    Attributes:
        name: name of the method, such as "CROWN".
        kind: the kind of truth, "exact arithmetic" or "floating point".
        certified: share of all examined examples that this method certifies, and none before
            it, between 0 and 1.
        level: the executions of which the bounds are true, in words; empty, and not in the
            file, where the method names none.
    """

    name: str
    kind: str
    certified: float
    level: Annotated[str, Field(exclude_if=not_)] = ""


@dataclass(frozen=True)
class CertifiedAndAttacked:
    """The details of `certified_accuracy`: the bracket, and the methods that made it.

    Shares are of the examined examples, between 0 and 1.

    Attributes:
        certified: share for which bounds show that nothing in the set changes the class.
        attacked: share that a search in the set left right; the upper end of the bracket.
        examples: number of examined examples.
        right: number of examples that are right without perturbation.
        methods: methods of bounds in the order in which they are asked; each is asked only of
            what those before it left open.
        challenged: outcome of the search for members beyond the bounds of some certificates.
        rounded: share certified also by bounds that are sound in floating point; None where
            these do not support the network.
        rounded_methods: methods of those bounds, in their order; none where they do not support
            the network.
    """

    certified: float
    attacked: float
    examples: int
    right: int
    methods: tuple[CertifiedByMethod, ...]
    challenged: Challenged
    rounded: float | None
    rounded_methods: tuple[CertifiedByMethod, ...]


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
            rounded, by, also = self._rounded(subject, threat, inputs, labels, certified)
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
            f"computed with ordinary rounding). {_also_rounded(rounded, by)} A search inside "
            f"leaves {bracket.attacked:.1%} right. {answer.sentence} 95 % Clopper–Pearson "
            "interval.",
            doubts=doubts,
            details=CertifiedAndAttacked(
                certified=bracket.certified,
                attacked=bracket.attacked,
                examples=examples,
                right=int(right.sum()),
                methods=methods,
                challenged=answer.details,
                rounded=rounded,
                rounded_methods=by,
            ),
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
    ) -> tuple[Tensor, tuple[CertifiedByMethod, ...]]:
        """Upper bounds of margins, NaN where not asked, and what each method added.

        A method is asked of what the methods before it left open.
        """
        region = threat.region(subject)
        upper: Tensor | None = None
        said: list[CertifiedByMethod] = []
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
            said.append(CertifiedByMethod(method.name, method.kind, share, _level(method)))
        if upper is None:  # no example is right
            upper = inputs.new_full((len(labels), int(labels.max()) + 1), torch.nan)
        return upper, tuple(said)

    def _rounded(
        self, subject: Subject, threat: _Threat, inputs: Inputs, labels: Labels, certified: Mask
    ) -> tuple[float | None, tuple[CertifiedByMethod, ...], tuple[Tensor, ...]]:
        """The share that is certified if rounding counts, the methods, and their bounds."""
        try:
            upper, said = self._bounded(
                self.rounded, subject, threat, inputs, labels, certified
            )
        except UnsupportedOperationError:
            return None, (), ()
        share = float(Margins(upper, labels).certified.double().mean())
        return share, said, (upper,)

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


def _level(method: BoundMethod) -> str:
    """The executions of which the bounds are true, in words; empty where it names none."""
    if isinstance(method, IBP | CROWN) and method.arithmetic.outwards:
        return str(method.arithmetic.level)
    return ""


def _also_rounded(share: float | None, methods: tuple[CertifiedByMethod, ...]) -> str:
    """A sentence on what is left of the figure when the rounding of bounds is counted."""
    if share is None:
        return "Bounds that are sound in floating point do not support this network."
    levels = dict.fromkeys(each.level for each in methods if each.level)
    true_of = f", true of {' and of '.join(levels)}" if levels else ""
    return f"Sound in floating point, by {_listed(methods)}{true_of}: {share:.1%}."


def _listed(methods: tuple[CertifiedByMethod, ...]) -> str:
    """The names of the methods, in words."""
    return " and ".join(each.name for each in methods)
