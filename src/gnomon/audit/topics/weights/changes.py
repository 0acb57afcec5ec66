"""The figures of each weight matrix, as examined and in every snapshot of its training."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from gnomon.errors import WeightsError
from gnomon.representation.spectrum import Spectrum, spectrum
from gnomon.representation.weights import (
    WeightMatrix,
    distribution,
    relative_distance,
    weight_matrices,
)

_OF_EIGENVALUES = ("spread", "mean_modulus", "nonreal", "outliers")


@dataclass(frozen=True, eq=False)
class Measured:
    """One matrix at one time.

    Attributes:
        spectrum: of the matrix.
        figures: by name; null where one does not exist.
        absent: why it does not, by the same name.
    """

    spectrum: Spectrum
    figures: dict[str, float | None]
    absent: dict[str, str]


@dataclass(frozen=True, eq=False)
class Changes:
    """The matrices in all snapshots.

    Attributes:
        first: the matrices of the first snapshot that could be read.
        measured: by epoch and name.
        unreadable: by epoch the reason why a snapshot could not be read.
    """

    first: Mapping[str, WeightMatrix] = field(default_factory=dict)
    measured: Mapping[int, Mapping[str, Measured]] = field(default_factory=dict)
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def columns(self, figures: Iterable[str], names: Iterable[str]) -> dict[str, Any]:
        """The chosen figures of the chosen matrices, epoch by epoch, as plain values."""
        layers: dict[str, Any] = {}
        for name in names:
            rows = {str(epoch): found.get(name) for epoch, found in self.measured.items()}
            layers[name] = {
                figure: [row.figures[figure] if row else None for row in rows.values()]
                for figure in figures
            }
            layers[name]["absent"] = {
                epoch: reasons
                for epoch, row in rows.items()
                if (reasons := _reasons(row, figures))
            }
        return {
            "epochs": list(self.measured),
            "layers": layers,
            "unreadable": dict(self.unreadable),
        }


def follow(
    snapshots: Mapping[int, nn.Module], weights: Mapping[str, WeightMatrix], exact: int
) -> Changes:
    """Measures the matrices of these names and shapes in every snapshot, one at a time."""
    first: dict[str, WeightMatrix] = {}
    measured: dict[int, dict[str, Measured]] = {}
    unreadable: dict[str, str] = {}
    for epoch in snapshots:
        try:
            network = snapshots[epoch]
        except WeightsError as error:
            unreadable[str(epoch)] = str(error)
            continue
        found = {
            name: weight
            for name, weight in weight_matrices(network).items()
            if name in weights and weight.matrix.shape == weights[name].matrix.shape
        }
        first = first or found
        measured[epoch] = {
            name: measure(weight, first.get(name), exact) for name, weight in found.items()
        }
    return Changes(first, measured, unreadable)


def measure(weight: WeightMatrix, first: WeightMatrix | None, exact: int) -> Measured:
    """All figures of one matrix, and its distance from the first snapshot's."""
    found = spectrum(weight.matrix, weight.kind, exact)
    absent = dict(found.absent)
    values = distribution(weight.matrix, largest(weight.matrix) or 1.0, bins=1)
    distance = None if first is None else relative_distance(weight.matrix, first.matrix)
    if found.eigenvalues is None:
        absent |= dict.fromkeys(_OF_EIGENVALUES, absent["eigenvalues"])
    if values.mean is None:
        absent["mean"] = absent["deviation"] = "no weight is finite"
    if first is None:
        absent["distance"] = "there is no first snapshot"
    elif distance is None:
        absent["distance"] = "these weights or the first snapshot's are not finite, or those 0"
    eigenvalues = {name: getattr(found.eigenvalues, name, None) for name in _OF_EIGENVALUES}
    figures = {
        "frobenius_norm": found.frobenius_norm,
        "spectral_norm": found.spectral_norm,
        "stable_rank": found.stable_rank,
        "condition": found.condition,
        "eigenvalue_condition": getattr(found.eigenvalues, "condition", None),
        **eigenvalues,
        "mean": values.mean,
        "deviation": values.deviation,
        "zeros": values.zeros,
        "distance": distance,
    }
    return Measured(found, figures, absent)


def largest(matrix: Tensor) -> float:
    """The largest finite modulus among the entries; 0 without any."""
    finite = matrix.detach()[matrix.detach().isfinite()].abs()
    return float(finite.max()) if len(finite) else 0.0


def _reasons(row: Measured | None, figures: Iterable[str]) -> dict[str, str]:
    if row is None:
        return dict.fromkeys(figures, "the snapshot has no such matrix")
    return {name: row.absent[name] for name in figures if name in row.absent}
