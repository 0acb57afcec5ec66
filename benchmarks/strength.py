"""How near attacks come to exact answers: on networks of two and three inputs.

The distance of the nearest point of another class is bracketed to 1e-3 by branch and bound
with certified bounds (`reference.nearest_fooling_point`). An attack in a set of given radius,
1.01 of the median of these distances, is scored by the share it finds of the nearer half of
the examples, all of which can be fooled there; an attack that looks for the nearest point by
its distance over the exact one (median / 95 % quantile). Everything runs in float64. Prints a
table in Markdown, and how often an attack was nearer than the lower end of the bracket, which
would be an error.
Run: PYTHONPATH=tests python benchmarks/strength.py [EXAMPLES]
"""

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

import gnomon as gn
from gnomon.activations import Activation, ReLU, Tanh
from gnomon.attacks import InputAttack, RandomPoint
from gnomon.data import Dataset, Split, Store
from gnomon.sets import L2, Linf
from gnomon.training import Adam, Cosine, Experiment
from reference.nearest_fooling_point import Distances, Norm, nearest_fooling_points

ATTACKS: dict[str, InputAttack] = {
    "random points (100)": RandomPoint(tries=100),
    "FGSM": gn.FGSM(),
    "BIM": gn.attacks.BIM(),
    "PGD": gn.PGD(),
    "PGD × 5": gn.PGD(restarts=5),
    "APGD": gn.attacks.APGD(),
    "APGD-T": gn.attacks.APGDT(),
    "Square": gn.attacks.SquareAttack(),
    "AutoAttack": gn.AutoAttack.standard(),
}
NEAREST: dict[str, InputAttack] = {
    "DeepFool": gn.attacks.DeepFool(),
    "FMN": gn.attacks.FMN(),
    "FAB": gn.attacks.FAB(),
    "FAB-T": gn.attacks.FABT(),
    "FAB × 5": gn.attacks.FAB(restarts=5),
}
RADIUS = 1.01
"""Of the median: no example has to be met exactly at the border."""
MOST = 12.0
"""Examples that cannot be fooled within this distance are left out of ratios."""
SETS = {"Linf": Linf, "L2": L2}


@dataclass(frozen=True)
class ThreeNumbers:
    """The digits, each by its three first principal components."""

    def __call__(self, seed: int, store: Store) -> Dataset:
        """In units of each component's standard deviation."""
        data = gn.data.Digits()(seed, store)
        flat = data.train.inputs.flatten(1)
        centre = flat.mean(dim=0)
        axes = torch.linalg.svd(flat - centre, full_matrices=False).Vh[:3].T
        scale = ((flat - centre) @ axes).std(dim=0)

        def reduced(split: Split) -> Split:
            return Split((split.inputs.flatten(1) - centre) @ axes / scale, split.labels)

        return replace(
            data,
            train=reduced(data.train),
            validation=reduced(data.validation),
            test=reduced(data.test),
            domain=None,
            mean=(0.0,) * 3,
            std=(1.0,) * 3,
            customary=(),
        )


def spiral(activation: Activation) -> Experiment:
    """As in examples/spiral-mlp.toml."""
    training = gn.Training(
        epochs=60, batch_size=64, optimizer=Adam(), learning_rate=2e-3, schedule=Cosine()
    )
    data = gn.data.DoubleSpiral(entanglement=8.0, points=2000)
    return Experiment(
        data=data, network=gn.networks.MLP(activation=activation), training=training
    )


def digits() -> Experiment:
    """Two layers of 30."""
    training = gn.Training(epochs=60, batch_size=64, optimizer=Adam(), learning_rate=5e-3)
    return Experiment(
        data=ThreeNumbers(), network=gn.networks.MLP(hidden=(30, 30)), training=training
    )


EXPERIMENTS = {
    "spiral, ReLU": spiral(ReLU()),
    "spiral, tanh": spiral(Tanh()),
    "digits, ReLU": digits(),
}


def trained(experiment: Experiment, examples: int) -> tuple[nn.Module, Tensor, Tensor]:
    """The network in float64, and test examples that it gets right."""
    data = experiment.data(0, Store.default())
    with tempfile.TemporaryDirectory() as folder:
        run = gn.train(experiment, data, Path(folder), device="cpu")
    network = run.network.double().eval()
    inputs, labels = data.test.inputs.double(), data.test.labels
    with torch.no_grad():
        right = network(inputs).argmax(dim=1) == labels
    print(f"  {float(right.double().mean()):.1%} of the test examples are right", flush=True)
    order = torch.randperm(int(right.sum()), generator=gn.generator(0, "examples"))[:examples]
    return network, inputs[right][order], labels[right][order]


def scores(
    network: nn.Module, inputs: Tensor, labels: Tensor, norm: Norm, exact: Distances
) -> dict[str, str]:
    """What each attack reaches, in words."""
    reachable, known = exact.upper <= exact.upper.median(), exact.upper.isfinite()
    radius, found = RADIUS * float(exact.upper.median()), dict[str, str]()
    for name, attack in (ATTACKS | NEAREST).items():
        within = SETS[norm](radius if name in ATTACKS else MOST)
        outcome = attack(network, inputs, labels, within, gn.generator(0, name))
        impossible = int((outcome.fooled & (outcome.distance < exact.lower)).sum())
        if impossible:
            print(f"  {name} beats the lower end of {impossible}: an error")
        if name in ATTACKS:
            found[name] = f"{float(outcome.fooled[reachable].double().mean()):.1%}"
        else:
            ratio = torch.where(outcome.fooled, outcome.distance / exact.upper, torch.inf)[
                known
            ]
            half, most = (float(ratio.quantile(q, interpolation="higher")) for q in (0.5, 0.95))
            found[name] = f"{half:.3f} / {most:.3f}"
    return found


def main(*arguments: str) -> None:
    """Prints the table, a column for each network and norm."""
    torch.set_num_threads(1)
    examples = int(arguments[0]) if arguments else 100
    table = dict[str, dict[str, str]]()
    norms: tuple[Norm, Norm] = ("Linf", "L2")
    for title, experiment in EXPERIMENTS.items():
        print(title, flush=True)
        network, inputs, labels = trained(experiment, examples)
        for norm in norms:
            exact = nearest_fooling_points(network, inputs, labels, norm, MOST)
            print(f"  {norm}: {exact.boxes} boxes, median {float(exact.upper.median()):.4f}")
            table[f"{title}, {norm}"] = scores(network, inputs, labels, norm, exact)
    print("\n| attack | " + " | ".join(table) + " |\n|---|" + "---|" * len(table))
    for name in ATTACKS | NEAREST:
        print(f"| {name} | " + " | ".join(column[name] for column in table.values()) + " |")


if __name__ == "__main__":
    main(*sys.argv[1:])
