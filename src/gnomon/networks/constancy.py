"""Checks that logits are reproducible and do not depend on other examples of a batch."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]

from gnomon.errors import SubjectError
from gnomon.shapes import Inputs, Logits

ROUNDING = 1e-5
"""Largest relative difference of logits that is attributed to the order of additions."""
_REMEDY = (
    "Give batch normalisations running statistics (track_running_stats=True, and training data "
    "to fill them), or wrap the network so that every example is answered by itself "
    "(torch.func.vmap)."
)


def check_statistics(network: nn.Module) -> None:
    """Refuses batch normalisations that have no statistics but those of the batch.

    Raises:
        SubjectError: there is one; its answers depend on the other examples of a batch.
    """
    for name, module in network.named_modules():
        if isinstance(module, _BatchNorm) and module.running_mean is None:
            raise SubjectError(
                "expected answers that do not depend on the other examples of a batch, got the "
                f"batch normalisation '{name or type(module).__name__}' without running "
                f"statistics. {_REMEDY}"
            )


def answers_vary(answer: Callable[[Tensor], Tensor], inputs: Inputs, logits: Logits) -> bool:
    """Tells whether the same inputs get other logits when they are evaluated again.

    One further evaluation decides for a network that does not vary: every second example is
    evaluated again among others. Where its logits differ, further evaluations find out why.

    Args:
        answer: returns the network's logits in evaluation mode.
        inputs: a batch.
        logits: the network's logits on that batch, from the first evaluation.

    Raises:
        SubjectError: logits that depend on the other examples of the batch. Only what happens
            at these inputs is seen.
    """
    others = _among_others(inputs)
    with torch.no_grad():
        if not _moved(logits, answer(others)):
            return False
        if not _moved(logits, answer(inputs)):
            difference = float(_differences(logits, answer(others)).max())
            raise SubjectError(
                "expected answers that do not depend on the other examples of a batch, got "
                f"logits that move by up to {difference:.3g} when the others change. {_REMEDY}"
            )
        with _same_draws(inputs.device) as again:
            first = answer(inputs)
            again()
            second = answer(inputs)
            again()
            third = answer(others)
    if not _moved(first, second) and _moved(first, third):
        raise SubjectError(
            "expected answers that do not depend on the other examples of a batch, got other "
            f"logits from the same random numbers when the others change. {_REMEDY}"
        )
    return True


def _among_others(inputs: Inputs) -> Tensor:
    """The batch with every second example replaced; a single example is joined by another."""
    axes = tuple(range(1, inputs.dim()))
    turned = inputs.flip(axes)
    if torch.equal(turned, inputs):
        turned = inputs / 2
    if len(inputs) == 1:
        return torch.cat([inputs, turned])
    others = inputs.clone()
    others[1::2] = turned[1::2]
    return others


def _moved(logits: Logits, again: Tensor) -> bool:
    """Tells whether logits of every second example changed by more than rounding."""
    finite = logits[logits.isfinite()].abs()
    largest = float(finite.max()) if len(finite) else 0.0
    eps = torch.finfo(logits.dtype).eps
    # One example alone and two take other kernels, at worst of another precision.
    relative = max(ROUNDING, 8 * eps) if len(logits) == len(again) else 10 * eps**0.5
    return bool((_differences(logits, again) > relative * largest).any())


def _differences(logits: Logits, again: Tensor) -> Tensor:
    """The size of every second example's changes; ∞ where one is a number and one is not."""
    first, second = logits[::2], again[: len(logits)][::2]
    same = (first == second) | (first.isnan() & second.isnan())
    sizes = (first - second).abs().nan_to_num(torch.inf, torch.inf)
    return torch.where(same, torch.zeros_like(sizes), sizes)


@contextmanager
def _same_draws(device: torch.device) -> Generator[Callable[[], object], None, None]:
    """Restarts torch's random numbers at each call within the block; restores them after it."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(0)  # noqa: TID251 - the generators are put back
        yield lambda: torch.manual_seed(0)  # noqa: TID251
