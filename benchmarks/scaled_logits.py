"""What attacks say of a network whose logits are multiplied: the same answers, other numbers.

PGD-20 of Gnomon, of a bare loop, torchattacks, foolbox and ART, on the CNN4 of attack.py and on
the same network with its logits × 100 and × 1000. Multiplying them changes no answer, so it
should change no robust accuracy. Run: python benchmarks/scaled_logits.py
"""

import torch
from attack import attacks
from robust_network import robust_network
from torch import Tensor, nn

import gnomon as gn
from gnomon.attacks import View

SCALES = (1, 100, 1000)
STEPS, BATCH = 20, 128


class Scaled(nn.Module):
    """The network with its logits times `factor`."""

    def __init__(self, network: nn.Module, factor: float) -> None:
        super().__init__()
        self.network, self.factor = network, factor

    def forward(self, x: Tensor) -> Tensor:
        return self.factor * self.network(x)


def main() -> None:
    """Prints the share that resists, for each attack and scale."""
    data = gn.data.CIFAR10()(0, gn.Store.default())
    network = robust_network(data)
    inputs, labels = data.test.inputs[:BATCH], data.test.labels[:BATCH]
    print(f"{data.title}, {BATCH} images: robust accuracy with logits × {SCALES}")
    for name, attack in attacks(STEPS, 1, {"gnomon": View()}).items():
        resisting: list[str] = []
        for scale in SCALES:
            scaled = Scaled(network, scale).eval()
            moved = attack(scaled, inputs, labels)
            with torch.no_grad():
                right = scaled(moved).argmax(dim=1) == labels
            resisting.append(f"{float(right.float().mean()):7.1%}")
        print(f"  {name:14s} {' '.join(resisting)}")


if __name__ == "__main__":
    main()
