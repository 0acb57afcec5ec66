"""What every activation function states about itself."""

from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn
from torch.overrides import handle_torch_function, has_torch_function

Formula = Callable[[Any, Any], Any]

_FACTS = ("turning_points", "breakpoints", "lipschitz", "monotone", "homogeneous")


class Activation(nn.Module):
    """A function R → R applied to each coordinate, with the facts that methods rely on.

    A rule (an interval bound, a Lipschitz bound, a region count) is written once against these
    facts and serves every activation. Each fact is tested against the function.

    Attributes:
        turning_points: where the function turns between rising and falling (strict local
            extrema).
        breakpoints: where a derivative of some order jumps; between them the function is
            analytic.
        lipschitz: the smallest Lipschitz constant, ``sup |f'|``.
        monotone: never falls.
        homogeneous: f(a x) = a f(x) for all a ≥ 0.
        nonnegative: no value lies below 0.
        references: keys of `references.bib`.
    """

    turning_points: tuple[float, ...] = ()
    breakpoints: tuple[float, ...] = ()
    lipschitz: float = 1.0
    monotone: bool = True
    homogeneous: bool = False
    nonnegative: bool = False
    references: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **settings: Any) -> None:  # noqa: ANN401
        super().__init_subclass__(**settings)
        own = vars(cls)
        if "forward" in own:
            inherits = Activation not in cls.__bases__
            if not inherits or any(fact in own for fact in _FACTS):
                cls.forward = _by_facts(cls, own["forward"])  # type: ignore[method-assign]

    @property
    def smooth(self) -> bool:
        """Infinitely often differentiable everywhere."""
        return not self.breakpoints

    def activation(self, x: Any) -> Any:  # noqa: ANN401
        """The name under which algebras find their rule for activations."""
        return self(x)

    @abstractmethod
    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""


def _by_facts(owner: type[Activation], formula: Formula) -> Formula:
    """The forward of a class that states facts about its formula.

    A value of an algebra is handed to that algebra's rule for activations, which knows the
    facts. A class that has a formula of its own and inherits all facts is run as it stands;
    where it calls the formula of its parent, the facts are those of the parent.
    """

    @wraps(formula)
    def forward(self: Activation, x: Any) -> Any:  # noqa: ANN401
        if isinstance(x, Tensor) or not has_torch_function((x,)):
            return formula(self, x)
        function = _alone(self, owner if type(self).forward is not forward else type(self))
        return handle_torch_function(Activation.activation, (x,), function, x)

    return forward


def _alone(activation: Activation, kind: type[Activation]) -> Activation:
    """The activation as one of a class, without its hooks, which are run around a rule."""
    hooks = ("_forward_hooks", "_forward_pre_hooks")
    if type(activation) is kind and not any(vars(activation)[each] for each in hooks):
        return activation
    alone = copy(activation)
    alone.__class__ = kind
    vars(alone).update({each: OrderedDict() for each in hooks})
    return alone
