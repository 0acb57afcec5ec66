"""Conversions to other numbers and other devices: which of them change a value, and how."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gnomon.errors import UnsupportedOperationError

REAL_KINDS = (torch.float32, torch.float64)
"""The types in which a network is taken to compute with real numbers."""


@dataclass(frozen=True)
class Conversion:
    """The device and type that a call of `to`, `float`, `type`, … asks for.

    Attributes:
        dtype: the type of number; None for the one there is.
        device: where it shall be; None for where it is.
        copy: whether a copy is asked for even where nothing changes.
    """

    dtype: torch.dtype | None = None
    device: torch.device | None = None
    copy: bool = False

    def changes(self, dtype: torch.dtype, device: torch.device) -> bool:
        """Tells whether torch makes a new tensor of one of this type at this place."""
        elsewhere = self.device is not None and _elsewhere(self.device, device)
        return self.copy or elsewhere or self.dtype not in {None, dtype}


def conversion(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Conversion | None:
    """Returns what a method of a tensor converts it to; None where it is no conversion.

    Args:
        name: of the method.
        args: its arguments without the tensor.
        kwargs: its named arguments.

    Raises:
        UnsupportedOperationError: a type that is given by a name of old.
    """
    if name in _KINDS:
        return Conversion(dtype=_KINDS[name])
    if name in {"cpu", "cuda"}:
        place = args[0] if args else kwargs.get("device", name)
        return Conversion(device=_device(place))
    if name == "type_as":
        return Conversion(*_asked("to", args))
    if name in {"to", "type"}:
        given = [*args, *(kwargs[key] for key in ("device", "dtype", "other") if key in kwargs)]
        dtype, device = _asked(name, given)
        # A device, a type or a tensor may be followed by non_blocking and copy.
        flags = [each for each in args if isinstance(each, bool)]
        return Conversion(dtype, device, bool(kwargs.get("copy", flags[1:2] == [True])))
    return None


def cast(lower: Tensor, upper: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Bounds of what a conversion makes of all numbers between two bounds, in their type.

    Conversion to fewer digits rounds, conversion to whole numbers cuts digits off, and
    conversion to bool asks whether a number is not 0. The first two never fall, as long as no
    number is too large for the type; beyond, nothing is known but the type's range.

    Args:
        lower: of every coordinate; NaN where nothing is known.
        upper: of every coordinate.
        dtype: a real type.

    Raises:
        UnsupportedOperationError: complex numbers, or ones with a scale of their own.
    """
    if dtype == torch.bool:
        apart, zero = (lower > 0) | (upper < 0), (lower == 0) & (upper == 0)
        return apart.to(lower.dtype), (~zero).to(lower.dtype)
    if dtype.is_floating_point:
        return lower.to(dtype).to(lower.dtype), upper.to(dtype).to(upper.dtype)
    if dtype.is_complex or dtype not in _WHOLE:
        raise UnsupportedOperationError(
            f"Conversion: expected a type of real numbers, got {dtype}. Remove it from the "
            "network."
        )
    least, most = torch.iinfo(dtype).min, torch.iinfo(dtype).max
    fits = (lower > least - 1.0) & (upper < most + 1.0)
    return (
        torch.where(fits, lower.trunc(), float(least)),
        torch.where(fits, upper.trunc(), float(most)),
    )


def _asked(name: str, given: Sequence[Any]) -> tuple[torch.dtype | None, torch.device | None]:
    """The type and the place that arguments of `to` or `type` name."""
    dtype, device = None, None
    for each in given:
        if isinstance(each, torch.dtype):
            dtype = each
        elif isinstance(each, torch.device) or (name == "to" and isinstance(each, str)):
            device = _device(each)
        elif hasattr(each, "dtype"):  # another tensor or value, whose facts are wanted
            dtype, device = getattr(each, "stored", each.dtype), each.device
        elif isinstance(each, str):
            raise UnsupportedOperationError(
                f"type: expected a type such as torch.float32, got {each!r}. Write that."
            )
    return dtype, device


def _device(given: Any) -> torch.device:
    return torch.device("cuda", given) if isinstance(given, int) else torch.device(given)


def _elsewhere(asked: torch.device, here: torch.device) -> bool:
    return asked.type != here.type or asked.index not in {None, here.index}


_WHOLE = {torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64}

_KINDS = {
    "float": torch.float32,
    "double": torch.float64,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
    "int": torch.int32,
    "long": torch.int64,
    "short": torch.int16,
    "char": torch.int8,
    "byte": torch.uint8,
    "bool": torch.bool,
    "cfloat": torch.complex64,
    "cdouble": torch.complex128,
    "chalf": torch.complex32,
}
"""Methods that are conversions to a type."""
