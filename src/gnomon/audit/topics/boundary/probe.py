"""How complex the decision boundary is, on a plane through the data."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import not_
from typing import Annotated, ClassVar, Literal, TypeAlias

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.data.dataset import Dataset
from gnomon.errors import DataError, SettingError
from gnomon.representation.boundary import DecisionBoundary, decision_boundary
from gnomon.representation.plane import Plane, Window
from gnomon.shapes import Labels

_UNITS = {
    "boundary_density": "1/unit",
    "boundary_turning": "radians",
    "boundary_components": "components",
}
_MEANINGS = {
    "boundary_density": "Length of the decision boundary per area, in the data's units",
    "boundary_turning": "Total absolute angle by which the decision boundary turns (a circle: "
    "2π, a straight line: 0)",
    "boundary_components": "Number of connected parts of the decision boundary",
}
_NO_ANSWER = "the network has no largest logit anywhere in the window"
_TRIES = 20
"""So often three examples are drawn again when they lie on a line."""
Remark: TypeAlias = Annotated[str, Field(exclude_if=not_)]
"""Says in words why something is missing; empty, and not in the file, where nothing is."""


@dataclass(frozen=True)
class WindowBoundary:
    """The decision boundary in one window of a plane; lengths are in the data's units.

    Attributes:
        density: length of the boundary per area of the window, in 1/unit; None where the
            network has no largest logit anywhere in it.
        turning: total absolute angle by which the boundary turns, in radians.
        components: number of connected parts of the boundary.
        regions: number of connected parts of the decision regions.
        unanswered: share of the window in which no logit is the largest.
        length: length of the boundary, in units.
        area: area of that part of the window which has an answer, in units squared.
        mean_curvature: turning per length, in 1/unit; None without a boundary.
        shares: share of the window in each class, in the order of the labels.
        outside: share of the window outside the data's domain; None without a domain.
        window: bounds (x_low, x_high, y_low, y_high) on the plane, in units.
    """

    density: float | None
    turning: float
    components: int
    regions: int
    unanswered: float
    length: float
    area: float
    mean_curvature: float | None
    shares: tuple[float, ...]
    outside: float | None
    window: Window


@dataclass(frozen=True)
class SliceBoundary(WindowBoundary):
    """The decision boundary in the window of a plane through three examples.

    Attributes:
        examples: numbers of the three, counted from 0 among the examined examples.
        classes: labels of the three.
    """

    examples: tuple[int, int, int]
    classes: tuple[int, int, int]


@dataclass(frozen=True)
class EpochBoundary:
    """The decision boundary after one epoch, measured as in `WindowBoundary`.

    Attributes:
        epoch: number of the epoch.
        density: length of the boundary per area of the window, in 1/unit.
        turning: total absolute angle by which the boundary turns, in radians.
        components: number of connected parts of the boundary.
        regions: number of connected parts of the decision regions.
        unanswered: share of the window in which no logit is the largest.
    """

    epoch: int
    density: float
    turning: float
    components: int
    regions: int
    unanswered: float


@dataclass(frozen=True)
class UndecidedEpoch:
    """An epoch after which no logit is the largest anywhere in the window.

    Attributes:
        epoch: number of the epoch.
        density: None, since no part of the window has an answer.
        turning: total absolute angle by which the boundary turns, in radians.
        components: number of connected parts of the boundary.
        regions: number of connected parts of the decision regions.
        unanswered: share of the window in which no logit is the largest.
        absent: reason why there is no boundary, in words.
    """

    epoch: int
    density: None
    turning: float
    components: int
    regions: int
    unanswered: float
    absent: str


@dataclass(frozen=True)
class BrokenEpoch:
    """An epoch after which the weights are not finite, so that nothing was measured.

    Attributes:
        epoch: number of the epoch.
        absent: reason why there is no boundary, in words.
    """

    epoch: int
    absent: str


Epoch: TypeAlias = EpochBoundary | UndecidedEpoch | BrokenEpoch
"""What was found after one epoch of the training."""


@dataclass(frozen=True)
class Boundaries:
    """The details of each of the three findings about the boundary; they are the same.

    Attributes:
        kind: "plane" for two-dimensional data, otherwise "slices".
        resolution: number of points of the grid in each direction.
        precision: floating-point type in which vertices were located, such as "float64".
        slices: boundary in each window: of one plane, or of each slice.
        snapshots: boundary after each epoch that was kept, on the plane or the first slice.
        classes_of_slices: reason why the three examples of a slice are not of three classes.
        without_snapshots: reason why there are no snapshots.
    """

    kind: Literal["plane", "slices"]
    resolution: int
    precision: str
    slices: tuple[SliceBoundary | WindowBoundary, ...]
    snapshots: tuple[Epoch, ...]
    classes_of_slices: Remark = ""
    without_snapshots: Remark = ""


@dataclass(frozen=True)
class BoundaryComplexity:
    """Length per area, turning and number of components of the decision boundary.

    They are measured in a window: of the plane itself for two-dimensional data, otherwise of
    planes through three examined examples each (slices), and then averaged over the slices.
    The examples are drawn of three different classes; where there are two, two examples are of
    one of them; where there is one, all three are. Definitions: `DecisionBoundary`.

    The details of each finding are `Boundaries`.

    Attributes:
        resolution: points in each direction of the plane of two-dimensional data.
        slice_resolution: the same for a slice, coarser because the networks are larger there.
        slices: how many, for data that are not two-dimensional.
        batch: points at a time.
    """

    topic: ClassVar[str] = "boundary"
    names: ClassVar[tuple[str, ...]] = tuple(_UNITS)
    resolution: int = 240
    slice_resolution: int = 120
    slices: int = 3
    batch: int = 200

    def __post_init__(self) -> None:
        if self.slices < 1:
            raise SettingError(
                f"slices: expected 1 or more, got {self.slices}. Leave the probe out instead."
            )

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:
        """One finding for each of the three measures."""
        try:
            windows = self._windows(subject, generator)
        except DataError as error:
            return tuple(_absent(name, str(error)) for name in self.names)
        found = [self._boundary(subject, subject.network, plane) for _, plane in windows]
        answered = [each for each in found if each.density is not None]
        if not answered:
            return tuple(_absent(name, _NO_ANSWER) for name in self.names)
        details = Boundaries(
            kind="plane" if subject.data.shape == (2,) else "slices",
            resolution=self._points(subject),
            precision=found[0].precision,
            slices=tuple(
                _row(subject, chosen, each)
                for (chosen, _), each in zip(windows, found, strict=True)
            ),
            snapshots=tuple(self._through_training(subject, windows[0][1])),
            classes_of_slices=_classes_of_slices(subject),
            without_snapshots=""
            if subject.snapshots
            else "no weights were kept during training",
        )
        return tuple(_finding(name, answered, details) for name in self.names)

    def _windows(
        self, subject: Subject, generator: torch.Generator
    ) -> list[tuple[Tensor | None, Plane]]:
        """The planes to look at, with the three examples of each."""
        data = subject.data
        if data.shape == (2,):
            return [(None, plane_of(data))]
        if math.prod(data.shape) < 2:
            raise DataError("inputs with one coordinate span no plane")
        if len(subject.labels) < 3:
            raise DataError(f"a slice needs three examples, got {len(subject.labels)}")
        return [_slice(subject, generator) for _ in range(self.slices)]

    def _points(self, subject: Subject) -> int:
        """In each direction."""
        return self.resolution if subject.data.shape == (2,) else self.slice_resolution

    def _boundary(self, subject: Subject, network: nn.Module, plane: Plane) -> DecisionBoundary:
        """On slices in the network's own precision: convolutions in float64 are slow."""
        return decision_boundary(
            network,
            plane,
            resolution=self._points(subject),
            batch=self.batch,
            domain=subject.data.domain,
            precision=torch.float64 if subject.data.shape == (2,) else torch.float32,
        )

    def _through_training(self, subject: Subject, plane: Plane) -> Iterator[Epoch]:
        for epoch, network in subject.snapshots.items():
            if all(weight.isfinite().all() for weight in network.parameters()):
                yield _epoch(epoch, self._boundary(subject, network, plane))
            else:
                yield BrokenEpoch(epoch, "weights with NaN or infinity")


