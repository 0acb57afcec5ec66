"""Linear relaxations beside auto_LiRPA, in the same run, on the same networks and boxes.

Prints, for each case, the medians of wall time over that of a plain forward pass of the same
batch, the ratio of the two per example, the largest difference of the bounds relative to the
largest width, and by how much each process grew at most. Two threads (one with "alone", for a
machine that others use, too); each measurement has a process of its own, so that memory is its
own.

The peer is not on PyPI in a version for current torch. It is used from a copy of its sources:
git clone https://github.com/Verified-Intelligence/auto_LiRPA; its packages appdirs, graphviz,
ninja, pyyaml and tqdm have to be importable, too. Run:
PYTHONPATH=auto_LiRPA python benchmarks/peer_bounds.py [mlp] [boxes] [step] [cnn] [alone]
Where it cannot be imported, only our own figures are printed.
"""

import multiprocessing
import resource
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from relaxed import BOX, RADIUS, cnn, mlp
from torch import Tensor, nn
from torch.nn import functional

from gnomon.algebra import Interval, LinearRelaxation, evaluate

Bounds = tuple[Tensor, Tensor]
Work = Callable[[nn.Module, Tensor], Bounds]
PEER = "auto_LiRPA"
THREADS = 1 if "alone" in sys.argv else 2


class Case:
    """A network, its inputs, and what is asked of both sides.

    Attributes:
        batch: how many examples we bound, and the peer, whose memory may not suffice.
        rounds: measured, after one that is not.
    """

    def __init__(
        self, kind: str, method: str, batch: tuple[int, int], rounds: int, *, weights: bool
    ) -> None:
        self.kind, self.method, self.batch, self.rounds = kind, method, batch, rounds
        self.weights = weights

    def make(self, batch: int) -> tuple[nn.Module, Tensor]:
        """The network at its random initialisation, and the first examples."""
        with torch.random.fork_rng():
            torch.random.set_rng_state(torch.Generator().manual_seed(0).get_state())
            network = mlp() if self.kind == "mlp" else cnn()
        shape = (1, 28, 28) if self.kind == "mlp" else (3, 32, 32)
        x = torch.rand(max(self.batch), *shape, generator=torch.Generator().manual_seed(1))
        return network.eval(), x[:batch]


CASES = {
    "mlp": Case("mlp", "CROWN", (64, 64), 5, weights=False),
    "boxes": Case("mlp", "CROWN", (64, 4), 3, weights=True),
    "step": Case("mlp", "IBP", (64, 64), 5, weights=True),
    "cnn": Case("cnn", "CROWN", (8, 2), 1, weights=False),
}


def ours(case: Case, network: nn.Module, x: Tensor) -> Bounds:
    """Bounds of the logits."""
    box = Interval.around(x, RADIUS, (0.0, 1.0))
    around = {name: Interval.around(value, BOX) for name, value in network.named_parameters()}
    value = LinearRelaxation.of(box) if case.method == "CROWN" else box
    found = evaluate(network, value, around if case.weights else None)
    return found.lower, found.upper


def prepared(case: Case, network: nn.Module, x: Tensor) -> Work:
    """The peer's network, traced beforehand."""
    from auto_LiRPA import BoundedModule, BoundedParameter, BoundedTensor  # noqa: PLC0415
    from auto_LiRPA.perturbations import PerturbationLpNorm  # noqa: PLC0415

    if case.weights:
        for module in network.modules():
            for name, value in list(module.named_parameters(recurse=False)):
                ball = PerturbationLpNorm(norm=float("inf"), eps=BOX)
                setattr(module, name, BoundedParameter(value.data, ball))
    # Its sparse paths fail on some networks that begin with Flatten and have boxes of weights.
    dense = {"sparse_features_alpha": False, "sparse_spec_alpha": False}
    dense |= {"sparse_intermediate_bounds": False} if case.weights else {}
    traced: Any = BoundedModule(network, torch.zeros_like(x), bound_opts=dense)
    box = Interval.around(x, RADIUS, (0.0, 1.0))
    ball = PerturbationLpNorm(norm=float("inf"), eps=RADIUS, x_L=box.lower, x_U=box.upper)

    def bounds(_: nn.Module, x: Tensor) -> Bounds:
        return traced.compute_bounds(x=(BoundedTensor(x, ball),), method=case.method)

    return bounds


