"""Checks the settings of every set when it is made."""

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

from gnomon.errors import SettingError
from gnomon.sets.perturbation_set import Domain

_LOOKING = ContextVar("looking", default=True)


def check_size(name: str, size: float, word: str = "radius") -> None:
    """Refuses a size that is negative, infinite or NaN.

    Raises:
        SettingError: the size is no number ≥ 0.
    """
    if not (math.isfinite(size) and size >= 0):
        raise SettingError(f"{name}: expected a finite {word} ≥ 0, got {size}. Correct it.")


def check_domain(name: str, domain: Domain) -> None:
    """Refuses a domain without a number between its ends.

    Raises:
        SettingError: the domain is empty.
    """
    if domain is not None and not domain[0] < domain[1]:
        raise SettingError(
            f"{name}: expected a domain (low, high) with low < high, got {domain}. Correct it."
        )


def known(condition: Callable[[], bool]) -> bool:
    """Returns True if a condition on numbers holds; False where values cannot be read.

    Inside `torch.func.vmap` a tensor stands for many, and has no single truth value.
    """
    if not _LOOKING.get():
        return False
    try:
        return condition()
    except RuntimeError:
        return False


@contextmanager
def unchecked() -> Generator[None, None, None]:
    """Disables value checks inside the block: `known` returns False.

    Use it in loops that validate their own results: reading a value would synchronise with the
    GPU, and a training whose weights became NaN is to end by the loop's own error.
    """
    token = _LOOKING.set(False)
    try:
        yield
    finally:
        _LOOKING.reset(token)
