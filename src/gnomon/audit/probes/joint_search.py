"""A search for allowed inputs and parameters that fool the network."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gnomon.attacks.guards import is_fooled
from gnomon.networks.undisturbed import undisturbed
from gnomon.objectives import scale_free_cross_entropy
from gnomon.sets import InputSet
from gnomon.sets.parameters import ParameterRegion
from gnomon.shapes import Inputs, Labels, Mask


@dataclass(frozen=True)
class JointSearch:
    """Projected ascent on inputs and parameters together.

    Every example has its own input, all share one alternative network: the ascent is of the
    mean loss of those that are not yet fooled. An example counts as fooled when any network on
    the way, with the example's input of that moment, gets it wrong. Inputs and parameters are
    members of their sets exactly.

    Attributes:
        steps: of each ascent.
        starts: ascents; the first from the centres, the others from random members.
        reach: the sum of all steps, in multiples of the sets' size.
    """

    steps: int = 20
    starts: int = 2
    reach: float = 2.5

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        within: InputSet | None,
        region: ParameterRegion,
        generator: torch.Generator,
    ) -> Mask:
        """Which examples were fooled; those that are wrong unperturbed are among them."""
        with undisturbed(network), torch.no_grad():
            fooled = is_fooled(network(inputs), labels)
            for start in range(self.starts):
                around = None if within is None else within.around(inputs)
                points, weights = inputs, dict(region.centre())
                if start:
                    weights = dict(region.sample(generator))
                    if around is not None:
                        points = around.perturb(around.sample(generator))
                for _ in range(self.steps):
                    slope, slopes, wrong = _slopes(network, points, weights, labels, fooled)
                    fooled |= wrong
                    weights = self._moved(region, weights, slopes)
                    if around is not None and within is not None:
                        step = within.steepest(slope, self.reach / self.steps * within.radius)
                        points = around.perturb(around.project(points + step - inputs))
                logits = torch.func.functional_call(network, weights, (points,))
                fooled |= is_fooled(logits, labels)
        return fooled

    def _moved(
        self, region: ParameterRegion, weights: dict[str, Tensor], slopes: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """A step towards the member that is furthest along the slopes."""
        best, centre = region.steepest(slopes), region.centre()
        length = self.reach / self.steps
        moved = {
            name: weight + length * (best[name] - centre[name])
            for name, weight in weights.items()
        }
        return dict(region.project(moved))


def _slopes(
    network: nn.Module,
    points: Inputs,
    weights: dict[str, Tensor],
    labels: Labels,
    fooled: Mask,
) -> tuple[Tensor, dict[str, Tensor], Mask]:
    """The loss's slope in inputs and parameters, and who is wrong now."""
    with torch.enable_grad():
        x = points.detach().requires_grad_()
        leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
        logits = torch.func.functional_call(network, leaves, (x,))
        loss = (scale_free_cross_entropy(logits, labels) * ~fooled).sum()
        found = torch.autograd.grad(loss, [x, *leaves.values()], materialize_grads=True)
    wrong = is_fooled(logits.detach(), labels)
    return found[0], dict(zip(leaves, found[1:], strict=True)), wrong
