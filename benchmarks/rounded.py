"""Rounded interval bounds beside plain ones: what soundness in floating point costs.

The CNN4 of the certified-training literature (`cnn4_conv`) on CIFAR-sized inputs, batch 16,
with boxes on every weight, bias and input. Bounds are rounded outwards in float64 and in
float32, for real arithmetic and for executions in float32. Time is the ratio of medians of the
same run, to plain intervals in float32; width the ratio of mean widths of the logits, to plain
intervals in float64. Run: python benchmarks/rounded.py
"""

import statistics
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

import gnomon as gn
from gnomon.algebra import REAL, Interval, Level, Outward, evaluate
from gnomon.sets.parameters import TensorBox

ROUNDS, BATCH = 7, 16
EPSILON, RELATIVE = 2 / 255, 0.01
EXECUTED = gn.algebra.Deployed(torch.float32)


def main() -> None:
    """Prints ratios of time and width."""
    torch.set_num_threads(1)
    network = gn.networks.CNN4Conv()(
        gn.Signature((3, 32, 32), 10, (0.5,) * 3, (0.25,) * 3), gn.generator(0)
    )
    network.requires_grad_(requires_grad=False)
    x = torch.rand(BATCH, 3, 32, 32, generator=gn.generator(0, "inputs"))
    for sizes in ("inputs", "inputs and parameters"):
        law = gn.radius.Relative(RELATIVE)
        region = gn.ParameterBox(law).of(network) if "and" in sizes else None

        def plain(x: Tensor = x, region: object = region) -> Interval:
            return evaluate(network, Interval.around(x, EPSILON, (0.0, 1.0)), region)  # type: ignore[arg-type]

        def rounded(level: Level, dtype: torch.dtype, region: object = region) -> Interval:
            box = Interval.around(
                x, EPSILON, (0.0, 1.0), arithmetic=Outward(level=level, dtype=dtype)
            )
            return evaluate(network, box, region)  # type: ignore[arg-type]

        forms: dict[str, Callable[[], Interval]] = {
            "plain, float32": plain,
            "rounded, float64, real": lambda f=rounded: f(REAL, torch.float64),
            "rounded, float64, executed in float32": lambda f=rounded: f(
                EXECUTED, torch.float64
            ),
            "rounded, float32, real": lambda f=rounded: f(REAL, torch.float32),
        }
        boxes = (
            None
            if region is None
            else {
                name: Interval.around(each.centre.double(), each.radius.double())
                for name, each in region.items()
                if isinstance(each, TensorBox)
            }
        )
        box = Interval.around(x.double(), EPSILON, (0.0, 1.0))
        wide = evaluate(network.double(), box, boxes).width.mean()
        network.float()
        times = medians(forms)
        for name, form in forms.items():
            ratio = times[name] / times["plain, float32"]
            width = float(form().width.double().mean() / wide) - 1
            print(f"{sizes}: {name}: time {ratio:.2f} ×, width 1 + {width:.1e}")


def medians(forms: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The median time of each, taken in turns."""
    taken: dict[str, list[float]] = {name: [] for name in forms}
    for _ in range(ROUNDS):
        for name, form in forms.items():
            start = time.perf_counter()
            form()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(each) for name, each in taken.items()}


if __name__ == "__main__":
    main()
