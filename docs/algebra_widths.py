"""Prints how much wider interval bounds are than others: python docs/algebra_widths.py.

The networks are a perceptron 784-512-512-10 and a CNN4 with their initial weights, and the
trained spiral networks of `algebra_pictures.py`. A width is the mean over examples and logits.
About two minutes on one core.
"""

import torch
from algebra_pictures import spiral
from torch import Tensor, nn

import gnomon as gn
from gnomon.algebra import Interval, LinearRelaxation, evaluate
from gnomon.algebra.zonotope import Zonotope

EPSILON, BATCH = 2 / 255, 4


def main() -> None:
    """Prints a line for each network and set."""
    mlp = gn.networks.MLP(hidden=(512, 512))(
        gn.Signature((784,), 10, (0.0,) * 784, (1.0,) * 784), gn.generator(0)
    )
    x = torch.rand(BATCH, 784, generator=gn.generator(0, "inputs"))
    show("MLP", mlp, x, EPSILON, (0.0, 1.0))
    cnn = gn.networks.CNN4Conv()(
        gn.Signature((3, 32, 32), 10, (0.5,) * 3, (0.25,) * 3), gn.generator(0)
    )
    image = torch.rand(1, 3, 32, 32, generator=gn.generator(0, "inputs"))
    show("CNN4", cnn, image, EPSILON, (0.0, 1.0), laws=(0.0,), symbols=8192)
    for name in ("relu", "tanh"):
        network, inputs, _ = spiral(name)
        show(f"spiral {name}", network, inputs[:50], 0.1, None)


def show(
    name: str,
    network: nn.Module,
    x: Tensor,
    radius: float,
    domain: tuple[float, float] | None,
    laws: tuple[float, ...] = (0.0, 0.01),
    symbols: int = 2048,
) -> None:
    """Mean widths of the logits, over a box of inputs, and one of the parameters too."""
    for law in laws:
        for given in (radius, 0.0) if law else (radius,):
            region = gn.ParameterBox(gn.radius.Relative(law)).of(network) if law else None
            with torch.no_grad():
                widths = [
                    float(evaluate(network, value, region).width.mean())
                    for value in (
                        Interval.around(x, given, domain),
                        Zonotope.around(x, given, domain, symbols=symbols),
                        LinearRelaxation.around(x, given, domain, intermediate="interval"),
                        LinearRelaxation.around(x, given, domain),
                    )
                ]
            figures = ", ".join(f"{width:.4g}" for width in widths)
            print(f"{name}, inputs {given:.4f}, relative {law:g}: {figures}", flush=True)


if __name__ == "__main__":
    main()
