"""The loss along directions in the space of parameters, with perturbed inputs found anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.attacks.climb import Climb
from gnomon.attacks.losses import Losses, losses
from gnomon.attacks.parameters.outcome import Batches
from gnomon.attacks.parameters.reading import check_batches, read_slopes
from gnomon.errors import ShapeError
from gnomon.networks.alternative import Alternative
from gnomon.networks.undisturbed import undisturbed
from gnomon.networks.weights import held_tensors, weights_of
from gnomon.objectives import cross_entropy
from gnomon.seeds import ensure
from gnomon.sets import InputSet

Direction = Mapping[str, Tensor]
"""A change of parameters by their names; a parameter without an entry is unchanged."""


@dataclass(frozen=True, eq=False)
class Landscape:
    """The loss of networks θ + Σ_i s_i d_i.

    Attributes:
        positions: the coordinates s of each network.
        losses: the loss of each network, in nats, with inputs perturbed for that very network.
    """

    positions: Float[Tensor, "networks directions"]
    losses: tuple[Losses, ...]


def filter_normalised(network: nn.Module, direction: Direction) -> dict[str, Tensor]:
    """The direction, each filter of it as long as the network's.

        d_ij ← d_ij ‖θ_ij‖ / ‖d_ij‖

    A filter is what makes one output of a layer: a row of a matrix, a kernel of a convolution.
    Biases and normalisations are left out: what is perturbed are the weights (`weights_of`),
    computed ones too. The loss along such a direction does not change when layers are rescaled
    against each other, as ReLU networks can be.

    References:
        li2018, section 4.
    """
    filters: dict[str, Tensor] = {}
    weights = weights_of(network)
    for name, tensor in direction.items():
        if name not in weights:
            continue
        weight = weights[name].value().detach()
        length = weight.flatten(1).norm(dim=1)
        filters[name] = _unit(tensor) * length.reshape(-1, *[1] * (weight.dim() - 1))
    return filters


def _unit(direction: Tensor) -> Tensor:
    """Each filter with length 1, or 0 where it is 0.

    It is scaled by its largest entry first: the gradients of nearly dead units are not 0, but
    their squares are.
    """
    rows = direction.flatten(1)
    for norm in (torch.inf, 2):
        length = torch.linalg.vector_norm(rows, norm, dim=1, keepdim=True)
        rows = rows / torch.where(length > 0, length, 1.0)
    return rows.view_as(direction)


def random_direction(
    network: nn.Module, generator: torch.Generator | None = None
) -> dict[str, Tensor]:
    """A Gaussian direction, filter-normalised.

    References:
        li2018, section 4.
    """
    generator = ensure(generator)
    drawn = {
        name: torch.randn(each.shape, generator=generator, device=generator.device).to(each)
        for name, each in _own(network).items()
    }
    return filter_normalised(network, drawn)


def steepest_direction(network: nn.Module, batches: Batches) -> dict[str, Tensor]:
    """The gradient of the mean cross-entropy, filter-normalised: where the loss rises fastest.

    Raises:
        DataError, ShapeError, SubjectError: the batches are no examples for this network.
    """
    with undisturbed(network):
        check_batches(network, batches)
        own = _own(network)
        slopes = read_slopes(network, own, batches, cross_entropy).slopes
    return filter_normalised(network, slopes)


def landscape(
    network: nn.Module,
    directions: Sequence[Direction],
    positions: Float[Tensor, "networks directions"],
    batches: Batches,
    within: InputSet | None,
    climb: Climb,
    generator: torch.Generator | None = None,
) -> Landscape:
    """The loss at each position, clean and with inputs perturbed for that very network.

    Every position starts its climb from the same random numbers, so that neighbours differ by
    their networks alone.

    Args:
        network: θ; left as it was.
        directions: d_1, d_2, ….
        positions: the coordinates, one row for each network.
        batches: the examples.
        within: which inputs are allowed; None leaves them as they are.
        climb: the ascent that finds perturbed inputs.
        generator: source of random starts.

    Raises:
        ShapeError: rows of positions with other than one coordinate per direction.
        DataError, OutOfDomainError, SubjectError: the batches are no examples for this
            network.
    """
    generator = ensure(generator)
    if positions.shape[1] != len(directions):
        raise ShapeError(
            f"landscape: expected {len(directions)} coordinates per network, one for each "
            f"direction, got {positions.shape[1]}. Give positions of shape (networks, "
            f"{len(directions)})."
        )
    seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
    values: list[Losses] = []
    with undisturbed(network):
        check_batches(network, batches)
        own = _own(network)
        for place in positions.tolist():
            moved = Alternative(network, _moved(own, directions, place))
            source = torch.Generator(generator.device).manual_seed(seed)
            values.append(losses(moved, batches, within, climb, source))
    return Landscape(positions, tuple(values))


def _own(network: nn.Module) -> dict[str, Tensor]:
    """The tensors that the network computes with, as constants."""
    return {name: each.value().detach() for name, each in held_tensors(network).items()}


def _moved(
    own: Direction, directions: Sequence[Direction], place: Sequence[float]
) -> dict[str, Tensor]:
    moved = dict(own)
    for direction, coordinate in zip(directions, place, strict=True):
        for name, tensor in direction.items():
            moved[name] = moved[name] + coordinate * tensor
    return moved
