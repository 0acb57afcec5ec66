"""How complex the decision boundary is, on a plane through the data."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.data.dataset import Dataset
from gnomon.errors import DataError, SettingError
from gnomon.representation.boundary import DecisionBoundary, decision_boundary
from gnomon.representation.plane import Plane
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


@dataclass(frozen=True)
class BoundaryComplexity:
    """Length per area, turning and number of components of the decision boundary.

    They are measured in a window: of the plane itself for two-dimensional data, otherwise of
    planes through three examined examples each (slices), and then averaged over the slices.
    The examples are drawn of three different classes; where there are two, two examples are of
    one of them; where there is one, all three are. Definitions: `DecisionBoundary`.

    Details, the same in each of the three findings:

    - kind: "plane" or "slices"; resolution: points in each direction; precision: of vertices.
    - slices: for each window `density`, `length`, `area`, `turning`, `mean_curvature` (null
      without a boundary), `components`, `regions`, `shares` of the window for each class,
      `unanswered` and `outside` (shares of the window without an answer, and outside the
      domain: null without one), `window`; and for slices `examples`, the numbers of the three
      among the examined examples, and `classes`, their labels.
    - snapshots: for each epoch `density`, `turning`, `components`, `regions` and `unanswered`
      on the plane, or the first slice; or `absent`, why there are none for that epoch.
    - classes_of_slices: where not all slices have three classes, why.
    - without_snapshots: where there are none, why.

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
        kind = "plane" if subject.data.shape == (2,) else "slices"
        details = {
            "kind": kind,
            "resolution": self._points(subject),
            "precision": found[0].precision,
            "slices": [
                _row(subject, chosen, each)
                for (chosen, _), each in zip(windows, found, strict=True)
            ],
            "snapshots": self._through_training(subject, windows[0][1]),
            **_remarks(subject, kind),
        }
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

    def _through_training(self, subject: Subject, plane: Plane) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for epoch, network in subject.snapshots.items():
            if not all(weight.isfinite().all() for weight in network.parameters()):
                rows.append({"epoch": epoch, "absent": "weights with NaN or infinity"})
                continue
            found = self._boundary(subject, network, plane)
            rows.append({"epoch": epoch, **_measures(found)})
            if found.density is None:
                rows[-1]["absent"] = _NO_ANSWER
        return rows


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


def _finding(name: str, found: Sequence[DecisionBoundary], details: dict[str, Any]) -> Finding:
    """The mean over the windows with an answer."""
    values = [float(_measures(each)[name.removeprefix("boundary_")]) for each in found]
    where = (
        "on the plane of the data"
        if details["kind"] == "plane"
        else (
            f"mean over {len(values)} planes, each through three examples, with Student's 95 % "
            "interval for the choice of examples"
        )
    )
    size = details["resolution"]
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


def _measures(found: DecisionBoundary) -> dict[str, Any]:
    return {
        "density": found.density,
        "turning": found.turning,
        "components": found.components,
        "regions": found.regions,
        "unanswered": found.unanswered,
    }


def _row(subject: Subject, chosen: Tensor | None, found: DecisionBoundary) -> dict[str, Any]:
    row = {
        **_measures(found),
        "length": found.length,
        "area": found.area,
        "mean_curvature": found.mean_curvature,
        "shares": list(found.shares),
        "outside": found.outside,
        "window": list(found.plane.window),
    }
    if chosen is not None:
        row["examples"] = chosen.tolist()
        row["classes"] = subject.labels[chosen].tolist()
    return row


def _remarks(subject: Subject, kind: str) -> dict[str, Any]:
    """What is missing, and why."""
    remarks: dict[str, Any] = {}
    classes = len(subject.labels.unique())
    if kind == "slices" and classes < 3:
        remarks["classes_of_slices"] = (
            f"the examined examples are of {classes} "
            f"{'class' if classes == 1 else 'classes'}: the three of a slice cannot all differ"
        )
    if not subject.snapshots:
        remarks["without_snapshots"] = "no weights were kept during training"
    return remarks
