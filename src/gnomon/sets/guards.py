"""What every set checks when it is made."""

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
    """Whether a condition on numbers holds; False where numbers cannot be looked at.

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
    """Nothing is `known` within: for a loop that looks at its results in any case.

    To look at a number waits for the device; and a training whose weights became NaN is to end
    by what the loop says of it.
    """
    token = _LOOKING.set(False)
    try:
        yield
    finally:
        _LOOKING.reset(token)
