"""Random noise: the baseline that every attack has to beat."""

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from gnomon.errors import SettingError
from gnomon.seeds import ensure
from gnomon.sets import Domain
from gnomon.shapes import Inputs


@runtime_checkable
class Noise(Protocol):
    """A random perturbation of given size."""

    kind: ClassVar[str]

    @property
    def size(self) -> float:
        """The size of the noise, in the data's own units."""
        ...

    def __call__(
        self, inputs: Inputs, domain: Domain, generator: torch.Generator | None = None
    ) -> Inputs:
        """The inputs with fresh noise, moved into the domain."""
        ...


@dataclass(frozen=True)
class UniformNoise:
    """Uniform noise in [−size, size], independent in each coordinate; `size` ≥ 0."""

    kind: ClassVar[str] = "uniform"
    size: float

    def __post_init__(self) -> None:
        _check_size(self.size, "UniformNoise")

    def __call__(
        self, inputs: Inputs, domain: Domain, generator: torch.Generator | None = None
    ) -> Inputs:
        """The inputs with fresh noise, moved into the domain."""
        generator = ensure(generator)
        device = generator.device
        noise = 2 * torch.rand(inputs.shape, generator=generator, device=device) - 1
        return _into(inputs + self.size * noise.to(inputs), domain)


@dataclass(frozen=True)
class GaussianNoise:
    """Gaussian noise of standard deviation `size` ≥ 0, independent in each coordinate."""

    kind: ClassVar[str] = "Gaussian"
    size: float

    def __post_init__(self) -> None:
        _check_size(self.size, "GaussianNoise")

    def __call__(
        self, inputs: Inputs, domain: Domain, generator: torch.Generator | None = None
    ) -> Inputs:
        """The inputs with fresh noise, moved into the domain."""
        generator = ensure(generator)
        device = generator.device
        noise = torch.randn(inputs.shape, generator=generator, device=device)
        return _into(inputs + self.size * noise.to(inputs), domain)


def _check_size(size: float, name: str) -> None:
    if not (math.isfinite(size) and size >= 0):
        raise SettingError(f"{name}: expected a finite size ≥ 0, got {size}. Correct it.")


def _into(inputs: Tensor, domain: Domain) -> Tensor:
    return inputs if domain is None else inputs.clamp(*domain)
