"""Margins over a ball of parameters: the last layer's differences of rows keep its shape."""

import torch
from torch import Tensor

from gnomon.algebra import enclose, evaluate
from gnomon.bounds import IBP
from gnomon.networks import MLP, Signature
from gnomon.seeds import generator
from gnomon.sets import Linf, ParameterBall


def test_margins_are_above_members_and_never_wider_than_differences_of_logits() -> None:
    signature = Signature((20,), 10, (0.0,) * 20, (1.0,) * 20)
    network = MLP(hidden=(64,))(signature, generator(0)).double().eval()
    inputs = torch.rand(8, 20, generator=generator(0, "x"), dtype=torch.float64)
    labels = torch.randint(10, (8,), generator=generator(0, "y"))
    within, region = Linf(0.01), ParameterBall(0.05).of(network).detach()
    with torch.no_grad():
        upper = IBP()(network, inputs, labels, within, region).upper
        logits = evaluate(network, enclose(inputs, within), region)
        plain = _without_label(logits.upper - logits.lower.gather(1, labels[:, None]), labels)
        assert (_without_label(upper, labels) <= plain + 1e-12).all()
        assert (_without_label(upper, labels) < 0.9 * plain).any()
        source = generator(1)
        for _ in range(100):
            member = torch.func.functional_call(network, region.vertex(source), (inputs,))
            margins = member - member.gather(1, labels[:, None])
            assert (margins <= upper + 1e-12).all()


def test_the_bound_of_a_single_layer_is_the_largest_margin_in_the_ball() -> None:
    """Two rows δ_j, δ_y of a perturbation of length r are worst at ±x / (√2 ‖x‖) r each."""
    layer = torch.nn.Linear(5, 3).double().eval()
    inputs = torch.rand(4, 5, generator=generator(0, "x"), dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 0])
    with torch.no_grad():
        found = IBP()(layer, inputs, labels, None, ParameterBall(0.1).of(layer).detach()).upper
        logits = layer(inputs)
        moved = 0.1 * layer.weight.norm() * inputs.norm(dim=1) + 0.1 * layer.bias.norm()
        largest = logits - logits.gather(1, labels[:, None]) + 2**0.5 * moved[:, None]
    torch.testing.assert_close(found, _without_label(largest, labels))


def _without_label(margins: Tensor, labels: Tensor) -> Tensor:
    """The margins of the other classes; 0 for the label's own."""
    return margins.scatter(1, labels[:, None], 0.0)
