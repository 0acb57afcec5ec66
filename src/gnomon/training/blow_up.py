"""Where intervals become too wide for numbers."""

import torch
from torch import Tensor, nn

from gnomon.algebra import Interval, Parameters, enclose, evaluate
from gnomon.sets import InputSet
from gnomon.shapes import Inputs


def blow_up(
    network: nn.Module, points: Inputs, within: InputSet | None, region: Parameters | None
) -> str:
    """The sentence that names the first layer whose interval is not finite.

    Where every layer's is, it names the one at which intervals widen most. Widths are the
    largest of all coordinates and examples.

    Args:
        network: as it takes intervals (`for_bounds`).
        points: the centres of the inputs.
        within: the set around each.
        region: the sets of parameters; None for the network's own.
    """
    widths: list[tuple[str, float]] = []
    names = {module: name for name, module in network.named_modules()}

    def note(module: nn.Module, received: object, returned: object) -> None:
        del received
        if isinstance(returned, Interval):
            width = (returned.upper - returned.lower).detach()
            widths.append((names[module], _largest(width)))

    hooks = [
        module.register_forward_hook(note)
        for module in network.modules()
        if not any(module.children())
    ]
    try:
        with torch.no_grad():
            evaluate(network, enclose(points, within), region)
    finally:
        for hook in hooks:
            hook.remove()
    return _sentence(widths)


def _sentence(widths: list[tuple[str, float]]) -> str:
    before = 0.0
    growth: list[tuple[float, str, float, float]] = []
    for name, width in widths:
        if not width < torch.inf:
            return (
                f"the intervals blew up at layer {name}: they are {before:.3g} wide before it "
                "and not finite after it"
            )
        growth.append((width / max(before, 1e-30), name, before, width))
        before = width
    _, name, before, width = max(growth[1:] or growth)
    return f"the intervals widen most at layer {name}: from {before:.3g} to {width:.3g}"


def _largest(width: Tensor) -> float:
    """The largest width; infinite where one is NaN."""
    return float(width.nan_to_num(torch.inf, torch.inf).max()) if width.numel() else 0.0
