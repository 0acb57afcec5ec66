"""Draws the pictures of the page on algebras: python docs/algebra_pictures.py.

Trains two small networks on the double spiral first; about a minute on one core.
"""

import io
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import torch
from PIL import Image
from scipy.spatial import ConvexHull, HalfspaceIntersection
from torch import Tensor, nn

import gnomon as gn
from gnomon.algebra import Interval, LinearRelaxation, Value, evaluate
from gnomon.algebra.zonotope import Zonotope
from gnomon.bounds import CROWN, IBP, BoundMethod

FOLDER = Path(__file__).parent / "_static" / "algebras"
ENCLOSURES = {"Interval": "#6d7f8b", "Zonotope": "#12966f", "LinearRelaxation": "#2a7fc1"}
ALGEBRAS: dict[str, Callable[..., Value]] = {
    "Interval": Interval.around,
    "Zonotope": Zonotope.around,
    "LinearRelaxation": LinearRelaxation.around,
}
POINTS, INSIDE, OUTSIDE = "#1d2129", "#d9600b", "#2a7fc1"
DIRECTIONS, SAMPLES = 720, 1200
RADIUS = 0.8
RADII = (*(i / 100 for i in range(5)), *(i / 20 for i in range(1, 41)))


def main() -> None:
    """Draws every picture."""
    mpl.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    FOLDER.mkdir(exist_ok=True)
    draw_functions()
    trained = {name: spiral(name) for name in ("relu", "tanh")}
    draw_layers(*trained["relu"])
    draw_brackets(trained)


def spiral(activation: str) -> tuple[nn.Module, Tensor, Tensor]:
    """A network of five hidden layers of 50 on the double spiral, and its test examples."""
    planned = gn.experiment(
        {
            "seed": 0,
            "data": {"name": "spiral", "entanglement": 8.0, "points": 1000},
            "network": {"architecture": "mlp", "activation": activation},
            "training": {"epochs": 60, "batch_size": 64, "learning_rate": 2e-3},
        }
    )
    data = planned.data(planned.seed, gn.Store.default(download=False))
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        gn.train(planned, data, run)
        network = gn.load_network(run)
    return network.eval(), data.test.inputs, data.test.labels


class Graph(nn.Module):
    """The pairs (t, f(t))."""

    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.function = function

    def forward(self, t: Tensor) -> Tensor:
        """Both, side by side."""
        return torch.cat([t, self.function(t)], dim=1)


def draw_functions() -> None:
    """What each algebra keeps of one function of one number."""
    cases = [
        ("relu", gn.activations.ReLU(), -2.0, 3.0),
        ("tanh", gn.activations.Tanh(), -1.0, 3.0),
        ("gelu", gn.activations.GELU(), -3.0, 1.5),
    ]
    figure, plots = plt.subplots(1, 3, figsize=(9, 2.9), layout="constrained")
    for axes, (name, function, low, high) in zip(plots, cases, strict=True):
        middle = torch.tensor([[(low + high) / 2]])
        for algebra, around in ALGEBRAS.items():
            outline(axes, evaluate(Graph(function), around(middle, (high - low) / 2)), algebra)
        t = torch.linspace(low, high, 300)
        axes.plot(t, function(t), color=POINTS, linewidth=1.5)
        axes.set(title=f"{name} on [{low:g}, {high:g}]", xlabel="t")
    finish(figure, plots[0], "functions")


def draw_layers(network: nn.Module, inputs: Tensor, labels: Tensor) -> None:
    """A box of inputs on its way through a network, two coordinates at a time."""
    del labels
    layers = list(network.children())
    stops = {"inputs": 0, "after layer 1": 3, "after layer 3": 7, "logits": len(layers)}
    figure, plots = plt.subplots(2, 4, figsize=(10, 5.2), layout="constrained")
    x = inputs[7:8]
    sampled = x + RADIUS * (2 * torch.rand(SAMPLES, 2, generator=gn.generator(0, "box")) - 1)
    for (above, below), (name, stop) in zip(plots.T, stops.items(), strict=True):
        part = nn.Sequential(*layers[:stop])
        with torch.no_grad():
            points = part(sampled)
            pair = points.std(dim=0).topk(2).indices.sort().values
            values = [evaluate(part, around(x, RADIUS)) for around in ALGEBRAS.values()]
            for axes in (above, below):
                for algebra, value in zip(ALGEBRAS, values, strict=True):
                    outline(axes, value[:, pair], algebra)
                axes.plot(*points[:, pair].T, ".", color=POINTS, markersize=1, zorder=0.5)
                axes.locator_params(nbins=4)
        above.set(title=name)
        enlarge(below, values[1][:, pair])
    plots[0, 0].set(ylabel="everything")
    plots[1, 0].set(ylabel="enlarged")
    finish(figure, plots[0, 0], "layers")


