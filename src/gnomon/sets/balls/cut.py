"""What all balls share: the cut with the domain, and sums rounded towards the centre."""

import torch
from torch import Tensor

from gnomon.sets.balls.input_set import InputSet
from gnomon.sets.perturbation_set import Domain
from gnomon.sets.rounding import shortened
from gnomon.shapes import Inputs, Mask


def room(inputs: Tensor, domain: Domain) -> tuple[Tensor, Tensor]:
    """The least and largest perturbation of each coordinate that keeps it in the domain.

    An input that lies outside already is given room 0 on that side, so that 0 stays a member.
    """
    if domain is None:
        return torch.full_like(inputs, -torch.inf), torch.full_like(inputs, torch.inf)
    return (domain[0] - inputs).clamp_max(0), (domain[1] - inputs).clamp_min(0)


def into_domain(inputs: Inputs, domain: Domain) -> Inputs:
    """Each coordinate moved to the domain."""
    return inputs if domain is None else inputs.clamp(*domain)


def is_inside(ball: InputSet, centre: Inputs, perturbation: Inputs) -> Mask:
    """Whether each δ is short enough and x + δ in the domain, in float64, without tolerance."""
    within = ball.distance(perturbation) <= ball.radius
    if ball.domain is None:
        return within
    moved = (centre.double() + perturbation.double()).flatten(1)
    return within & (moved >= ball.domain[0]).all(dim=1) & (moved <= ball.domain[1]).all(dim=1)


def perturbed(ball: InputSet, centre: Inputs, member: Inputs) -> Inputs:
    """The sum x + δ, shortened by a few ulps where rounding made it too long."""
    return shortened(
        centre,
        member,
        ball.radius,
        ball.distance,
        lambda inputs: into_domain(inputs, ball.domain),
    )
