"""Rounding errors: their unit, bounds of sums, steps outward, and kernels that obey them.

Assumed throughout: IEEE 754 arithmetic rounded to nearest, with gradual underflow. Nothing is
assumed of the order in which a sum is formed, nor of products and sums being fused.
"""

import math
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from gnomon.algebra.library import ANY, Library
from gnomon.errors import SettingError

_UNITS = {torch.float32: 2.0**-24, torch.float64: 2.0**-53}


def unit_roundoff(dtype: torch.dtype) -> float:
    """The unit u with |fl(a ∘ b) − a ∘ b| ≤ u |a ∘ b|: 2⁻²⁴ or 2⁻⁵³.

    Raises:
        SettingError: numbers of any other type.
    """
    if dtype not in _UNITS:
        raise SettingError(
            f"Rounding: expected float32 or float64, got {dtype}, in which sums are too coarse "
            "to be bounded. Convert the network and its inputs."
        )
    return _UNITS[dtype]


def gamma(terms: int, dtype: torch.dtype) -> float:
    """The number γ_n = n u / (1 − n u), rounded up; infinite where n u ≥ 1.

    Theorem: a product of n factors (1 + δ_i)^±1 with |δ_i| ≤ u differs from 1 by at most γ_n.
    Every term of a sum of n products goes through at most n roundings, whatever the order and
    the parentheses; fused products and sums save some. So |fl(Σ a_i b_i) − Σ a_i b_i| is at
    most γ_n Σ |a_i b_i|, and n tiny where products underflow.

    References:
        higham2002; lemma 3.1 and section 3.1.
    """
    small = terms * unit_roundoff(dtype)  # exact: u is a power of two
    if small >= 1:
        return math.inf
    value = small / (1 - small)
    for _ in range(3):  # the difference and the quotient were rounded, each once
        value = math.nextafter(value, math.inf)
    return value


def up(x: Tensor) -> Tensor:
    """The next larger number, through which gradients pass; infinity and NaN stay."""
    return _step(x, torch.inf)


def down(x: Tensor) -> Tensor:
    """The next smaller number, through which gradients pass; infinity and NaN stay."""
    return _step(x, -torch.inf)


