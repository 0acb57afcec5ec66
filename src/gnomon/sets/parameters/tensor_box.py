"""A box around one tensor of parameters."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gnomon.errors import SettingError, ShapeError
from gnomon.seeds import ensure
from gnomon.sets.guards import known
from gnomon.sets.parameters.tensor_set import Weights


@dataclass(frozen=True, eq=False)
class TensorBox:
    """All θ̃ with ``|θ̃_i − θ_i| ≤ r_i`` in every coordinate.

    The bounds θ ± r are rounded to nearest, and so may lie outside by half an ulp; a member
    that is handed out never does.

    Attributes:
        centre: θ.
        radius: r ≥ 0, of the same shape.
        share: λ if ``r = λ |θ|`` holds as a differentiable identity; enables a cheaper product
            rule.

    Raises:
        ShapeError: a radius of another shape than the centre's.
        SettingError: a radius that is negative, or anything infinite or NaN.
    """

    centre: Tensor
    radius: Tensor
    share: float | None = None

    def __post_init__(self) -> None:
        if self.radius.shape != self.centre.shape:
            raise ShapeError(
                f"TensorBox: expected one radius per coordinate of {tuple(self.centre.shape)}, "
                f"got shape {tuple(self.radius.shape)}. Expand it."
            )
        if known(lambda: not self._is_box()):
            low, high = (_ends(each) for each in (self.centre, self.radius))
            raise SettingError(
                f"TensorBox: expected a finite centre and finite radii ≥ 0, got a centre in "
                f"[{low[0]:g}, {low[1]:g}] and radii in [{high[0]:g}, {high[1]:g}]. Check the "
                "parameters and the radius law."
            )

    @property
    def lower(self) -> Tensor:
        """The bound θ − r."""
        return self.centre - self.radius

    @property
    def upper(self) -> Tensor:
        """The bound θ + r."""
        return self.centre + self.radius

    def project(self, value: Weights) -> Weights:
        """The nearest member: each coordinate moved to its interval."""
        return self._inwards(value.clamp(self.lower, self.upper))

    def steepest(self, direction: Weights) -> Weights:
        """The vertex that the signs of the direction point to; θ_i where the direction is 0."""
        return self._inwards(self.centre + direction.sign() * self.radius)

    def support(self, direction: Weights) -> Float[Tensor, ""]:
        """The sum ⟨θ, direction⟩ + ⟨r, |direction|⟩."""
        return (self.centre * direction + self.radius * direction.abs()).sum()

    def sample(self, generator: torch.Generator | None = None) -> Weights:
        """Uniform in the box."""
        generator = ensure(generator)
        uniform = torch.rand(self.centre.shape, generator=generator, device=generator.device)
        position = 2 * uniform.to(self.centre) - 1
        return self._inwards(self.centre + position * self.radius)

    def vertex(self, generator: torch.Generator | None = None) -> Weights:
        """A random corner: every coordinate at one of its ends."""
        generator = ensure(generator)
        shape, device = self.centre.shape, generator.device
        signs = 2 * torch.randint(2, shape, generator=generator, device=device) - 1
        return self.steepest(signs.to(self.centre))

    def contains(self, value: Weights) -> bool:
        """Tells whether every coordinate is at most its radius away, in float64."""
        return bool((self._distance(value) <= self.radius.double()).all())

    def detach(self) -> "TensorBox":
        """The same box as a constant."""
        return TensorBox(self.centre.detach(), self.radius.detach(), self.share)

    def _inwards(self, value: Tensor) -> Tensor:
        """A tensor within the rounded bounds, one ulp nearer to θ where it is outside.

        One is enough: a sum rounded to nearest has the true bound between itself and the next
        number towards θ.
        """
        outside = self._distance(value) > self.radius.double()
        ulp = (torch.nextafter(value.detach(), self.centre.detach()) - value).detach()
        return value + torch.where(outside, ulp, torch.zeros_like(ulp))

    def _distance(self, value: Tensor) -> Tensor:
        return (value.detach().double() - self.centre.detach().double()).abs()

    def _is_box(self) -> bool:
        if not self.centre.numel():
            return True
        (least, most), (low, high) = _ends(self.radius), _ends(self.centre)
        inf = torch.inf
        return bool((least >= 0) & (most < inf) & (low > -inf) & (high < inf))


def _ends(values: Tensor) -> tuple[Tensor, Tensor]:
    """The smallest and largest entry; both NaN if one entry is."""
    return torch.aminmax(values.detach())
