"""How much the logits can change per unit of change of the input: everywhere, and near data."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from gnomon.algebra import Interval, enclose
from gnomon.audit.doubts import Doubt, DoubtKind
from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.bounds.lipschitz import (
    ECLipsEFast,
    Factor,
    IntervalJacobian,
    LipschitzBound,
    SteepestAscent,
    SteepPoints,
    tightest,
)
from gnomon.errors import SubjectError, UnsupportedOperationError
from gnomon.networks import device_of, logits_of
from gnomon.sets import L1, L2, InputSet
from gnomon.shapes import Inputs, Labels

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The quantiles that are kept."""
_SLACK = 1e-4
"""By which what was found may exceed a bound: both are computed with rounding."""


Quantiles = tuple[float | None, ...]
"""Quantiles over examples at the levels of `LEVELS`; None for one that is not finite."""


@dataclass(frozen=True)
class PartConstant:
    """The contribution of one part of the network to the bound for the whole space.

    Attributes:
        part: names of the modules, or of the function, such as "conv1".
        value: upper bound of the part's own Lipschitz constant; None where it is not finite.
        how: origin of that bound in words, such as "singular values" or "slopes".
    """

    part: str
    value: float | None
    how: str


@dataclass(frozen=True)
class ConstantEverywhere:
    """The details of `lipschitz_constant` for the whole space.

    Both ends of the bracket are in L2, in units of the logits per unit of the input.

    Attributes:
        bound: upper bound of the constant; None where it is not finite.
        attained: largest norm of the Jacobian that was found, from inside; None where nothing
            can be differentiated, or where it is not finite.
        factors: parts of the network that the bound is made of.
    """

    bound: float | None
    attained: float | None
    factors: tuple[PartConstant, ...]


@dataclass(frozen=True)
class ConstantsAround:
    """The details of `lipschitz_constant` for a set of inputs around each example.

    Both ends of the bracket are in L2, in units of the logits per unit of the input.

    Attributes:
        examples: number of examples whose surroundings are examined.
        bound: quantiles (5, 25, 50, 75, 95 %) over the examples of the upper bound.
        attained: quantiles, at the same levels, of the largest norm of the Jacobian that was
            found around each example; None where nothing can be differentiated.
    """

    examples: int
    bound: Quantiles
    attained: Quantiles | None


@dataclass(frozen=True)
class LipschitzRadii:
    """The details of `lipschitz_radius`.

    Attributes:
        quantiles: quantiles (5, 25, 50, 75, 95 %) over the examples of the L2 radius, in the
            data's units.
        positive: share of examples with a radius above 0, between 0 and 1.
    """

    quantiles: Quantiles
    positive: float


@dataclass(frozen=True)
class LipschitzConstant:
    """Bounds of Lipschitz constants in L2, each with what was found from inside.

    Its findings:

    - lipschitz_constant: an upper bound for the whole space. For each set of inputs, such as
      "linf:0.1", the median over examples of an upper bound in the set around each.
    - lipschitz_radius: the median over examples of the L2 radius in which the first of these
      bounds excludes that the class changes; 0 for examples that are wrong already.

    Attributes:
        within: sets of inputs.
        examples: so many examined examples at most, in the sets.
        starts: from how many examples the steepest point of all is searched.
        steps: of each search.
        widest: the widest layer that quadratic forms are kept for, in the sets.
        relaxed: inputs of at most so many numbers are followed through the sets by linear
            relaxations, larger ones by intervals, which cost far less and are wider.
    """

    topic: ClassVar[str] = "lipschitz"
    names: ClassVar[tuple[str, ...]] = ("lipschitz_constant", "lipschitz_radius")
    within: tuple[InputSet, ...] = ()
    examples: int = 16
    starts: int = 64
    steps: int = 20
    widest: int = 512
    relaxed: int = 256

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """The constant everywhere, the one in each set, and the radius."""
        order = torch.randperm(len(subject.labels), generator=generator)
        chosen, device = order[: max(self.starts, self.examples)], device_of(subject.network)
        inputs, labels = subject.inputs[chosen].to(device), subject.labels[chosen].to(device)
        fitted = [subject.fit(within) for within in self.within]
        try:
            bound = ECLipsEFast()(subject.network, inputs)
        except UnsupportedOperationError as error:
            return self._absent(fitted, str(error))
        starts, few = inputs[: self.starts], inputs[: self.examples]
        domain = subject.fit(L2(0.0, subject.data.domain)).domain or (-torch.inf, torch.inf)
        box = Interval.computed(*(torch.full_like(starts, end) for end in domain))
        findings = [self._everywhere(subject, bound, starts, box, generator)]
        own = labels[: self.examples]
        findings += [self._around(subject, bound, few, own, each, generator) for each in fitted]
        return (*findings, _radius(subject, bound))

    def _everywhere(
        self,
        subject: Subject,
        bound: LipschitzBound,
        starts: Inputs,
        box: Interval,
        generator: torch.Generator,
    ) -> Finding:
        found = _climbed(self.steps, subject, starts, box, generator)
        attained = None if found is None else found.value
        said = "" if attained is None else f" The steepest point found has {attained:.4g}."
        return _constant(
            bound.value,
            f"Upper bound in L2 for the whole space, by quadratic forms, layer by layer.{said}",
            "",
            ConstantEverywhere(
                _finite(bound.value),
                None if attained is None else _finite(attained),
                tuple(map(_part, bound.factors)),
            ),
            [] if attained is None else _beaten("the whole space", [attained], [bound.value]),
        )

    def _around(
        self,
        subject: Subject,
        everywhere: LipschitzBound,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        generator: torch.Generator,
    ) -> Finding:
        region = enclose(inputs, within)
        enclosure = "relaxed" if inputs[0].numel() <= self.relaxed else "interval"
        near = ECLipsEFast(self.widest, enclosure)(subject.network, inputs, region)
        other = IntervalJacobian("L2", enclosure)(subject.network, inputs, region, labels)
        near = tightest(tightest(near, other), everywhere)
        found = _climbed(self.steps, subject, inputs, _inner(inputs, within), generator)
        details = ConstantsAround(
            examples=len(inputs),
            bound=_quantiles(near.values),
            attained=None if found is None else _quantiles(found.values),
        )
        doubts = (
            []
            if found is None
            else _beaten(str(within), found.values.tolist(), near.values.tolist())
        )
        return _constant(
            float(near.values.median()),
            f"Median over {len(inputs)} random test examples of an upper bound in L2 within "
            f"{within} of each: the least of quadratic forms, of intervals around the Jacobian "
            "and of the bound for the whole space.",
            str(within),
            details,
            doubts,
        )

    def _absent(self, fitted: list[InputSet], reason: str) -> tuple[Finding, ...]:
        conditions = ["", *(str(within) for within in fitted)]
        return (
            *(_constant(None, "No bound.", each, None, [], reason) for each in conditions),
            _length(None, "No bound.", None, reason),
        )