def enlarge(axes: plt.Axes, value: Value) -> None:
    """Shows what lies within a value's bounds, and a little around it."""
    low, high = value.lower[0], value.upper[0]
    rim = 0.1 * (high - low)
    axes.set(
        xlim=(float((low - rim)[0]), float((high + rim)[0])),
        ylim=(float((low - rim)[1]), float((high + rim)[1])),
    )


def draw_brackets(trained: dict[str, tuple[nn.Module, Tensor, Tensor]]) -> None:
    """How many points each network gets right: certified from below, attacked from above."""
    figure, plots = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained", sharey=True)
    methods: Sequence[BoundMethod] = (IBP(), CROWN())
    for axes, (name, (network, inputs, labels)) in zip(plots, trained.items(), strict=True):
        attacked = [right_attacked(network, inputs, labels, radius) for radius in RADII]
        ibp, crown = (
            [certified(method, network, inputs, labels, radius) for radius in RADII]
            for method in methods
        )
        axes.plot(RADII, attacked, color=INSIDE, label="right under attack (PGD)")
        axes.plot(RADII, crown, color=OUTSIDE, label="certified (CROWN)")
        axes.plot(RADII, ibp, color=OUTSIDE, linestyle="--", label="certified (IBP)")
        axes.fill_between(RADII, crown, attacked, color="#6d7f8b", alpha=0.2, label="unknown")
        axes.set(title=name, xlabel="L∞ radius", ylim=(0, 1.02), xlim=(0, RADII[-1]))
    plots[0].set(ylabel="share of the points")
    plots[1].legend(frameon=False, loc="lower left", bbox_to_anchor=(0.02, 0.05))
    save(figure, "bracket")


def right_attacked(network: nn.Module, inputs: Tensor, labels: Tensor, radius: float) -> float:
    """The share that a gradient attack does not fool."""
    if radius == 0:
        return float((network(inputs).argmax(1) == labels).float().mean())
    attack = gn.PGD(steps=20)
    outcome = attack(network, inputs, labels, gn.Linf(radius), gn.generator(0, "attack"))
    return 1 - float(outcome.fooled.float().mean())


def certified(
    method: BoundMethod, network: nn.Module, inputs: Tensor, labels: Tensor, radius: float
) -> float:
    """The share that no allowed perturbation fools."""
    with torch.no_grad():
        margins = method(network, inputs, labels, gn.Linf(radius), None)
    return float(margins.certified.float().mean())


def outline(axes: plt.Axes, value: Value, algebra: str) -> None:
    """The convex set that a value of two coordinates encloses, seen from many directions."""
    angles = 2 * torch.pi * torch.arange(DIRECTIONS) / DIRECTIONS
    directions = torch.stack([angles.cos(), angles.sin()], dim=1)
    reach = furthest(value, directions)
    middle = ((value.lower + value.upper)[0] / 2).double().numpy()
    planes = torch.cat([directions, -reach[:, None]], dim=1).double().numpy()
    corners = HalfspaceIntersection(planes, middle).intersections
    corners = corners[ConvexHull(corners).vertices]
    colour = ENCLOSURES[algebra]
    axes.fill(*corners.T, facecolor=colour + "30", edgecolor=colour, label=algebra)


def furthest(value: Value, directions: Tensor) -> Tensor:
    """Upper bounds of ⟨d, z⟩ over the members z of a value, for each direction d."""
    if isinstance(value, LinearRelaxation):
        return value.bound(directions).upper[0]
    low, high = value.lower[0], value.upper[0]
    box = directions.clamp_min(0) @ high + directions.clamp_max(0) @ low
    if not isinstance(value, Zonotope):
        return box
    spread = (directions @ value.generators[:, 0].T).abs().sum(dim=1)
    independent = directions.abs() @ value.radius[0]
    return box.minimum(directions @ value.centre[0] + spread + independent)


def finish(figure: plt.Figure, axes: plt.Axes, name: str) -> None:
    """Adds one legend and saves."""
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False)
    save(figure, name)


def save(figure: plt.Figure, name: str) -> None:
    """As a small picture."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=100)
    plt.close(figure)
    Image.open(drawn).convert("RGB").quantize(192).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