def outward(lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """Bounds that hold for exact results of one operation, given its results as rounded."""
    return down(lower), up(upper)


def speck(dtype: torch.dtype) -> float:
    """A number far above the smallest normal one, and far below all that matters.

    Products with it are normal numbers, which processors multiply faster than others.
    """
    return torch.finfo(dtype).tiny * 2.0**20


def scaled(x: Tensor, kappa: float) -> Tensor:
    """The positive part of (1 + κ) x, moved up by a speck for κ > 0, else down."""
    return (x * (1 + kappa) + math.copysign(speck(x.dtype), kappa)).clamp_min(0)


def loses(stored: torch.dtype, kept: torch.dtype) -> bool:
    """True if numbers of the first type may have to be rounded to be kept in the second."""
    if stored == torch.int64:
        return True
    return kept == torch.float32 and stored in {torch.float64, torch.int32}


@runtime_checkable
class Level(Protocol):
    """The computations of a network that a bound covers: real arithmetic, or any execution.

    None of them overflows: where a bound passes the largest number, nothing is known.
    """

    @property
    def largest(self) -> float:
        """The largest number there is."""
        ...

    @property
    def smallest(self) -> float:
        """The smallest normal number: what one operation can lose by underflow."""
        ...

    def relative(self, terms: int) -> float:
        """The part of Σ |terms| by which an execution can miss a sum of so many terms."""
        ...

    def extra(self, terms: int, magnitude: Tensor) -> Tensor:
        """The most by which an execution can miss a sum of so many terms.

        Args:
            terms: their number; each goes through at most as many roundings.
            magnitude: at least Σ |terms| of the exact sum.
        """
        ...


@dataclass(frozen=True)
class Real:
    """The network in real arithmetic, with the weights that are stored: nothing is missed."""

    def __str__(self) -> str:
        return "real arithmetic"

    @property
    def largest(self) -> float:
        """Infinite: real arithmetic has no largest number."""
        return math.inf

    @property
    def smallest(self) -> float:
        """Zero: real arithmetic does not underflow."""
        return 0.0

    def relative(self, terms: int) -> float:
        """Zero."""
        del terms
        return 0.0

    def extra(self, terms: int, magnitude: Tensor) -> Tensor:
        """Zero."""
        del terms
        return torch.zeros_like(magnitude)


REAL = Real()
"""Bounds are true in real arithmetic."""


@dataclass(frozen=True)
class Deployed:
    """Real arithmetic, and executions in this type by programs as accurate as stated.

    Such an execution rounds each sum, product and quotient to nearest, adds in any order, fused
    or not, computes functions of one number as accurately as its library says, and overflows
    nowhere.

    Attributes:
        dtype: float32 or float64.
        library: the accuracies, `gnomon.library.ANY` unless another is given: those that
            PyTorch, its compiler and ONNX Runtime all reach.

    Raises:
        SettingError: another type.
    """

    dtype: torch.dtype
    library: Library = ANY

    def __post_init__(self) -> None:
        unit_roundoff(self.dtype)

    def __str__(self) -> str:
        return f"executions in {str(self.dtype).removeprefix('torch.')} by {self.library}"

    def kept_in(self, dtype: torch.dtype) -> "Deployed":
        """The level of values that an execution keeps in another type from here on."""
        return replace(self, dtype=dtype)

    @property
    def unit(self) -> float:
        """The unit roundoff of the type."""
        return unit_roundoff(self.dtype)

    @property
    def largest(self) -> float:
        """The largest number of the type."""
        return torch.finfo(self.dtype).max

    @property
    def smallest(self) -> float:
        """The smallest normal number of the type."""
        return torch.finfo(self.dtype).tiny

    def relative(self, terms: int) -> float:
        """The number γ_n."""
        return gamma(terms, self.dtype)

    def extra(self, terms: int, magnitude: Tensor) -> Tensor:
        """The error γ_n Σ |terms| + n tiny; infinite where an intermediate sum may overflow."""
        most = gamma(terms, self.dtype) * magnitude + terms * self.smallest
        fits = (magnitude + most).detach() < self.largest / 2
        return torch.where(fits, up(up(up(most))), torch.full_like(most, torch.inf))


def coarser(first: Level, second: Level) -> Level | None:
    """The level of what values of two levels make together; None where they do not fit.

    A number of the finer type is combined with one of the coarser: whether a program then goes
    on in the one or the other, it misses no more than in the coarser.
    """
    if first == second:
        return first
    if not (isinstance(first, Deployed) and isinstance(second, Deployed)):
        return None
    if first.library != second.library:
        return None
    return first if first.unit >= second.unit else second


def level_of(given: Tensor, level: Level) -> Level:
    """The level at which executions go on with a tensor that a network uses as it is.

    A tensor without axes decides nothing, and one of a finer type than the level's may be
    stored in that; of a coarser type, it makes the coarser type's errors possible.

    Raises:
        SettingError: half precision, at the level of executions.
    """
    if not isinstance(level, Deployed) or not given.is_floating_point():
        return level
    if given.dtype not in _UNITS:
        raise SettingError(
            "Deployed: expected inputs and parameters in float32 or float64, got "
            f"{given.dtype}, in which executions are too coarse to be bounded. Convert the "
            "network and its inputs, or bound the network in real arithmetic with level=REAL."
        )
    coarse = unit_roundoff(given.dtype) > level.unit
    return level.kept_in(given.dtype) if coarse and given.ndim else level


def refuse_other_types(network: nn.Module, level: Level) -> None:
    """Refuses a network that is not in the numbers of which a level speaks.

    A part of it may be in the other of float32 and float64, with conversions before and after.

    Raises:
        SettingError: a parameter or buffer in half precision, or none in the level's type.
    """
    if not isinstance(level, Deployed):
        return
    tensors = [*network.named_parameters(), *network.named_buffers()]
    kinds = {name: each.dtype for name, each in tensors if each.is_floating_point()}
    other = {name: kind for name, kind in kinds.items() if kind not in _UNITS}
    if not other and level.dtype not in kinds.values():
        other = kinds
    for name, kind in other.items():
        raise SettingError(
            f"Deployed: expected a network in {level.dtype}, got {name} in {kind}. Convert the "
            f"network with .to({level.dtype}), or ask for the level of its own numbers: "
            "Deployed(torch.float32), Deployed(torch.float64), or REAL."
        )


@contextmanager
def safe_kernels(*tensors: Tensor) -> Generator[None, None, None]:
    """Runs only kernels that form sums of products as such, one rounding at a time.

    Off are: TF32 and other reduced precision inside products of matrices; cuDNN, oneDNN and
    NNPACK, which may convolve by Winograd's or Fourier's method. Torch's own convolutions,
    which then run, are products of matrices. Every setting is put back.

    Args:
        tensors: that will be used, whose type is checked.

    Raises:
        SettingError: half precision, an active autocast, or subnormal numbers flushed to 0 in
            the calling thread or in one that works for it.
    """
    for tensor in tensors:
        unit_roundoff(tensor.dtype)
    _refuse_coarse_modes()
    backends = torch.backends
    switches = [(each, "enabled", False) for each in (backends.cudnn, backends.mkldnn)]
    switches += [
        (each, "fp32_precision", "ieee")
        for each in (backends.cuda.matmul, backends.mkldnn.matmul, backends.mkldnn.conv)  # type: ignore[attr-defined]
    ]
    with ExitStack() as stack:
        stack.enter_context(backends.nnpack.flags(enabled=False))
        for owner, name, value in switches:
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        yield


def _step(x: Tensor, towards: float) -> Tensor:
    here = x.detach()
    there = torch.nextafter(here, torch.full_like(here, towards))
    if not x.requires_grad:
        return torch.where(here.isfinite(), there, here)
    # The difference of neighbours is exact, and so is its sum with x.
    return x + torch.where(here.isfinite(), there - here, torch.zeros_like(here))


def _refuse_coarse_modes() -> None:
    if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
        raise SettingError(
            "Rounding: expected no autocast, got one that is active, under which products are "
            "rounded to half precision. Leave its context."
        )
    if not _underflows_gradually():
        raise SettingError(
            "Rounding: expected gradual underflow, got subnormal numbers flushed to 0, in this "
            "thread or in one that works for it. Call torch.set_flush_denormal(False) before "
            "anything is computed: threads keep what was set when they were started."
        )


def _underflows_gradually() -> bool:
    """True if no thread among which torch divides its work flushes subnormal numbers to 0.

    Each thread has a setting of its own. An average over windows of one number is divided by
    channels, however few there are, so that with some for each thread all are asked.
    """
    channels, kind = 4 * torch.get_num_threads(), torch.float64
    smallest = torch.full((1, channels, 1, 1), torch.finfo(kind).tiny / 2, dtype=kind)
    return bool((functional.avg_pool2d(smallest, 1) > 0).all())
