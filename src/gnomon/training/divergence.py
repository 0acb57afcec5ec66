"""When a training has diverged, and what can be done about it."""

import math

from gnomon.errors import DivergedError

REMEDY = "Lower learning_rate (see the range test), add warmup_epochs, or set gradient_clip."
"""Advice about a training that diverges, for error messages."""


def check_step(place: str, loss: float, gradient_norm: float, learning_rate: float) -> None:
    """Refuses a loss or a gradient that is not finite.

    Args:
        place: which step of which epoch.
        loss: of its batch.
        gradient_norm: of the step.
        learning_rate: of the step.

    Raises:
        DivergedError: one of the two is infinite or undefined.
    """
    if math.isfinite(loss) and math.isfinite(gradient_norm):
        return
    what, got = ("loss", loss) if not math.isfinite(loss) else ("gradient", gradient_norm)
    raise DivergedError(
        f"{place}: expected a finite {what}, got {got} at learning rate {learning_rate:.3g}. "
        f"{REMEDY}"
    )


def check_weights(epoch: int, *, finite: bool) -> None:
    """Refuses weights that are not all finite after an epoch.

    Raises:
        DivergedError: some are infinite or undefined.
    """
    if not finite:
        raise DivergedError(_after(epoch, "finite weights", "some that are not"))


def check_validation(epoch: int, loss: float | None) -> None:
    """Refuses a validation loss that is not finite; None stands for no validation data.

    Raises:
        DivergedError: it is infinite or undefined.
    """
    if loss is not None and not math.isfinite(loss):
        raise DivergedError(_after(epoch, "a finite validation loss", str(loss)))


def _after(epoch: int, expected: str, got: str) -> str:
    return f"end of epoch {epoch}: expected {expected}, got {got}. {REMEDY}"
