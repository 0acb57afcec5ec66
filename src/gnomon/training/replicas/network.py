"""Many networks of one architecture that are computed together and look like one."""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, vmap

from gnomon.errors import ShapeError, UnsupportedOperationError
from gnomon.networks.weights import held_tensors, replacing, weights_of
from gnomon.objectives import widened
from gnomon.shapes import Inputs, Logits
from gnomon.training.replicas.dropout import Streams, with_streams


class ReplicatedNetwork(nn.Module):
    """R networks f_1 … f_R as one network over the examples of all.

    A batch holds the examples of the first network, then those of the second, and so on,
    equally many of each. With x_{r,b} example b of network r,

        f(x)_{r,b} = f_r(x_{r,b}).

    What is computed for each example (a loss, an attack on the inputs) therefore needs not know
    that there are several networks. All trained parameters are one tensor with a row for each
    network: gradients, norms and updates are operations on rows.

    Args:
        networks: of one architecture.
        streams: what dropout draws from; None for networks that are only evaluated.

    Attributes:
        rows: all trained parameters, one network a row.
        examples: how many examples of each network the next batch has; any other number is
            refused, since it could not be told whose they are.
    """

    rows: nn.Parameter

    def __init__(self, networks: Sequence[nn.Module], streams: Streams | None = None) -> None:
        super().__init__()
        plain = networks[0]
        trained = [_trained(each) for each in networks]
        self._shapes = {name: each.shape for name, each in trained[0].items()}
        self._sizes = [shape.numel() for shape in self._shapes.values()]
        self.rows = nn.Parameter(torch.stack([_flat(each.values()) for each in trained]))
        self._names: dict[str, str] = {}
        constants = [_constants(each) for each in networks]
        for name in constants[0]:
            self._names[name] = name.replace(".", "/")  # torch allows no dots
            stacked = torch.stack([each[name].detach() for each in constants])
            self.register_buffer(self._names[name], stacked)
        self.examples = 0
        # In tuples, since their parameters are no parameters of this module.
        self._plain = (plain,)
        self._computed = (with_streams(plain, streams),)

    def __len__(self) -> int:
        return len(self.rows)

    def parameters_by_name(self) -> dict[str, Float[Tensor, " replicas *shape"]]:
        """The trained parameters under the names of a single network, as views of `rows`."""
        parts = self.rows.split(self._sizes, dim=1)
        return {
            name: part.unflatten(1, shape)
            for (name, shape), part in zip(self._shapes.items(), parts, strict=True)
        }

    def held_by_name(self) -> dict[str, Float[Tensor, " replicas *shape"]]:
        """The trained tensors that the networks compute with (`held_tensors`)."""
        own, computed = self.parameters_by_name(), self._in_mode()
        held = {k: each for k, each in held_tensors(computed).items() if each.is_trained}
        made = [name for name in held if name not in own]
        if not made:
            return own

        def values(network: nn.Module) -> Tensor:
            here = held_tensors(network)
            return torch.cat([here[name].value().reshape(-1) for name in made])

        tensors = {**own, **self._constants()}
        shapes = [held[name].value().shape for name in made]
        parts = vmap(_Applied(computed, values).with_tensors)(tensors).split(
            [shape.numel() for shape in shapes], dim=1
        )
        found = {
            name: part.unflatten(1, shape)
            for name, part, shape in zip(made, parts, shapes, strict=True)
        }
        return {name: found[name] if name in found else own[name] for name in held}

    def weight_names(self) -> frozenset[str]:
        """The names of the weights among them."""
        return frozenset(weights_of(self._computed[0]))

    def forward(self, x: Inputs) -> Logits:
        """The logits of each example by its own network."""
        return self.run_each(_called, None, x)

    def run_each(
        self,
        function: Callable[..., Tensor],
        parameters: Mapping[str, Tensor] | None,
        *batch: Tensor,
    ) -> Tensor:
        """The results of `function(network, *examples)`, each network at its own examples.

        Args:
            function: is called once, under `torch.vmap`; its result has the batch first.
            parameters: by name, each with a first axis of replicas; None for the networks' own.
            batch: tensors whose first axis is that of the examples of all networks.

        Raises:
            ShapeError: there are not `examples` inputs for each network.
            UnsupportedOperationError: the network draws random numbers in another way than by
                torch's modules for dropout, or cannot be computed for many at once.
        """
        for each in batch:
            if len(each) != len(self) * self.examples:
                raise ShapeError(
                    f"ReplicatedNetwork: expected {len(self)} networks × {self.examples} "
                    f"examples, got {len(each)} inputs. Run it on whole batches, without "
                    "leaving examples out."
                )
        computed = self._in_mode()
        replaced = {
            **(self.parameters_by_name() if parameters is None else parameters),
            **self._constants(),
        }
        parts = [each.unflatten(0, (len(self), -1)) for each in batch]
        try:
            found = vmap(_Applied(computed, function).with_tensors)(replaced, *parts)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise UnsupportedOperationError(
                "ReplicatedNetwork: expected layers that can be computed for many networks at "
                f"once, got: {error}. Train these networks one by one."
            ) from error
        return found.flatten(0, 1)

    def tensors(self) -> dict[str, Tensor]:
        """All that a network is made of; the first axis is that of the networks."""
        return {"rows": self.rows.detach(), **self._constants()}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Takes what `tensors` gave, of as many networks as there are."""
        own = self.tensors()
        for name, tensor in tensors.items():
            own[name].copy_(tensor)

    def keep(self, chosen: Tensor) -> None:
        """Lets all networks go but those of the chosen rows."""
        self.rows = nn.Parameter(self.rows.detach()[chosen])
        for name in self._names.values():
            setattr(self, name, getattr(self, name)[chosen])

    def plain(self, tensors: Mapping[str, Tensor], row: int) -> nn.Module:
        """One network by itself, with the content of a row of `tensors`."""
        network = copy.deepcopy(self._plain[0])
        parts = tensors["rows"][row].split(self._sizes)
        with torch.no_grad():
            for parameter, part in zip(_trained(network).values(), parts, strict=True):
                parameter.copy_(part.view_as(parameter))
            for name, constant in _constants(network).items():
                constant.copy_(tensors[name][row])
        return network

    def split_row(self, row: Float[Tensor, " parameters"]) -> list[Tensor]:
        """A row, or anything of its form, as tensors of the parameters' shapes."""
        parts = row.split(self._sizes)
        return [
            part.view(shape) for part, shape in zip(parts, self._shapes.values(), strict=True)
        ]

    def _in_mode(self) -> nn.Module:
        """The network that is computed with the tensors of all, in the mode of this one."""
        computed = self._computed[0]
        if computed.training is not self.training:
            computed.train(self.training)
        return computed

    def _constants(self) -> dict[str, Tensor]:
        """Buffers and untrained parameters, stacked, by the names of a single network."""
        return {name: getattr(self, own) for name, own in self._names.items()}


