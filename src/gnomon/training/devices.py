"""Where a training runs: device, precision and processes, through Hugging Face accelerate."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, is_initialized

from gnomon.errors import SettingError
from gnomon.seeds import generator
from gnomon.training.settings import Precision

Device = Literal["auto", "cpu", "cuda"]
"""`auto` is CUDA where there is any, else the CPU."""

_ACCELERATE_NAMES: dict[Precision, str] = {
    "float32": "no",
    "bfloat16": "bf16",
    "float16": "fp16",
}


@contextmanager
def accelerated(device: Device, precision: Precision) -> Generator[Accelerator, None, None]:
    """Gives an accelerator: alone, or one of the processes that `torchrun` started.

    Accelerate keeps device and precision in one place per process. That place is emptied again
    when the block ends, unless the caller had filled it before.

    Raises:
        SettingError: the device is not there, or cannot run in this precision.
    """
    cpu = device == "cpu" or (device == "auto" and not torch.cuda.is_available())
    _check(cpu, precision)
    borrowed = is_initialized()
    try:
        yield Accelerator(cpu=cpu, mixed_precision=_ACCELERATE_NAMES[precision])
    finally:
        if not borrowed:
            AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] (the only way)


@contextmanager
def default_randomness(
    device: torch.device, seed: int, *names: str | int
) -> Generator[None, None, None]:
    """Makes torch's default generators draw from the stream (seed, names) within the block.

    Dropout and the initial weights of torch's layers take no generator, so theirs is set here.
    """
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.random.set_rng_state(generator(seed, *names).get_state())
        for each in cuda:
            torch.cuda.set_rng_state(generator(seed, *names, device=each).get_state(), each)
        yield


def _check(cpu: bool, precision: Precision) -> None:  # noqa: FBT001 (one private call)
    if not cpu and not torch.cuda.is_available():
        raise SettingError(
            'device: expected "cpu", as there is no CUDA here, got "cuda". Leave it out.'
        )
    if cpu and precision == "float16":
        raise SettingError(
            'precision: expected "float32" or "bfloat16" on the CPU, got "float16". '
            "Choose one of these, or train on CUDA."
        )