def _climbed(
    steps: int, subject: Subject, starts: Inputs, box: Interval, generator: torch.Generator
) -> SteepPoints | None:
    """The steepest points that were found; None where nothing can be differentiated."""
    try:
        return SteepestAscent("L2", steps)(subject.network, starts, box, generator)
    except SubjectError:
        return None


def _inner(inputs: Inputs, within: InputSet) -> Interval:
    """A box inside the set around each example: of a ball, the cube with its corners on it."""
    if not isinstance(within, L1 | L2):
        region = enclose(inputs, within)
        return Interval.computed(*region.parts)
    count = inputs[0].numel()
    size = within.radius / (count if isinstance(within, L1) else count**0.5)
    return Interval.around(inputs, size, within.domain)


def _radius(subject: Subject, bound: LipschitzBound) -> Finding:
    """In which the constant of each margin excludes a change of the class."""
    device = device_of(subject.network)
    parts = [
        bound.radius(logits_of(subject.network, part.to(device)).cpu(), labels.cpu())
        for part, labels in zip(
            subject.inputs.split(1000), subject.labels.split(1000), strict=True
        )
    ]
    radii = torch.cat(parts)
    return _length(
        float(radii.double().quantile(0.5)),
        f"Median over {len(radii)} test examples of min_j (z_y − z_j) / L_yj, with an upper "
        "bound L_yj of the Lipschitz constant of z_y − z_j for the whole space; 0 where the "
        "class is wrong.",
        LipschitzRadii(_quantiles(radii), float((radii > 0).double().mean())),
        "",
    )


def _constant(
    value: float | None,
    method: str,
    condition: str,
    details: ConstantEverywhere | ConstantsAround | None,
    doubts: list[Doubt],
    absent: str = "",
) -> Finding:
    if value is not None and _finite(value) is None:
        value, absent = None, "no finite bound: something in the network is NaN or infinite"
    return Finding(
        probe=LipschitzConstant.topic,
        name="lipschitz_constant",
        condition=condition,
        value=value,
        unit="per unit of the input",
        error=None,
        method=method,
        doubts=tuple(doubts),
        details=details,
        references=("xu2024", "weng2018") if condition else ("xu2024",),
        absent=absent,
    )


def _length(
    value: float | None, method: str, details: LipschitzRadii | None, absent: str
) -> Finding:
    return Finding(
        probe=LipschitzConstant.topic,
        name="lipschitz_radius",
        value=value,
        unit="L2",
        error=None,
        method=method,
        details=details,
        references=("tsuzuku2018",),
        absent=absent,
    )


def _beaten(where: str, attained: list[float], bounds: list[float]) -> list[Doubt]:
    """Whether a point is steeper than a bound allows."""
    pairs = list(zip(attained, bounds, strict=True))
    beaten = sum(found > bound * (1 + _SLACK) for found, bound in pairs)
    if not beaten:
        return []
    return [
        Doubt(
            DoubtKind.BOUND_BEATEN,
            f"Within {where} a point is steeper than a bound allows, in {beaten} of "
            f"{len(pairs)} cases. Do not trust the bound, and report this as a defect.",
        )
    ]


def _part(factor: Factor) -> PartConstant:
    """The factor as it stands in a finding."""
    return PartConstant(factor.part, _finite(factor.value), factor.how)


def _quantiles(values: Tensor) -> Quantiles:
    """The quantiles at the levels; None for one that is not finite."""
    levels = torch.tensor(LEVELS, dtype=torch.float64)
    found = torch.quantile(values.double().cpu(), levels, interpolation="lower")
    return tuple(_finite(each) for each in found.tolist())


def _finite(value: float) -> float | None:
    """The value itself; None where it is not finite."""
    return value if abs(value) < torch.inf else None