def plane_of(data: Dataset) -> Plane:
    """The plane of two-dimensional data, with all training and test points in its window."""
    return Plane.of_data(torch.cat([data.train.inputs, data.test.inputs]))


def _slice(subject: Subject, generator: torch.Generator) -> tuple[Tensor, Plane]:
    """Three examples of classes as different as possible, and the plane through them."""
    for _ in range(_TRIES):
        chosen = _three(subject.labels, generator)
        try:
            return chosen, Plane.through(subject.inputs[chosen])
        except DataError:
            continue
    raise DataError(f"no three examples that span a plane were found in {_TRIES} draws")


def _three(labels: Labels, generator: torch.Generator) -> Tensor:
    """One example after the other, of classes in random order, beginning again at the end."""
    present = labels.unique()
    order = present[torch.randperm(len(present), generator=generator)]
    left = torch.ones_like(labels, dtype=torch.bool)
    chosen: list[int] = []
    while len(chosen) < 3:
        of_class = (labels == order[len(chosen) % len(order)]) & left
        choices = (of_class if of_class.any() else left).nonzero()[:, 0]
        index = int(torch.randint(len(choices), (1,), generator=generator))
        chosen.append(int(choices[index]))
        left[chosen[-1]] = False
    return torch.tensor(chosen)


