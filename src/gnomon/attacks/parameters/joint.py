"""Inputs and parameters perturbed together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from gnomon.attacks.draws import MOST, SOUGHT, wrong_share
from gnomon.attacks.guards import check_examples, check_logits, is_fooled
from gnomon.attacks.parameters.ascent import towards
from gnomon.errors import SettingError
from gnomon.networks.classifiers import check_inputs, check_labels
from gnomon.networks.constancy import answers_vary, check_statistics
from gnomon.networks.undisturbed import undisturbed
from gnomon.objectives import Objective, scale_free_cross_entropy
from gnomon.seeds import ensure
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterRegion
from gnomon.shapes import Inputs, Labels, Mask


@dataclass(frozen=True, eq=False)
class JointOutcome:
    """The outcome of a search over inputs and parameters.

    Attributes:
        fooled: examples that some allowed network on the way got wrong at an allowed input of
            that moment; those that are wrong unperturbed are among them.
        inputs: of the moment with the largest mean objective; members of their sets.
        parameters: of the same moment.
        value: that mean.
    """

    fooled: Mask
    inputs: Inputs
    parameters: Mapping[str, Tensor]
    value: float


@dataclass(frozen=True)
class JointPGD:
    """Projected ascent on inputs and parameters at once.

    Every example has its own input, all share one alternative network: the ascent is of the
    mean objective, of all examples or of those that still resist. Inputs and parameters are
    members of their sets exactly. Of a network that answers at random an example is
    fooled where three quarters of fresh answers are wrong.

    Attributes:
        steps: number of steps of each ascent, ≥ 1.
        starts: number of ascents, ≥ 1; the first from the centres, the others from random
            members.
        reach: the sum of all steps, in multiples of the sets' size.
        objective: the function to maximise.
        over: the examples whose mean is maximised: "all" examples, or the "resisting"
            ones that are not fooled yet, which fools as many as it can.

    Raises:
        SettingError: a setting outside its range.

    References:
        stutz2021, section 3.3, where the mean of all examples is driven up.
    """

    steps: int = 20
    starts: int = 2
    reach: float = 2.5
    objective: Objective = scale_free_cross_entropy
    over: Literal["all", "resisting"] = "resisting"

    def __post_init__(self) -> None:
        if self.steps < 1 or self.starts < 1 or not self.reach > 0:
            raise SettingError(
                "JointPGD: expected steps ≥ 1, starts ≥ 1 and reach > 0, got "
                f"{self.steps}, {self.starts} and {self.reach}. Correct them."
            )

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet | None,
        region: ParameterRegion,
        generator: torch.Generator | None = None,
    ) -> JointOutcome:
        """Attacks one batch; None leaves the inputs as they are.

        Raises:
            OutOfDomainError: an input is NaN or outside the set's domain.
            ShapeError: the network does not return batch × classes.
            SubjectError: logits that are NaN or +∞, a label without a logit, or answers that
                depend on the other examples of the batch.
        """
        generator = ensure(generator)
        check_inputs(inputs)
        check_labels(labels, len(inputs))
        if within is not None:
            check_examples(inputs, labels, within)
        check_statistics(network)
        region = region.detach()
        with undisturbed(network), torch.no_grad():
            logits = check_logits(network(inputs), labels)
            search = _Search(self, network, inputs, labels, within, region)
            search.varies = answers_vary(network, inputs, logits)
            search.fooled = search.wrong(logits, inputs, region.centre(), MOST)
            for start in range(self.starts):
                search.climb(generator, random=start > 0)
        return JointOutcome(search.fooled, search.worst[0], search.worst[1], search.value)


class _Search:
    """The state of one joint search."""

    def __init__(
        self,
        settings: JointPGD,
        network: nn.Module,
        inputs: Tensor,
        labels: Tensor,
        within: InputSet | None,
        region: ParameterRegion,
    ) -> None:
        self.settings, self.network = settings, network
        self.inputs, self.labels, self.within = inputs, labels, within
        self.around = None if within is None else within.around(inputs)
        self.region = region
        self.fooled = torch.zeros_like(labels, dtype=torch.bool)
        self.worst, self.value = (inputs, region.centre()), -torch.inf
        self.varies = False

    def climb(self, generator: torch.Generator, *, random: bool) -> None:
        """Runs one ascent."""
        points, weights = self.inputs, self.region.centre()
        if random:
            weights = self.region.sample(generator)
            if self.around is not None:
                points = self.around.perturb(self.around.sample(generator))
        length = self.settings.reach / self.settings.steps
        for _ in range(self.settings.steps):
            slope, slopes = self._slopes(points, weights)
            weights = towards(self.region, weights, slopes, length)
            if self.around is not None and self.within is not None:
                step = self.within.steepest(slope, length * self.within.radius)
                points = self.around.perturb(points + step - self.inputs)
        self._judge(
            torch.func.functional_call(self.network, weights, (points,)), points, weights
        )

    def _slopes(
        self, points: Tensor, weights: dict[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The slope in inputs and in parameters; who is fooled here is noted."""
        with torch.enable_grad():
            x = points.detach().requires_grad_()
            leaves = {name: each.detach().requires_grad_() for name, each in weights.items()}
            logits = torch.func.functional_call(self.network, leaves, (x,))
            counted = self._judge(logits, points, weights)
            value = (self.settings.objective(logits, self.labels) * counted).sum()
            gradients = torch.autograd.grad(
                value, [x, *leaves.values()], materialize_grads=True
            )
        slopes = (each.nan_to_num(0.0, 0.0, 0.0) for each in gradients[1:])
        return gradients[0].nan_to_num(0.0, 0.0, 0.0), dict(zip(leaves, slopes, strict=True))

    def _judge(self, logits: Tensor, points: Tensor, weights: dict[str, Tensor]) -> Tensor:
        """Records fooled examples; returns True for those whose mean is maximised."""
        counted = ~self.fooled
        values = self.settings.objective(logits.detach(), self.labels)
        mean = float(values.double().mean())
        if mean > self.value:
            self.worst, self.value = (points.detach(), dict(weights)), mean
        self.fooled = self.fooled | self.wrong(logits.detach(), points, weights, SOUGHT)
        return counted if self.settings.over == "resisting" else torch.ones_like(counted)

    def wrong(
        self, logits: Tensor, points: Tensor, weights: Mapping[str, Tensor], least: float
    ) -> Mask:
        """True for wrong examples; in a random network, by a share of fresh answers."""
        wrong = is_fooled(logits, self.labels)
        if not self.varies or not wrong.any():
            return wrong

        def once() -> Mask:
            fresh = torch.func.functional_call(self.network, dict(weights), (points,))
            return is_fooled(fresh, self.labels)

        with torch.no_grad():
            return wrong & (wrong_share(once) > least)
