"""Activation functions: a formula, its coefficients, and the facts that bounds rely on."""

import inspect
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Callable
from copy import copy
from functools import wraps
from typing import Any, ClassVar, cast

from jaxtyping import Float
from torch import Tensor, nn
from torch.overrides import handle_torch_function, has_torch_function

from gnomon.activations.profile import Profile

Formula = Callable[..., Any]


class Activation(nn.Module):
    """A function R → R applied to each coordinate, with the facts that methods rely on.

    A rule (an interval bound, a linear relaxation, a Lipschitz bound) is written once against
    these facts and serves every activation. Each stated fact is tested against the function;
    facts that are not stated are found in each box of inputs, by intervals around slopes.

    Coefficients are ordinary parameters: one number, or one for each channel. Where they vary
    in sets, bounds over them are exact if f is stated to rise or to fall in each of them.

    >>> from torch import nn
    >>> from gnomon.activations import Activation
    >>> class Square(Activation):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.scale = nn.Parameter(torch.ones(1))
    ...
    ...     def forward(self, x):
    ...         return self.scale * x**2

    Attributes:
        rising_in: the names of coefficients in which f(x) never falls, whatever x is.
        falling_in: those in which it never rises.
        references: keys of `references.bib`.
    """

    rising_in: ClassVar[tuple[str, ...]] = ()
    falling_in: ClassVar[tuple[str, ...]] = ()
    references: ClassVar[tuple[str, ...]] = ()

    formula: ClassVar[Formula]
    """The forward as it was written, without the detour through the rules of algebras."""

    def __init_subclass__(cls, **settings: Any) -> None:  # noqa: ANN401
        super().__init_subclass__(**settings)
        own = vars(cls)
        if "forward" in own:
            cls.formula = inspect.unwrap(own["forward"])  # checks of types are for tensors
            if Activation in cls.__bases__ or "profile" in own:
                cls.forward = _by_facts(cls, own["forward"])  # type: ignore[method-assign]

    def profile(self) -> Profile | None:
        """The facts with the coefficients as they are now; None if they are to be found."""
        return None

    def varying(self) -> tuple[str, ...]:
        """The names of the coefficients that are values of an algebra at present."""
        own = tuple(name for name, held in vars(self).items() if _is_value(held))
        parts = (
            f"{prefix}.{name}"
            for prefix, module in self.named_modules()
            if prefix
            for name, held in vars(module).items()
            if _is_value(held)
        )
        return (*own, *parts) if vars(self)["_modules"] else own

    def envelope(self) -> "tuple[Activation, Activation] | None":
        """The lowest and the highest of the functions with coefficients in their boxes.

        None if it is not stated that f rises or falls in each coefficient that varies.
        """
        varying = self.varying()
        if not set(varying) <= {*self.rising_in, *self.falling_in}:
            return None
        lowest, highest = (_alone(self, type(self)) for _ in range(2))
        for name in varying:
            box = vars(self)[name]
            ends = box.parts if name in self.rising_in else box.parts[::-1]
            for function, end in zip((lowest, highest), ends, strict=True):
                vars(function)[name] = end
        return lowest, highest

    def activation(self, x: Any) -> Any:  # noqa: ANN401
        """The name under which algebras find their rule for activations."""
        return self(x)

    @abstractmethod
    def forward(self, x: Float[Tensor, " *any"]) -> Float[Tensor, " *any"]:
        """The function's value at each coordinate."""


_PLAIN = {dict, OrderedDict, bool, int, float, str, set, type(None)}
"""Types of what every module holds beside its coefficients: no values, and quickly told."""


def _is_value(held: object) -> bool:
    """True for a value of an algebra."""
    if type(held) in _PLAIN or isinstance(held, Tensor):
        return False
    return has_torch_function((held,))


def _by_facts(owner: type[Activation], formula: Formula) -> Formula:
    """The forward of a class that states facts about its formula, or has them found.

    Where the argument or a coefficient is a value of an algebra, that algebra's rule for
    activations is called, which knows the facts. A class that has a formula of its own and
    inherits the facts of another is run as it stands; where it calls the formula of its parent,
    the facts are those of the parent.
    """

    @wraps(formula)
    def forward(self: Activation, x: Any) -> Any:  # noqa: ANN401
        held = [x, *vars(self).values()]
        values = [each for each in held if _is_value(each)]
        if not values:
            return formula(self, x)
        function = _alone(self, owner if type(self).forward is not forward else type(self))
        return handle_torch_function(Activation.activation, values, function, x)

    return forward


def _alone(activation: Activation, kind: type[Activation]) -> Activation:
    """A copy of the activation as one of a class, without hooks, which are run around a rule.

    Its coefficients are copies, too: rules may compute with them after they were changed.
    """
    alone = cast("Activation", _copied(activation))
    alone.__class__ = kind
    hooks = ("_forward_hooks", "_forward_pre_hooks")
    vars(alone).update({each: OrderedDict() for each in hooks})
    return alone


def _copied(module: nn.Module) -> nn.Module:
    """The module with copies of its parameters and buffers, which gradients pass through."""
    made = copy(module)
    for kind in ("_parameters", "_buffers"):
        vars(made)[kind] = {
            name: held if held is None else held.clone()
            for name, held in vars(module)[kind].items()
        }
    parts = vars(module)["_modules"].items()
    vars(made)["_modules"] = {name: part and _copied(part) for name, part in parts}
    return made