def _finding(name: str, found: Sequence[DecisionBoundary], details: Boundaries) -> Finding:
    """The mean over the windows with an answer."""
    values = [float(getattr(each, name.removeprefix("boundary_"))) for each in found]
    where = (
        "on the plane of the data"
        if details.kind == "plane"
        else (
            f"mean over {len(values)} planes, each through three examples, with Student's 95 % "
            "interval for the choice of examples"
        )
    )
    size = details.resolution
    return Finding(
        probe=BoundaryComplexity.topic,
        name=name,
        value=float(np.mean(values)),
        unit=_UNITS[name],
        error=_interval(values),
        method=f"{_MEANINGS[name]}, {where}; marching squares on {size} × {size} points, "
        "vertices moved to the boundary by root search.",
        details=details,
        references=("lorensen1987", "chandrupatla1997"),
    )


def _interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's interval for the mean, cut at 0; None for a single value."""
    if len(values) < 2:
        return None
    mean, count = float(np.mean(values)), len(values)
    from scipy.special import stdtrit  # noqa: PLC0415 - slow to import

    half = float(stdtrit(count - 1, 0.975) * np.std(values, ddof=1) / math.sqrt(count))
    return max(0.0, mean - half), mean + half


def _absent(name: str, reason: str) -> Finding:
    return Finding(
        probe=BoundaryComplexity.topic,
        name=name,
        value=None,
        unit=_UNITS[name],
        error=None,
        method=f"{_MEANINGS[name]}.",
        absent=reason,
    )


def _epoch(epoch: int, found: DecisionBoundary) -> EpochBoundary | UndecidedEpoch:
    density = found.density
    others = (found.turning, found.components, found.regions, found.unanswered)
    if density is None:
        return UndecidedEpoch(epoch, density, *others, _NO_ANSWER)
    return EpochBoundary(epoch, density, *others)


def _row(
    subject: Subject, chosen: Tensor | None, found: DecisionBoundary
) -> SliceBoundary | WindowBoundary:
    row = WindowBoundary(
        density=found.density,
        turning=found.turning,
        components=found.components,
        regions=found.regions,
        unanswered=found.unanswered,
        length=found.length,
        area=found.area,
        mean_curvature=found.mean_curvature,
        shares=found.shares,
        outside=found.outside,
        window=found.plane.window,
    )
    if chosen is None:
        return row
    examples, classes = (tuple(each.tolist()) for each in (chosen, subject.labels[chosen]))
    return SliceBoundary(**vars(row), examples=examples, classes=classes)


def _classes_of_slices(subject: Subject) -> str:
    """Says why the three examples of a slice are not of three classes; empty if they are."""
    classes = len(subject.labels.unique())
    if subject.data.shape == (2,) or classes >= 3:
        return ""
    noun = "class" if classes == 1 else "classes"
    return (
        f"the examined examples are of {classes} {noun}: the three of a slice cannot all differ"
    )