def stepped(network: nn.Module, bounds: Work) -> Work:
    """A step of training on the worst case of the bounds."""
    network.requires_grad_(requires_grad=True)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-9)

    def step(network: nn.Module, x: Tensor) -> Bounds:
        optimizer.zero_grad()
        lower, upper = bounds(network, x)
        labels = torch.zeros(len(x), dtype=torch.long)
        worst = torch.cat([lower[:, :1], upper[:, 1:]], dim=1)
        functional.cross_entropy(worst, labels).backward()
        optimizer.step()
        return lower.detach(), upper.detach()

    return step


def measure(name: str, side: str, answers: Any) -> None:  # noqa: ANN401 - a queue
    """Puts down seconds of a plain pass and of the bounds, bytes, and the bounds."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(THREADS)
    case = CASES[name]
    network, x = case.make(case.batch[side == PEER])
    network.requires_grad_(requires_grad=False)

    def plain(network: nn.Module, x: Tensor) -> Bounds:
        return (network(x),) * 2

    if side == PEER:
        reference = case.make(1)[0].requires_grad_(requires_grad=False)
        work = prepared(case, network, x)
    else:
        reference, work = network, lambda network, x: ours(case, network, x)
    if case.method == "IBP":
        reference = case.make(1)[0]
        plain, work = stepped(reference, plain), stepped(network, work)
    plain(reference, x)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(case.rounds + 1):
        for seconds, function, given in zip(
            times, (plain, work), (reference, network), strict=True
        ):
            begun = time.perf_counter()
            found = function(given, x)
            if turn or case.rounds == 1:
                seconds.append(time.perf_counter() - begun)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    lower, upper = (bound.detach().numpy() for bound in found)  # type: ignore[possibly-undefined]
    answers.put((*map(statistics.median, times), grown, lower, upper))


def alone(name: str, side: str) -> tuple[float, float, int, Tensor, Tensor]:
    """What `measure` finds in a process of its own."""
    context = multiprocessing.get_context("spawn")
    answers = context.SimpleQueue()
    process = context.Process(target=measure, args=(name, side, answers))
    process.start()
    plain, seconds, grown, lower, upper = answers.get()
    process.join()
    return plain, seconds, grown, torch.from_numpy(lower), torch.from_numpy(upper)


def main() -> None:
    """Measures the cases that are named, or all."""
    sides = ["ours", PEER] if find_spec(PEER) is not None else ["ours"]
    if len(sides) == 1:
        print(f"{PEER} cannot be imported: our own figures alone. See the docstring.")
    for name in [each for each in CASES if each in sys.argv[1:]] or CASES:
        case = CASES[name]
        found = [alone(name, side) for side in sides]
        print(f"{name}: {case.method}" + (", boxes on all parameters" * case.weights))
        for side, batch, (plain, seconds, grown, lower, upper) in zip(
            sides, case.batch, found, strict=False
        ):
            width = float((upper - lower).mean())
            print(
                f"  {side:10s} batch {batch:2d} {seconds:9.3f} s {seconds / plain:8.0f} × plain"
                f"   width {width:9.4f}   +{grown / 1e3:.0f} MB"
            )
        if len(found) == len(sides) == 1:
            continue
        each = [seconds / batch for (_, seconds, *_), batch in zip(found, case.batch)]  # noqa: B905
        count = min(case.batch)
        scale = (found[1][4] - found[1][3])[:count].max()
        apart = torch.stack(
            [found[0][side][:count] - found[1][side][:count] for side in (3, 4)]
        )
        wider = torch.stack([-apart[0], apart[1]]).max() / scale
        print(
            f"  per example {each[1] / each[0]:.1f} × faster; bounds differ by at most "
            f"{float(apart.abs().max() / scale):.1e} of the width, ours are wider by at most "
            f"{float(wider.clamp_min(0)):.1e}"
        )


if __name__ == "__main__":
    main()
