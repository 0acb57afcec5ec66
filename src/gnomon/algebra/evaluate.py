"""Runs a network in another number system."""

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from threading import RLock
from types import TracebackType
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from gnomon.algebra.lift import Parameters, lift
from gnomon.algebra.value import Value
from gnomon.algebra.views import apart, refuse_overwritten
from gnomon.errors import (
    GnomonError,
    ShapeError,
    SubjectError,
    UnknownNameError,
    UnsupportedOperationError,
    nearest,
)

_LOCKS: "WeakKeyDictionary[nn.Module, Any]" = WeakKeyDictionary()
"""One lock for each network that was evaluated: values stand in its modules meanwhile."""

_LOCKS_LOCK = RLock()


def evaluate(
    network: nn.Module, inputs: Value | Tensor, parameters: Parameters | None = None
) -> Any:
    """The network's expression in the algebra of its inputs and parameters.

    The network itself is run once, with these inputs and with these parameters in place of its
    own, which are put back however the call ends. Meanwhile other threads that evaluate the
    same network wait; they must not train or call it. Everything can be differentiated: with
    respect to the tensors inside the inputs and inside the parameters, and the network's own
    parameters that are not replaced.

    >>> from gnomon.algebra import Interval
    >>> evaluate(nn.ReLU(), Interval.around(torch.zeros(1), 0.5)).upper
    tensor([0.5000])

    Args:
        network: in evaluation mode.
        inputs: a value, or a tensor where only parameters vary.
        parameters: by name, such as a `ParameterBox(…).of(network)`; a parameter that two
            modules share is replaced in both.

    Raises:
        UnsupportedOperationError: an operation without a rule; the module it sits in is named.
        SubjectError: a network that draws random numbers, or whose code Python does not run.
        UnknownNameError: a parameter that the network does not have.
        ShapeError: a value of another shape than the parameter's.
        SettingError: a network in other numbers than those that bounds of executions speak of.
    """
    _check_runs(network)
    for each in (inputs, *(parameters or {}).values()):
        if isinstance(each, Value):
            each.suits(network)
    # What the network writes into its inputs in place is not written into the caller's.
    own = apart(inputs) if isinstance(inputs, Value) else inputs.clone()
    with (
        _alone(network),
        _replaced(network, parameters or {}, inputs),
        _drawing_nothing(inputs.device),
    ):
        return _output(network, own)


def _output(network: nn.Module, inputs: Value | Tensor) -> Any:
    """The network's output; an error names the module in which it came about."""
    try:
        output = network(inputs)
        if isinstance(output, Value):
            refuse_overwritten(output)
    except UnsupportedOperationError as error:
        place = _innermost(network, error.__traceback__)
        raise UnsupportedOperationError(f"{place}: {error}") from error
    except GnomonError:
        raise
    except (TypeError, ValueError, AttributeError, RuntimeError) as error:
        place = _innermost(network, error.__traceback__)
        raise UnsupportedOperationError(
            f"{place}: expected code that runs with values in place of tensors, got "
            f"{type(error).__name__}: {error} If it runs with a tensor of the shape "
            f"{tuple(inputs.shape)}, it does what no algebra here follows."
        ) from error
    return output


def _alone(network: nn.Module) -> Any:
    """The lock of a network, which one thread holds at a time."""
    if torch.compiler.is_compiling():
        return nullcontext()
    with _LOCKS_LOCK:
        return _LOCKS.setdefault(network, RLock())


@contextmanager
def _replaced(
    network: nn.Module, parameters: Parameters, inputs: Value | Tensor
) -> Generator[None, None, None]:
    """Puts the values where modules look for their parameters."""
    own = dict(network.named_parameters()) if parameters else {}
    values = {name: lift(given, inputs) for name, given in parameters.items()}
    for name, value in values.items():
        if name not in own:
            raise UnknownNameError(
                f"evaluate: the network has no parameter {name!r}.{nearest(name, own)}"
            )
        if value.shape != own[name].shape:
            raise ShapeError(
                f"evaluate: expected {name} of shape {tuple(own[name].shape)}, got "
                f"{tuple(value.shape)}. Make the set for this network."
            )
    by_identity = {id(own[name]): value for name, value in values.items()}
    with _restored(network):
        for module in network.modules() if values else ():
            held = vars(module)["_parameters"]
            new = {
                name: by_identity[id(parameter)]
                for name, parameter in held.items()
                if id(parameter) in by_identity
            }
            vars(module)["_parameters"] = {
                name: parameter for name, parameter in held.items() if name not in new
            }
            vars(module).update(new)
        yield


@contextmanager
def _restored(network: nn.Module) -> Generator[None, None, None]:
    """Gives every module the attributes back that it had, whatever ran in between.

    Pruning, for one, computes a weight before each call and leaves it with the module.
    """
    kept = [
        (module, dict(vars(module)), dict(vars(module)["_buffers"]))
        for module in network.modules()
    ]
    try:
        yield
    finally:
        for module, attributes, buffers in kept:
            vars(module).clear()
            vars(module).update(attributes)
            vars(module)["_buffers"].clear()
            vars(module)["_buffers"].update(buffers)


def _check_runs(network: object) -> None:
    """Refuses what is no module, and modules whose code is not run by Python.

    Raises:
        SubjectError: such a network.
    """
    if not isinstance(network, nn.Module):
        raise SubjectError(
            f"evaluate: expected a torch.nn.Module, got {type(network).__name__}. Make it the "
            "forward of one."
        )
    for name, module in network.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            raise SubjectError(
                f"evaluate: expected modules that Python runs, got {name or 'a network'} in "
                "TorchScript, whose operations cannot be replaced. Give the module that was "
                "scripted or traced."
            )
        if "_orig_mod" in vars(module)["_modules"]:
            raise SubjectError(
                f"evaluate: expected modules that Python runs, got {name or 'a network'} that "
                "torch.compile made, whose operations cannot be replaced. Give the module that "
                "was compiled."
            )


@contextmanager
def _drawing_nothing(device: torch.device) -> Generator[None, None, None]:
    """Raises if the network consumed random numbers, by comparing generator states.

    Raises:
        SubjectError: it did.
    """
    if torch.compiler.is_compiling():
        yield
        return
    generators = [torch.default_generator]
    if device.type == "cuda":
        generators.append(torch.cuda.default_generators[device.index or 0])
    before = [each.get_state() for each in generators]
    yield
    after = [each.get_state() for each in generators]
    if not all(map(torch.equal, before, after)):
        raise SubjectError(
            "evaluate: expected a network that computes the same each time, got one that drew "
            "random numbers. Call network.eval(), or remove what is random."
        )


def _innermost(network: nn.Module, trace: TracebackType | None) -> str:
    """The module of the network whose code was running deepest when the error was raised."""
    names = {module: name for name, module in network.named_modules()}
    found: nn.Module = network
    while trace is not None:
        owner = trace.tb_frame.f_locals.get("self")
        if isinstance(owner, nn.Module) and owner in names:
            found = owner
        trace = trace.tb_next
    label = names[found] or "the network itself"
    return f"{label} ({type(found).__name__})"