def parameters_of(network: nn.Module) -> dict[str, Float[Tensor, " replicas *shape"]]:
    """The trained parameters by name, with a first axis of replicas; one, for a plain network.

    What changes parameters in training (an adversary, a random perturbation) is written for
    this form, with sums over all axes but the first, and serves one network and many.
    """
    if isinstance(network, ReplicatedNetwork):
        return network.parameters_by_name()
    return {name: each.unsqueeze(0) for name, each in _trained(network).items()}


def held_of(network: nn.Module) -> dict[str, Float[Tensor, " replicas *shape"]]:
    """The trained tensors that a network computes with, in the form of `parameters_of`.

    They are its parameters, but for those that a layer computes its weight from: the computed
    weight is there in their place, differentiable in them (`gnomon.networks.weights`).
    """
    if isinstance(network, ReplicatedNetwork):
        return network.held_by_name()
    held = held_tensors(network).items()
    return {name: each.value().unsqueeze(0) for name, each in held if each.is_trained}


def weight_names(network: nn.Module) -> frozenset[str]:
    """The names of weights among them: what inputs are multiplied by (`weights_of`)."""
    if isinstance(network, ReplicatedNetwork):
        return network.weight_names()
    return frozenset(weights_of(network))


def run_with(
    network: nn.Module, parameters: Mapping[str, Tensor] | None, inputs: Inputs
) -> Logits:
    """The logits with other parameters, in the form of `parameters_of`; None for its own.

    They are float32 at least: a softmax of numbers of 8 bits has two right digits.
    """
    return widened(run_each(network, _called, parameters, inputs))


def run_each(
    network: nn.Module,
    function: Callable[..., Tensor],
    parameters: Mapping[str, Tensor] | None,
    *batch: Tensor,
) -> Tensor:
    """The result of `function(network, *examples)`, of one network and of many.

    It is handed a network whose parameters are those given, and may ask of it whatever a single
    network can be asked: its logits, their bounds.

    Args:
        network: one, or a `ReplicatedNetwork`, of whose members each is asked.
        function: its result has the batch as its first axis.
        parameters: in the form of `parameters_of` or `held_of`; None for the network's own.
        batch: tensors with the batch first.
    """
    if isinstance(network, ReplicatedNetwork):
        return network.run_each(function, parameters, *batch)
    if parameters is None:
        return function(network, *batch)
    single = {name: each.squeeze(0) for name, each in parameters.items()}
    return _Applied(network, function).with_tensors(single, *batch)


class _Applied(nn.Module):
    """A function of a network as a module, so that torch can replace the network's tensors."""

    def __init__(self, network: nn.Module, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.network, self.function = network, function

    def forward(self, *batch: Tensor) -> Tensor:
        return self.function(self.network, *batch)

    def with_tensors(self, tensors: Mapping[str, Tensor], *batch: Tensor) -> Tensor:
        """The function's value with these parameters and buffers of the network."""
        with replacing(self.network, tensors) as stored:
            held = {f"network.{name}": each for name, each in stored.items()}
            return functional_call(self, held, batch)


def _called(network: nn.Module, inputs: Tensor) -> Tensor:
    return network(inputs)


def _flat(tensors: Iterable[Tensor]) -> Float[Tensor, " parameters"]:
    return torch.cat([each.detach().reshape(-1) for each in tensors])


def _trained(network: nn.Module) -> dict[str, nn.Parameter]:
    return {name: each for name, each in network.named_parameters() if each.requires_grad}


def _constants(network: nn.Module) -> dict[str, Tensor]:
    fixed = {name: each for name, each in network.named_parameters() if not each.requires_grad}
    return {**fixed, **dict(network.named_buffers())}
