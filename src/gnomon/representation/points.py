"""Computes the points to which a network maps its inputs in every representation.

The points of all stages are computed from one set of inputs, in its order, so that row i is
the same example in every stage and after every epoch.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.networks import Stage, device_of, stages, undisturbed
from gnomon.seeds import ensure
from gnomon.shapes import Inputs

WIDEST = 1024
"""Largest number of coordinates of a representation; wider ones are sketched to it."""

Points = Float[Tensor, " examples width"]


@dataclass(frozen=True, eq=False)
class Representation:
    """The examples as one stage of a network sees them.

    Attributes:
        stage: "input", "hidden1", …, "output".
        receiver: the name of the weight layer that receives them; empty for the output.
        width: the number of coordinates of one example there.
        points: one row per example; `width` columns, or as many as the sketch has.
        by_example: whether each row is one example; false if a network folds positions into
            the rows.
    """

    stage: str
    receiver: str
    width: int
    points: Points
    by_example: bool = True

    @property
    def sketched(self) -> bool:
        """True if the points are a sketch."""
        return self.by_example and self.points.shape[1] < self.width


def represent(
    network: nn.Module,
    inputs: Inputs,
    *,
    generator: torch.Generator | None = None,
    widest: int = WIDEST,
    batch: int = 500,
) -> tuple[Representation, ...]:
    """The inputs in every stage of the network, on the inputs' device.

    A representation with more than `widest` coordinates is replaced by its count sketch: every
    coordinate is added, with a random sign, to one of `widest` random sums. That map is linear,
    and keeps a squared distance up to a relative error of standard deviation √(2/widest).

    Args:
        network: any network.
        inputs: a batch of examples.
        generator: draws the sketches; the same state gives the same sketch.
        widest: the largest number of coordinates that are kept.
        batch: number of examples at a time.

    References:
        charikar2002.
    """
    generator = ensure(generator)
    device = device_of(network)
    sketches: dict[int, _Sketch] = {}
    passed: tuple[Stage, ...] = ()
    parts: list[list[Tensor]] = []
    with undisturbed(network), torch.no_grad():
        for part in inputs.split(batch):
            passed = stages(network, part.to(device))
            rows = [stage.values.flatten(1) for stage in passed]
            for row in rows:
                if row.shape[1] > widest and row.shape[1] not in sketches:
                    sketches[row.shape[1]] = _Sketch.draw(row.shape[1], widest, generator)
            parts.append([_seen(row, sketches).to(inputs.device) for row in rows])
    return tuple(
        _joined(stage, rows, len(inputs))
        for stage, rows in zip(passed, zip(*parts, strict=True), strict=True)
    )


def _joined(stage: Stage, parts: tuple[Tensor, ...], examples: int) -> Representation:
    points = torch.cat(parts)
    width = stage.values.shape[1:].numel()  # also where there is no example
    return Representation(stage.name, stage.receiver, width, points, len(points) == examples)


@dataclass(frozen=True, eq=False)
class _Sketch:
    """A count sketch: a linear map to fewer coordinates."""

    bucket: Tensor
    sign: Tensor
    size: int

    @classmethod
    def draw(cls, width: int, size: int, generator: torch.Generator) -> "_Sketch":
        bucket = torch.randint(0, size, (width,), generator=generator)
        sign = 2.0 * torch.randint(0, 2, (width,), generator=generator) - 1
        return cls(bucket, sign, size)

    def __call__(self, rows: Tensor) -> Tensor:
        sums = rows.new_zeros(len(rows), self.size)
        signed = rows * self.sign.to(rows)
        return sums.index_add(1, self.bucket.to(rows.device), signed)


def _seen(rows: Tensor, sketches: dict[int, _Sketch]) -> Tensor:
    sketch = sketches.get(rows.shape[1])
    return rows if sketch is None else sketch(rows)
