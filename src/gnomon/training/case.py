"""A batch at its worst: what the network says at the points and sets that adversaries left."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]

from gnomon.algebra import Parameters, enclose
from gnomon.bounds import BoundMethod, evaluate_head, pairwise_margins
from gnomon.objectives import cross_entropy
from gnomon.sets import InputSet
from gnomon.sets.guards import unchecked
from gnomon.sets.parameters import ParameterSet
from gnomon.shapes import Inputs, Labels, Logits, Mask, PerExample
from gnomon.training.adversaries.inputs import searched
from gnomon.training.adversaries.moved import MovedInputs, MovedParameters
from gnomon.training.blow_up import blow_up
from gnomon.training.method import Batch
from gnomon.training.replicas.network import ReplicatedNetwork, run_each, run_with


@runtime_checkable
class Answer(Protocol):
    """Knowledge about the logits z: they themselves, or bounds of their differences."""

    def cross_entropy(self, labels: Labels) -> PerExample:
        """The largest possible −log p_y, in nats."""
        ...

    def surprisal(self) -> Float[Tensor, "batch classes"]:
        """The largest possible −log p_k of each class k, in nats."""
        ...

    def likelihood(self) -> Float[Tensor, "batch classes"]:
        """The largest possible p_k of each class k."""
        ...

    def correct(self, labels: Labels) -> Mask:
        """For which examples the label's logit is the largest, whatever is possible."""
        ...


@dataclass(frozen=True, eq=False)
class Point(Answer):
    """Logits."""

    logits: Logits

    def cross_entropy(self, labels: Labels) -> PerExample:
        """The value −log p_y."""
        return cross_entropy(self.logits, labels)

    def surprisal(self) -> Float[Tensor, "batch classes"]:
        """The values −log p_k."""
        return -self.logits.log_softmax(dim=1)

    def likelihood(self) -> Float[Tensor, "batch classes"]:
        """The values p_k."""
        return self.logits.softmax(dim=1)

    def correct(self, labels: Labels) -> Mask:
        """Whose largest logit is the label's."""
        return self.logits.detach().argmax(dim=1) == labels


class Enclosure(Answer):
    """Upper bounds U_kj of z_j − z_k over all inputs and parameters that are possible.

    With them −log p_k = log Σ_j exp(z_j − z_k) ≤ log Σ_j exp U_kj, and
    p_j = 1 / Σ_k exp(z_k − z_j) ≤ 1 / Σ_k exp(−U_kj). All pairs are bounded only if more than
    the cross-entropy is asked for.

    Args:
        case: what is enclosed.
    """

    def __init__(self, case: "Case") -> None:
        self._case = case

    @cached_property
    def margins(self) -> Float[Tensor, "batch classes"]:
        """The bounds U_yj for the label y of each example; 0 for j = y."""
        return self._case.bounded(partial(_margins, self._case.bound), self._case.labels)

    @cached_property
    def pairs(self) -> Float[Tensor, "batch own classes"]:
        """The bounds U_kj by intervals; 0 for j = k."""
        return self._case.bounded(_pairs)

    def cross_entropy(self, labels: Labels) -> PerExample:
        """The bound log Σ_j exp U_yj."""
        return cross_entropy(self.margins, labels)

    def surprisal(self) -> Float[Tensor, "batch classes"]:
        """The bounds log Σ_j exp U_kj."""
        return self.pairs.logsumexp(dim=2)

    def likelihood(self) -> Float[Tensor, "batch classes"]:
        """The bounds 1 / Σ_k exp(−U_kj)."""
        return (-(-self.pairs).logsumexp(dim=1)).exp()

    def correct(self, labels: Labels) -> Mask:
        """For which examples all margins are below 0: those that are certified.

        By the bounds that the loss asked for; they are not computed a second time.
        """
        own = labels[:, None]
        margins = self.margins if "pairs" not in vars(self) else self._row_of(labels)
        return (margins.detach().scatter(1, own, -torch.inf) < 0).all(dim=1)

    def _row_of(self, labels: Labels) -> Float[Tensor, "batch classes"]:
        classes = self.pairs.shape[2]
        return self.pairs.gather(1, labels[:, None, None].expand(-1, 1, classes))[:, 0]


