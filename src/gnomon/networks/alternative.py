"""A network with other parameters in place of its own."""

from collections.abc import Mapping

from torch import Tensor, nn

from gnomon.networks.weights import call_with


class Alternative(nn.Module):
    """The network as it would be with other parameters; the network itself is not changed.

    It is examined and attacked like any network.

    Args:
        network: whose structure, buffers and remaining parameters are used.
        parameters: by the names that `named_parameters` or `held_tensors` gives them; one that
            two modules share is replaced in both.
    """

    def __init__(self, network: nn.Module, parameters: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.network = network
        self.replaced = dict(parameters)

    def forward(self, inputs: Tensor) -> Tensor:
        """What the network answers with the other parameters."""
        return call_with(self.network, self.replaced, inputs)
