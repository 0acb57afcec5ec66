"""The largest radius that can be certified for each example."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gnomon.algebra import Interval, Parameters
from gnomon.bounds.head import evaluate_head
from gnomon.bounds.ibp import interval_margins
from gnomon.bounds.margins import Margins
from gnomon.errors import SettingError
from gnomon.shapes import Inputs, Labels, Mask, PerExample


@dataclass(frozen=True)
class LargestRadius:
    """Bisection of the L∞ radius up to which interval bounds certify each example.

    The bounds of a larger ball contain those of a smaller one, so that the certified radii of
    an example are an interval that starts at 0. Each step bounds all examples at once, each
    with a radius of its own.

    Attributes:
        most: no larger radius is tried.
        steps: of the bisection; the answer is at most most · 2^(−steps) too small.
    """

    most: float
    steps: int = 12

    def __post_init__(self) -> None:
        if not self.most > 0 or self.steps < 1:
            raise SettingError(
                f"LargestRadius: expected most > 0 and steps ≥ 1, got {self.most} and "
                f"{self.steps}. Correct them."
            )

    def __call__(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        domain: tuple[float, float] | None = None,
        parameters: Parameters | None = None,
    ) -> PerExample:
        """The certified radius of each example; 0 where not even the input itself is.

        Each value returned was itself certified.
        """
        safe = inputs.new_zeros(len(inputs))
        with torch.no_grad():
            top = torch.full_like(safe, self.most)
            alive = self._certified(network, inputs, labels, safe, domain, parameters)
            whole = alive & self._certified(network, inputs, labels, top, domain, parameters)
            unsafe = top
            for _ in range(self.steps):
                middle = (safe + unsafe) / 2
                good = self._certified(network, inputs, labels, middle, domain, parameters)
                safe = torch.where(good & alive, middle, safe)
                unsafe = torch.where(good, unsafe, middle)
        return torch.where(whole, top, safe)

    def _certified(
        self,
        network: nn.Module,
        inputs: Inputs,
        labels: Labels,
        radii: Float[Tensor, " batch"],
        domain: tuple[float, float] | None,
        parameters: Parameters | None,
    ) -> Mask:
        radius = radii.reshape(-1, *[1] * (inputs.dim() - 1))
        head = evaluate_head(network, Interval.around(inputs, radius, domain), parameters)
        return Margins(interval_margins(head, labels), labels).certified
