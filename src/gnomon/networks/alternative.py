"""A network with other parameters in place of its own."""

from collections.abc import Mapping

from torch import Tensor, nn

from gnomon.networks.weights import call_with


class Alternative(nn.Module):
    """The network with other parameters; the network itself is not changed.

    It is examined and attacked like any network.

    Args:
        network: the network whose structure, buffers and remaining parameters are used.
        parameters: tensors by their names in `named_parameters` or `held_tensors`; a tensor
            that two modules share is replaced in both.
    """

    def __init__(self, network: nn.Module, parameters: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.network = network
        self.replaced = dict(parameters)

    def forward(self, inputs: Tensor) -> Tensor:
        """The output of the network with the other parameters."""
        return call_with(self.network, self.replaced, inputs)