class Case:
    """A batch, with what adversaries made of inputs and parameters.

    Args:
        network: one, or many in one.
        batch: as it came.
        inputs: what the adversary of the inputs chose.
        parameters: what the adversary of the parameters chose.
        bound: encloses what they left open.
    """

    def __init__(
        self,
        network: nn.Module,
        batch: Batch,
        inputs: MovedInputs,
        parameters: MovedParameters,
        bound: BoundMethod,
    ) -> None:
        self.network, self.labels, self.progress = network, batch.labels, batch.progress
        self.bound = bound
        self._batch, self._inputs, self._parameters = batch, inputs, parameters

    @cached_property
    def plain(self) -> Logits:
        """The logits of the batch's inputs with the network's own parameters."""
        return run_with(self.network, None, self._batch.inputs)

    @cached_property
    def clean(self) -> Logits:
        """The logits of the batch's inputs with the parameters that were chosen."""
        if self._parameters.centre is None:
            return self.plain
        return run_with(self.network, self._parameters.centre, self._batch.inputs)

    @cached_property
    def worst(self) -> Answer:
        """Knowledge about the logits of the chosen inputs, with the chosen parameters."""
        if not (self._inputs.within is None and self._parameters.within is None):
            return Enclosure(self)
        if self._inputs.points is self._batch.inputs:
            return Point(self.clean)
        return Point(run_with(self.network, self._parameters.centre, self._inputs.points))

    def blown_up(self, values: PerExample) -> dict[int, str]:
        """Where bounds made losses infinite, in words, though the parameters are finite.

        By the place of the network among those that are computed as one.
        """
        if isinstance(self.worst, Point) or bool(values.isfinite().all()):
            return {}
        networks = _members(self.network)
        points = self._inputs.points.unflatten(0, (len(networks), -1))
        losses = values.detach().unflatten(0, (len(networks), -1))
        return {
            place: self._blown_up(network(), points[place], float(losses[place].max()))
            for place, network in enumerate(networks)
            if not bool(losses[place].isfinite().all()) and _is_finite(network())
        }

    def _blown_up(self, network: nn.Module, points: Inputs, loss: float) -> str:
        within, law = self._inputs.within, self._parameters.within
        with unchecked(), for_bounds(network, points):
            region = None if law is None else law.of(network)
            reason = blow_up(network, points, within, region)
        return (
            f"bounds: expected a finite loss, got {loss:g}; {reason}. Lower the radii, raise "
            'them more slowly (ramp), begin with initialisation = "interval", or set '
            "weight_clip."
        )

    def bounded(self, function: Callable[..., Tensor], *examples: Tensor) -> Tensor:
        """The results of `function(network, points, within, region, *examples)`, by network."""
        asked = partial(_asked, function, self._inputs.within, self._parameters.within)
        return run_each(
            self.network, asked, self._parameters.centre, self._inputs.points, *examples
        )


def _members(network: nn.Module) -> list[Callable[[], nn.Module]]:
    """A function that makes each of the networks that are computed as one."""
    if not isinstance(network, ReplicatedNetwork):
        return [lambda: network]
    tensors, many = network.tensors(), network

    def member(row: int) -> nn.Module:
        return many.plain(tensors, row).to(many.rows)  # what it makes lies on the CPU

    return [partial(member, row) for row in range(len(many))]


def _is_finite(network: nn.Module) -> bool:
    return all(bool(each.isfinite().all()) for each in network.parameters())


def _asked(
    function: Callable[..., Tensor],
    within: InputSet | None,
    parameters: ParameterSet | None,
    network: nn.Module,
    points: Inputs,
    *examples: Tensor,
) -> Tensor:
    with unchecked(), for_bounds(network, points):
        region = None if parameters is None else parameters.of(network)
        return function(network, points, within, region, *examples)


def _margins(
    bound: BoundMethod,
    network: nn.Module,
    points: Inputs,
    within: InputSet | None,
    region: Parameters | None,
    labels: Labels,
) -> Tensor:
    return bound(network, points, labels, within, region).upper


def _pairs(
    network: nn.Module, points: Inputs, within: InputSet | None, region: Parameters | None
) -> Tensor:
    return pairwise_margins(evaluate_head(network, enclose(points, within), region))


@contextmanager
def for_bounds(network: nn.Module, points: Inputs) -> Generator[None, None, None]:
    """The network as bounds can take it while it is trained.

    Nothing is dropped, and batch normalisation uses the statistics of the batch at the points,
    through which gradients flow, as those of any other pass do. In mixed precision bounds are
    computed in float32: the rounding of 8 bits is as large as many a radius.
    """
    statistics: dict[nn.Module, tuple[Tensor, Tensor]] = {}
    training = [
        each for each in network.modules() if isinstance(each, _BatchNorm) and each.training
    ]
    with _full_precision(network):
        if training:
            statistics = _statistics(network, training, points)
        held = [
            (vars(module)["_buffers"], dict(vars(module)["_buffers"])) for module in statistics
        ]
        with searched(network):
            try:
                for module, (mean, variance) in statistics.items():
                    vars(module)["_buffers"].update(running_mean=mean, running_var=variance)
                yield
            finally:
                for buffers, before in held:
                    buffers.update(before)


@contextmanager
def _full_precision(network: nn.Module) -> Generator[None, None, None]:
    """Without what accelerate puts around `forward` for mixed precision."""
    mixed = hasattr(network, "_original_forward")  # where accelerate keeps what it wraps
    around = vars(network).pop("forward", None) if mixed else None
    try:
        yield
    finally:
        if around is not None:
            vars(network)["forward"] = around


def _statistics(
    network: nn.Module, layers: list[_BatchNorm], points: Inputs
) -> dict[nn.Module, tuple[Tensor, Tensor]]:
    """Mean and variance over the batch of what each layer receives."""
    found: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def read(module: nn.Module, received: tuple[Tensor, ...]) -> None:
        axes = (0, *range(2, received[0].dim()))
        variance, mean = torch.var_mean(received[0], axes, correction=0)
        found[module] = (mean, variance)

    with ExitStack() as stack:
        for layer in layers:
            stack.callback(layer.register_forward_pre_hook(read).remove)
        with searched(network):
            for layer in layers:
                layer.train()
            network(points)
    return found
