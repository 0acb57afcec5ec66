"""The weight matrices: norms, singular values, eigenvalues, and how training changed them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar

import torch
from jaxtyping import Int
from torch import Tensor

from gnomon.audit.finding import Finding
from gnomon.audit.subject import Subject
from gnomon.audit.topics.weights.changes import Changes, Measured, follow, largest, measure
from gnomon.representation.spectrum import EXACT, Kind
from gnomon.representation.weights import WeightMatrix, distribution, weight_matrices

_FIGURES = {
    "frobenius_norm": ("frobenius_norm", "distance", "mean", "deviation", "zeros"),
    "spectral_norm": ("spectral_norm", "condition"),
    "stable_rank": ("stable_rank",),
    "eigenvalue_spread": ("spread", "mean_modulus", "nonreal", "outliers"),
    "eigenvalue_modulus": ("mean_modulus",),
    "eigenvalues_nonreal": ("nonreal",),
    "eigenvalue_condition": ("eigenvalue_condition",),
}
"""The figures of one matrix that stand in the details of each finding."""
_METHODS = {
    "frobenius_norm": "√Σ ‖W‖_F² over all weight matrices of the network together.",
    "spectral_norm": "The largest singular value over all weight matrices; a convolution "
    "counts as its kernel matrix (out, in · k · k), whose norm is not that of the operator.",
    "stable_rank": "The smallest ‖W‖_F² / ‖W‖₂² over the weight matrices that are not zero.",
    "eigenvalue_spread": "|λ|max − |λ|min, mean over the square weight matrices.",
    "eigenvalue_modulus": "The mean of |λ| over the eigenvalues of a matrix, and of that the "
    "mean over the square weight matrices.",
    "eigenvalues_nonreal": "How many eigenvalues are not real, in all square weight matrices "
    "together.",
    "eigenvalue_condition": "The largest |λ|max / |λ|min over the square weight matrices.",
}
_OVERALL: dict[str, Callable[[list[float]], float]] = {
    "frobenius_norm": lambda norms: math.hypot(*norms),
    "spectral_norm": max,
    "stable_rank": min,
    "eigenvalue_spread": fmean,
    "eigenvalue_modulus": fmean,
    "eigenvalues_nonreal": sum,
    "eigenvalue_condition": max,
}
_HEADLINES = {
    "eigenvalue_spread": "spread",
    "eigenvalue_modulus": "mean_modulus",
    "eigenvalues_nonreal": "nonreal",
}
"""The figure of a matrix that a finding is about, where it is not called the same."""
_REFERENCES = {
    "spectral_norm": ("sedghi2019",),
    "stable_rank": ("rudelson2007",),
    "eigenvalue_spread": ("tao2010", "ginibre1965", "golub2013"),
    "eigenvalue_modulus": ("golub2013",),
    "eigenvalues_nonreal": ("golub2013",),
    "eigenvalue_condition": ("golub2013",),
}
_LARGEST_KEPT = 20


@dataclass(frozen=True)
class WeightSpectra:
    """One finding for each of `names`, about all parameters with two axes or more.

    Details of each finding:

    - layers: for each matrix its `shape`, `kind` and figures, and under `absent` the reason for
      each figure that is null. `frobenius_norm`: that norm, `distance` ‖W − W₀‖_F / ‖W₀‖_F from
      the first snapshot, `mean` and `deviation` of the entries, share of exact `zeros`,
      `histogram` (counts in equal bins between −limit and limit in the `first` snapshot and
      in the examined weights, `last`). `spectral_norm`: that norm, `condition` σmax/σmin,
      `singular_values` with their `ranks`. `stable_rank`: itself. `eigenvalue_spread`:
      `spread`, `mean_modulus`, the numbers `nonreal` and `outliers`, `radius` and `threshold`
      of the circular law, `eigenvalues` (`real`, `imaginary`; there are `of` of them).
      `eigenvalue_modulus`: `mean_modulus`. `eigenvalues_nonreal`: the number `nonreal`.
      `eigenvalue_condition`: itself.
    - skipped: in those of eigenvalues, the matrices without eigenvalues, and why.
    - history: `epochs` with a snapshot, and for each of the `layers` the same figures at each
      of them, with the reasons for null under `absent`; `unreadable` says which snapshots could
      not be read. Null without snapshots, and then `no_history` says so.

    Attributes:
        exact: the longest side up to which singular values are exact and eigenvalues are
            computed, for the examined weights; see `gnomon.representation.spectrum`.
        exact_snapshots: the same for snapshots.
        kept: of more singular values so many are kept, evenly by rank; of more eigenvalues the
            20 largest and so many evenly by rank of their modulus.
        bins: of the histograms.
    """

    topic: ClassVar[str] = "weights"
    names: ClassVar[tuple[str, ...]] = tuple(_FIGURES)
    exact: int = EXACT
    exact_snapshots: int = 512
    kept: int = 200
    bins: int = 40

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:  # noqa: ARG002
        """One finding for each name; nothing in them is random."""
        weights = weight_matrices(subject.network)
        changes = follow(subject.snapshots, weights, self.exact_snapshots)
        measured = {
            name: measure(weight, changes.first.get(name), self.exact)
            for name, weight in weights.items()
        }
        details = {name: self._details(name, measured, changes) for name in self.names}
        for name, layer in details["frobenius_norm"]["layers"].items():
            layer["histogram"] = _histogram(weights[name], changes.first.get(name), self.bins)
        return tuple(_finding(name, measured, details[name]) for name in self.names)

    def _details(
        self, finding: str, measured: Mapping[str, Measured], changes: Changes
    ) -> dict[str, Any]:
        skipped = {
            name: each.spectrum.absent["eigenvalues"]
            for name, each in measured.items()
            if finding.startswith("eigenvalue") and each.spectrum.eigenvalues is None
        }
        shown = [name for name in measured if name not in skipped]
        details: dict[str, Any] = {
            "layers": {name: self._layer(finding, measured[name]) for name in shown},
            "history": None,
        }
        if finding.startswith("eigenvalue"):
            details["skipped"] = skipped
        if changes.measured or changes.unreadable:
            details["history"] = changes.columns(_FIGURES[finding], shown)
        else:
            details["no_history"] = "no snapshots of the weights during training were kept"
        return details

    def _layer(self, finding: str, measured: Measured) -> dict[str, Any]:
        """What a finding says of one matrix."""
        spectrum, figures = measured.spectrum, _FIGURES[finding]
        layer: dict[str, Any] = {
            "shape": list(spectrum.shape),
            "kind": spectrum.kind.value,
            **{name: measured.figures[name] for name in figures},
            "absent": {
                name: measured.absent[name] for name in figures if name in measured.absent
            },
        }
        if finding == "spectral_norm" and spectrum.singular_values is not None:
            ranks = _evenly(len(spectrum.singular_values), self.kept)
            values = spectrum.singular_values[ranks].tolist()
            layer["singular_values"] = {"ranks": (ranks + 1).tolist(), "values": values}
        if finding == "eigenvalue_spread" and spectrum.eigenvalues is not None:
            every = spectrum.eigenvalues.values
            first = torch.arange(min(len(every), _LARGEST_KEPT))
            chosen = every[torch.cat([first, _evenly(len(every), self.kept)]).unique()]
            layer["radius"] = spectrum.eigenvalues.radius
            layer["threshold"] = spectrum.eigenvalues.threshold
            layer["eigenvalues"] = {
                "real": chosen.real.tolist(),
                "imaginary": chosen.imag.tolist(),
                "of": len(every),
            }
        return layer


def _finding(name: str, measured: Mapping[str, Measured], details: dict[str, Any]) -> Finding:
    value, absent = _headline(name, measured)
    return Finding(
        probe=WeightSpectra.topic,
        name=name,
        value=value,
        unit="eigenvalues" if name == "eigenvalues_nonreal" else "",
        error=None,
        method=_METHODS[name],
        details=details,
        references=_REFERENCES.get(name, ()),
        absent=absent,
    )


def _headline(name: str, measured: Mapping[str, Measured]) -> tuple[float | None, str]:
    """The figure of the whole network, or why there is none."""
    figure = _HEADLINES.get(name, name)
    found = [each.figures[figure] for each in measured.values()]
    values = [value for value in found if value is not None]
    singular = [
        layer
        for layer, each in measured.items()
        if name == "eigenvalue_condition"
        and each.spectrum.eigenvalues is not None
        and figure in each.absent
    ]
    if singular:
        return None, f"infinite: an eigenvalue of {', '.join(singular)} is 0"
    if not values:
        return None, _no_values(name, figure, measured)
    return float(_OVERALL[name](values)), ""


def _no_values(name: str, figure: str, measured: Mapping[str, Measured]) -> str:
    if not measured:
        return "no weight matrix: no parameter of the network has two axes or more"
    square = any(
        each.spectrum.kind is Kind.MATRIX and len(set(each.spectrum.shape)) == 1
        for each in measured.values()
    )
    if name.startswith("eigenvalue") and not square:
        return "no square weight matrix: singular values instead"
    reasons = dict.fromkeys(
        f"{layer}: {each.absent[figure]}" for layer, each in measured.items()
    )
    return "; ".join(reasons)


def _histogram(weight: WeightMatrix, first: WeightMatrix | None, bins: int) -> dict[str, Any]:
    """The entries before and after training, in the same bins."""
    both = [weight.matrix] if first is None else [weight.matrix, first.matrix]
    limit = max(map(largest, both)) or 1.0
    counts = [distribution(each, limit, bins).counts.tolist() for each in both]
    return {"limit": limit, "first": counts[1] if len(counts) > 1 else None, "last": counts[0]}


def _evenly(count: int, kept: int) -> Int[Tensor, " ranks"]:
    """At most `kept` of the ranks 0 … count − 1, the first and the last among them."""
    return torch.linspace(0, count - 1, min(kept, count)).round().long()
