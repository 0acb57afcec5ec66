"""The state of one attack on one batch: robust examples, best points, cost."""

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType

import torch
from jaxtyping import Int
from torch import Tensor, nn

from gnomon.attacks.draws import MOST, SOUGHT, wrong_share
from gnomon.attacks.guards import (
    Aims,
    aims_of,
    check_examples,
    check_logits,
    is_fooled,
    is_reached,
    probabilities,
)
from gnomon.attacks.outcome import NOBODY, Outcome
from gnomon.attacks.slopes import Slope
from gnomon.attacks.view import View
from gnomon.errors import SettingError, SubjectError
from gnomon.networks.classifiers import check_classes
from gnomon.networks.constancy import answers_vary, check_statistics
from gnomon.objectives import Objective, RelativeObjective, masked
from gnomon.seeds import ensure
from gnomon.sets import InputSet, PerturbationSet
from gnomon.shapes import Inputs, Labels, Logits, Mask, PerExample

Rows = Int[Tensor, " rows"]
"""Indices of the attacked examples; an example may stand in several rows at once."""


class Search:
    """The state that every attack shares, and the only place where success is judged.

    A search runs inside a `with` statement: it first asks for the unperturbed answers, and
    leaves the network as it found it. What the attack proposes is judged at a point that lies
    in the set exactly, by the network itself in its own precision.

    A network that answers at random needs a view with several draws, whose mean is an answer.
    It is fooled where most of `draws.ANSWERS` fresh answers are wrong; none of those that the
    search saw is among them.

    Args:
        name: the name in the outcome.
        network: returns logits, or probabilities, whose logarithms are searched on then.
        inputs: inside the set's domain.
        labels: one per input.
        within: the allowed perturbations.
        view: how the network is seen while searching.
        generator: source of all randomness.

    Attributes:
        originals: the inputs.
        labels: their labels.
        targets: the target class of each example; None for an untargeted search.
        reference: the logits of the unperturbed inputs.
        fooled: True for examples that have been fooled so far.

    Raises:
        OutOfDomainError: an input is NaN or outside the set's domain.
        ShapeError: the network does not return batch × classes, or labels of another form.
        SubjectError: logits that are NaN or +∞, a label or target without a logit, a network
            whose answers depend on the other examples of a batch, or one that answers at random
            and is seen by one draw.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet,
        view: View,
        generator: torch.Generator | None = None,
    ) -> None:
        check_examples(inputs, labels, within)
        check_statistics(network)
        self.targets: Labels | None = None
        self.name, self.network, self.within = name, network, within
        self.view, self.generator = view, ensure(generator)
        self.originals, self.labels = inputs.detach(), labels
        self.worst = inputs.detach().clone()
        self.fooled = torch.zeros_like(labels, dtype=torch.bool)
        self.distance = torch.zeros(len(labels), dtype=torch.float64, device=inputs.device)
        self._by = torch.full_like(labels, NOBODY)
        self._gradients, self._blind, self._queries = (
            torch.zeros_like(labels) for _ in range(3)
        )
        self._seen: Callable[[Tensor], Tensor] = network
        self._stack = ExitStack()
        self._random = False

    def aimed(self, targets: Aims) -> "Search":
        """The same search, in which an example is fooled if it is given its target class.

        Raises:
            ShapeError: not one whole number per example.
            SettingError: a target that is the label.
        """
        self.targets = aims_of(self.name, targets, self.labels)
        return self

    def __enter__(self) -> "Search":
        self._seen = self._stack.enter_context(self.view.of(self.network))
        try:
            self._begin(torch.arange(len(self.labels), device=self.labels.device))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def resisting(self) -> Rows:
        """The examples that nothing has fooled so far."""
        return (~self.fooled).nonzero()[:, 0]

    @property
    def wrong_classes(self) -> Int[Tensor, " batch wrong"]:
        """The wrong classes of each example, the likeliest at its unperturbed input first.

        Classes whose logit is −∞ there are none of them.
        """
        others = self.reference.scatter(1, self.labels[:, None], -torch.inf)
        values, order = others.sort(dim=1, descending=True, stable=True)
        kept = ~masked(values)
        columns = max(int(kept.sum(dim=1).amax()), 1) if len(kept) else order.shape[1] - 1
        # A masked class is never reached: the likeliest is tried once more in its place.
        return torch.where(kept, order, order[:, :1])[:, :columns]

    def region(self, rows: Rows) -> PerturbationSet:
        """The allowed perturbations of each row's example."""
        return self.within.around(self.originals[rows])

    def logits(self, rows: Rows, perturbation: Inputs) -> Logits:
        """The logits that the search sees at perturbed examples, without a gradient."""
        self._count(self._queries, rows, self.view.draws)
        with torch.no_grad():
            return self.view.logits(self._seen, self.originals[rows] + perturbation)

    def across(self, rows: Rows, logits: Logits) -> Mask:
        """True for rows whose logits are wrong, or reach the target of the search."""
        if self.targets is None:
            return is_fooled(logits, self.labels[rows])
        return is_reached(logits, self.targets[rows])

    def uphill(
        self, rows: Rows, perturbation: Inputs, objective: Objective | RelativeObjective
    ) -> Slope:
        """The objective and its gradient; of a target, its descent with the target as label."""
        targets = self.targets
        if targets is None:
            return self.slope(rows, perturbation, objective)
        if isinstance(objective, RelativeObjective):
            _check_labelled(self.name, objective)
            function, reference = objective.function, self.reference[rows]

            def towards(logits: Logits, labels: Labels) -> PerExample:
                del labels
                return -function(logits, targets[rows], reference)
        else:

            def towards(logits: Logits, labels: Labels) -> PerExample:
                del labels
                return -objective(logits, targets[rows])

        return self.slope(rows, perturbation, towards)

    def slope(
        self, rows: Rows, perturbation: Inputs, objective: Objective | RelativeObjective
    ) -> Slope:
        """The objective and its gradient at perturbed examples."""
        labels = self.labels[rows]

        def of(logits: Logits) -> PerExample:
            if isinstance(objective, RelativeObjective):
                return objective(logits, labels, self.reference[rows])
            return objective(logits, labels)

        points = self.originals[rows] + perturbation
        slope = self.view.slope(self._seen, points, of, self.generator)
        self._count(self._gradients, rows, self.view.draws)
        self._count(self._queries, rows, slope.evaluations)
        zero = (slope.gradient == 0).flatten(1).all(dim=1)
        self._count(self._blind, rows[zero], self.view.draws)
        return slope

    def judge(self, rows: Rows, perturbation: Inputs, candidates: Mask | None = None) -> Mask:
        """True for rows whose examples are fooled, here or in another row; keeps the points.

        Args:
            rows: of the perturbations.
            perturbation: judged at the nearest points that lie in the set exactly.
            candidates: which rows are worth an evaluation; None means all.
        """
        chosen = rows if candidates is None else rows[candidates]
        if len(chosen):
            proposed = perturbation if candidates is None else perturbation[candidates]
            points = self.region(chosen).perturb(proposed)
            wrong = self._wrong(chosen, points)
            self.keep(chosen[wrong], points[wrong])
        return self.fooled[rows]

    def keep(self, rows: Rows, points: Inputs) -> None:
        """Records points of the set that fool; the nearest, if several fool one example."""
        moved = points.double() - self.originals[rows].double()
        distance = self.within.distance(moved)
        chosen = _nearest(rows, distance, len(self.labels))
        better = ~self.fooled[rows[chosen]] | (distance[chosen] < self.distance[rows[chosen]])
        chosen = chosen[better]
        self.worst[rows[chosen]] = points[chosen]
        self.distance[rows[chosen]] = distance[chosen]
        self.fooled[rows[chosen]] = True
        self._by[rows[chosen]] = 0

    def outcome(self) -> Outcome:
        """The outcome; for a random network only the points that fresh draws confirm."""
        with torch.no_grad():
            self._confirm()
        return Outcome(
            attack=self.name,
            inputs=self.worst,
            fooled=self.fooled,
            distance=self.distance,
            gradients=self._gradients,
            blind=self._blind,
            queries=self._queries,
            parts=(self.name,),
            by=self._by,
        )

    def _begin(self, everybody: Rows) -> None:
        """Asks for the unperturbed answers, and whether they are the same each time."""
        self.reference = check_logits(self._verdict(everybody, self.originals), self.labels)
        if self.targets is not None:
            check_classes(self.targets, self.reference.shape[1])
        self._count(self._queries, everybody, self.view.draws)
        plain = View(draws=self.view.draws)

        def answer(points: Tensor) -> Tensor:
            return plain.logits(self.network, points)

        self._random = answers_vary(answer, self.originals, self.reference)
        if self._random and self.view.draws == 1:
            raise SubjectError(f"{self.name}: {_VARIES}")
        if probabilities(self.reference):
            seen = self._seen
            self._seen = lambda points: _logits_of(seen(points))
            self.reference = _logits_of(self.reference)
        self.fooled = self.across(everybody, self.reference)
        if self._random:
            self.fooled = self._share(everybody, self.originals) > MOST

    def _wrong(self, rows: Rows, points: Inputs) -> Mask:
        """True for points that fool; for a random network, by most draws after a first."""
        wrong = self.across(rows, self._verdict(rows, points))
        if self._random and wrong.any():
            places = wrong.nonzero()[:, 0]
            wrong[places] = self._share(rows[places], points[places]) >= SOUGHT
        return wrong

    def _confirm(self) -> None:
        """Gives up the points of a random network that most fresh draws get right."""
        rows = (self._by != NOBODY).nonzero()[:, 0]
        if not self._random or not len(rows):
            return
        lost = rows[self._share(rows, self.worst[rows]) <= MOST]
        self.worst[lost] = self.originals[lost]
        self.fooled[lost], self.distance[lost], self._by[lost] = False, 0.0, NOBODY
        self._random = False

    def _share(self, rows: Rows, points: Inputs) -> PerExample:
        """The share of fresh answers that are wrong."""
        return wrong_share(lambda: self.across(rows, self._verdict(rows, points)))

    def _verdict(self, rows: Rows, points: Inputs) -> Logits:
        """The network's own logits; over several draws, their mean."""
        self._count(self._queries, rows, self.view.draws)
        with torch.no_grad():
            return View(draws=self.view.draws).logits(self.network, points)

    @staticmethod
    def _count(counter: Tensor, rows: Rows, number: int) -> None:
        if number:
            counter.index_add_(0, rows.to(counter.device), torch.full_like(rows, number))


_VARIES = (
    "expected the same answer each time that the network is asked the same, got other logits. "
    "Take out what is random in evaluation, such as dropout that stays on; or say of how many "
    "draws an answer is the mean: view=View(draws=20)."
)


def _check_labelled(name: str, objective: RelativeObjective) -> None:
    if not objective.labelled:
        raise SettingError(
            f"{name}: expected an objective that looks at the label, to aim it at a target, "
            "got a divergence from the unperturbed answer. Take cross_entropy or margin."
        )


def _nearest(rows: Rows, distance: PerExample, examples: int) -> Tensor:
    """For each example among the rows the place of its least distance; the first, of equals."""
    least = distance.new_full((examples,), torch.inf)
    least = least.scatter_reduce(0, rows, distance, "amin")
    places = (distance == least[rows]).nonzero()[:, 0]
    first = rows.new_full((examples,), len(rows))
    first = first.scatter_reduce(0, rows[places], places, "amin")
    return first[first < len(rows)]


def _logits_of(probabilities: Logits) -> Logits:
    """Logits from probabilities, up to a constant."""
    return probabilities.clamp_min(torch.finfo(probabilities.dtype).tiny).log()
