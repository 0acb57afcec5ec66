"""Makes the double spiral: arms of an Archimedean spiral, one per class, in R^n."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int

from gnomon.data.arm_distance import smallest_distance
from gnomon.data.dataset import Dataset, Fact
from gnomon.data.examples import Examples
from gnomon.data.preparation import Card, assemble
from gnomon.data.separation import separate
from gnomon.data.spiral_geometry import Spiral
from gnomon.data.splits import check_shares, hold_out, hold_out_test
from gnomon.data.store import Store
from gnomon.errors import SettingError
from gnomon.seeds import generator
from gnomon.sets import L2, Linf

_GROWTH = 2.0
_ENTANGLEMENT = 8.0


@dataclass(frozen=True)
class DoubleSpiral:
    """Arms S1: r = bφ and S2: r = −bφ with φ_min ≤ φ ≤ φ_max, x₁ = r cos φ, x₂ = r sin φ.

    The data are unbounded: their domain is None. Figures about the arms (distances,
    segments) hold for the curves themselves, before noise. A perturbation smaller than the
    misclassification-proof radius, half the smallest distance between two arms, leaves every
    point of an arm nearer to its own arm than to any other.

    Attributes:
        growth: b > 0, the radius gained per radian; 2 if `distance` is absent, too. It is not
            the distance between the arms.
        distance: instead of `growth`, the smallest L2 distance between the arms that b shall
            give.
        entanglement: φ_max − φ_min > 0 in radians; 8 if `turns` is absent, too.
        turns: instead of `entanglement`, the same in full turns.
        phi_min: angle > 0 at which the arms begin, in radians.
        points: number of points on each arm, for the three splits together.
        sampling: the quantity in which points are equally spaced, φ or arc length.
        noise: ≥ 0, the half-width of the uniform or the standard deviation of the Gaussian
            noise that is added to each of the two coordinates in the plane of the spiral.
        noise_kind: distribution of the noise.
        noise_on: the splits that noise is added to; the validation split belongs to training.
        dimension: n ≥ 2; for n > 2 the plane is embedded in R^n by a random isometry (the
            orthonormal columns of a Gaussian n × 2 matrix). The curves have codimension n − 1.
        off_manifold_noise: ≥ 0, the standard deviation per coordinate of Gaussian noise in the
            orthogonal complement of the embedded plane, on the same splits; n > 2 only.
        arms: number of arms, ≥ 2; arm k is S1 turned by 2πk / arms.
        validation_share: share of the points outside the test split held out for validation.
        test_share: share of all points that forms the test split, in (0, 1).

    References:
        slusarz2021 (its "distance between spirals" is b), khoury2018 (codimension).
    """

    growth: float | None = None
    distance: float | None = None
    entanglement: float | None = None
    turns: float | None = None
    phi_min: float = 1.0
    points: int = 1000
    sampling: Literal["angle", "arc_length"] = "angle"
    noise: float = 0.0
    noise_kind: Literal["uniform", "gaussian"] = "uniform"
    noise_on: Literal["both", "train", "test"] = "both"
    dimension: int = 2
    off_manifold_noise: float = 0.0
    arms: int = 2
    validation_share: float = 0.15
    test_share: float = 0.2

    def __post_init__(self) -> None:
        for one, other in (("growth", "distance"), ("entanglement", "turns")):
            if getattr(self, one) is not None and getattr(self, other) is not None:
                raise SettingError(
                    f"DoubleSpiral: give {one} or {other}, got both. Each follows from the "
                    "other: remove one."
                )
        for name in ("growth", "distance", "entanglement", "turns", "phi_min"):
            _require(name, getattr(self, name), above=0.0)
        for name, least in (("points", 10), ("dimension", 2), ("arms", 2)):
            _require(name, float(getattr(self, name)), least=float(least))
        for name in ("noise", "off_manifold_noise"):
            _require(name, getattr(self, name), least=0.0)
        if self.off_manifold_noise > 0 and self.dimension == 2:
            raise SettingError(
                "DoubleSpiral: off_manifold_noise needs a dimension above 2, got 2, where the "
                "plane is all there is. Raise dimension, or use noise."
            )
        check_shares(
            "DoubleSpiral", validation_share=self.validation_share, test_share=self.test_share
        )

    @cached_property
    def spiral(self) -> Spiral:
        """The arms in their plane, with the growth that the settings imply."""
        range_of_phi = self.entanglement or _ENTANGLEMENT
        if self.turns is not None:
            range_of_phi = 2 * math.pi * self.turns
        phi_max = self.phi_min + range_of_phi
        if self.distance is None:
            return Spiral(self.growth or _GROWTH, self.phi_min, phi_max, self.arms)
        # All distances are proportional to b.
        of_growth_one = smallest_distance(Spiral(1.0, self.phi_min, phi_max, self.arms))
        return Spiral(self.distance / of_growth_one, self.phi_min, phi_max, self.arms)

    def embedding(self, seed: int) -> Float[np.ndarray, " dimension 2"]:
        """The isometry x ↦ Q x of the plane into R^n; the identity for n = 2."""
        if self.dimension == 2:
            return np.eye(2)
        q, r = np.linalg.qr(_gaussian((self.dimension, 2), seed, "embedding"))
        # With the diagonal of R positive, Q is uniform among isometries.
        return q * np.sign(np.diag(r))

    def __call__(self, seed: int, store: Store) -> Dataset:
        """Draws the data; the store is not used.

        Raises:
            DataError: the shares leave a split empty.
        """
        del store
        embedding = self.embedding(seed)
        points, labels = self._on_the_arms()
        kept, test = hold_out_test(labels, self.test_share)
        train, validation = hold_out(
            labels[kept], self.validation_share, generator(seed, "data", "validation")
        )

        def examples(places: np.ndarray, split: str) -> Examples:
            inputs = self._lifted(points[places], embedding, seed, split)
            return Examples(inputs, labels[places], f"spiral, {split}")

        return assemble(
            self._card(embedding),
            train=examples(kept[train], "train"),
            validation=examples(kept[validation], "validation"),
            test=examples(test, "test"),
        )

    def _on_the_arms(self) -> tuple[Float[np.ndarray, " points 2"], Int[np.ndarray, " points"]]:
        """Points on the curves, arm after arm, and the numbers of their arms."""
        if self.sampling == "angle":
            phi = self.spiral.angles(self.points)
        else:
            phi = self.spiral.angles_of_equal_arc_length(self.points)
        points = np.concatenate([self.spiral.points(phi, arm) for arm in range(self.arms)])
        return points, np.repeat(np.arange(self.arms), self.points)

    def _lifted(
        self,
        points: Float[np.ndarray, " n 2"],
        embedding: Float[np.ndarray, " d 2"],
        seed: int,
        split: str,
    ) -> Float[np.ndarray, " n d"]:
        """The points with their noise, in R^n."""
        noisy = self.noise_on == "both" or (self.noise_on == "test") == (split == "test")
        if noisy and self.noise_kind == "uniform":
            points = points + self.noise * _uniform(points.shape, seed, split)
        elif noisy:
            points = points + self.noise * _gaussian(points.shape, seed, split)
        lifted = points @ embedding.T
        if noisy and self.off_manifold_noise > 0:
            free = _gaussian(lifted.shape, seed, split, "off the manifold")
            lifted += self.off_manifold_noise * (free - free @ embedding @ embedding.T)
        return lifted

    def _card(self, embedding: Float[np.ndarray, " d 2"]) -> Card:
        l2, linf = smallest_distance(self.spiral), smallest_distance(self.spiral, embedding)
        title = "Double spiral" if self.arms == 2 else f"Spiral with {self.arms} arms"
        return Card(
            name="spiral",
            title=title if self.dimension == 2 else f"{title} in {self.dimension} dimensions",
            class_names=tuple(f"S{arm + 1}" for arm in range(self.arms)),
            domain=None,
            customary=(Linf(linf / 4), L2(l2 / 4)),
            facts=self._facts(l2, linf),
            references=("slusarz2021", "khoury2018"),
        )

    def _facts(self, l2: float, linf: float) -> dict[str, Fact]:
        entanglement = self.spiral.phi_max - self.spiral.phi_min
        return {
            "arms": self.arms,
            "dimension": self.dimension,
            "codimension": self.dimension - 1,
            "growth": self.spiral.growth,
            "phi_min": self.phi_min,
            "entanglement": entanglement,
            "turns": entanglement / (2 * math.pi),
            "separating_segments": separate(self.spiral).segments,
            "distance_l2": l2,
            "distance_linf": linf,
            "misclassification_proof_radius_l2": l2 / 2,
            "misclassification_proof_radius_linf": linf / 2,
        }


def _require(
    name: str, value: float | None, above: float = -math.inf, least: float = -math.inf
) -> None:
    if value is None or (value > above and value >= least and math.isfinite(value)):
        return
    bound = f"> {above:g}" if math.isfinite(above) else f"≥ {least:g}"
    raise SettingError(f"DoubleSpiral: {name} must be {bound}, got {value}. Correct the value.")


def _uniform(shape: tuple[int, ...], seed: int, *names: str) -> Float[np.ndarray, " n 2"]:
    """Numbers drawn uniformly from [−1, 1)."""
    draw = torch.rand(shape, generator=generator(seed, "data", *names), dtype=torch.float64)
    return (2 * draw - 1).numpy()


def _gaussian(shape: tuple[int, ...], seed: int, *names: str) -> Float[np.ndarray, " n d"]:
    draw = torch.randn(shape, generator=generator(seed, "data", *names), dtype=torch.float64)
    return draw.numpy()
