"""Things of a user's own, which configurations and command lines call "package.module:name"."""

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gnomon.errors import GnomonError, SettingError, ShapeError
from gnomon.networks import Architecture, Signature, undisturbed
from gnomon.notation import Imported


def find(name: str, where: str) -> Any:
    """The object that "package.module:name" names; modules of the working folder are seen, too.

    Raises:
        SettingError: the module cannot be imported, or has no such name.
    """
    module, _, attribute = name.partition(":")
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingError(
            f"{where}: expected an importable module and a name in it, got {name}: {error}. "
            "Check the spelling, install its package, or run from the folder that holds it."
        ) from error
    except Exception as error:
        raise SettingError(
            f"{where}: expected a module that can be imported, got {type(error).__name__} from "
            f"{module}: {error}. Correct the module; --debug shows where."
        ) from error


def called(name: str, factory: Callable[..., Any], settings: Mapping[str, Any]) -> nn.Module:
    """The network that a user's own factory returns.

    Raises:
        SettingError: the call fails, or returns something else.
    """
    try:
        network = factory(**settings)
    except GnomonError:
        raise
    except Exception as error:
        raise SettingError(
            f"{name}: expected a network from a call {_arguments(settings)}, got "
            f"{type(error).__name__}: {error}. Correct the settings or the module; --debug "
            "shows where."
        ) from error
    if not isinstance(network, nn.Module):
        raise SettingError(
            f"{name}: expected a factory that returns a torch.nn.Module, got "
            f"{type(network).__name__}. Return the network itself."
        )
    return network


@dataclass(frozen=True)
class OwnNetwork(Imported):
    """An architecture that calls a user's own class or function; its name says which.

    The settings are the arguments of the call. Whatever random numbers torch draws in it come
    from the generator.
    """

    def __call__(self, signature: Signature, generator: torch.Generator) -> nn.Module:
        """A fresh network.

        Raises:
            SettingError: the call fails, or returns something else than a network.
            ShapeError: the network does not take the inputs or give the logits of the data.
        """
        factory = find(self.name, "network")
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(generator.initial_seed())  # noqa: TID251 - the layers take no generator
            network = called(self.name, factory, self.settings)
        self._check(network, signature)
        return network

    def _check(self, network: nn.Module, signature: Signature) -> None:
        """Asks the network for the logits of two inputs."""
        wanted = (2, signature.classes)
        try:
            with undisturbed(network), torch.no_grad():
                output: object = network(torch.zeros(2, *signature.shape))
        except Exception as error:
            raise ShapeError(
                f"{self.name}: expected a network for inputs of the shape {signature.shape}, "
                f"got an error from its forward: {error}. Choose other data or settings."
            ) from error
        got = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
        if got != wanted:
            raise ShapeError(
                f"{self.name}: expected logits of the shape (batch, classes) = {wanted}, got "
                f"{got}. Choose other data or settings, or return the logits alone."
            )


class OwnThings:
    """Imports what a name stands for; an `Importer` for `gnomon.records.Names`."""

    def find(self, name: str, kind: Any, where: str) -> object:
        """The class or the object of that name; a network becomes an architecture.

        Raises:
            SettingError: the module cannot be imported, or has no such name.
        """
        thing = find(name, where)
        network = isinstance(thing, type) and issubclass(thing, nn.Module)
        if kind is Architecture and (network or inspect.isroutine(thing)):
            return OwnNetwork(name, {})
        return thing

    def check(self, made: object, kind: Any, what: str, where: str) -> None:
        """Refuses what is not of the kind.

        Raises:
            SettingError: it lacks a member of the kind, or is called with other arguments.
        """
        if not isinstance(made, kind):
            raise SettingError(f"{where}: expected {what}, got {_named(made)}. Name another.")
        for name, method in vars(kind).items() if getattr(kind, "_is_protocol", False) else ():
            if inspect.isfunction(method) and (name == "__call__" or name[0] != "_"):
                wanted = [*inspect.signature(method).parameters][1:]
                own: Any = made if name == "__call__" else getattr(made, name)
                if not _takes(own, wanted):
                    raise SettingError(
                        f"{where}: expected {what}, whose {name} takes ({', '.join(wanted)}), "
                        f"got {_named(made)}, which takes {inspect.signature(own)}. Name "
                        "another, or change its arguments."
                    )


def _takes(function: Any, arguments: list[str]) -> bool:
    """Tells whether a call fits with arguments of these names; to take just any does not."""
    signature = inspect.signature(function)
    stars = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
    if arguments and all(item.kind in stars for item in signature.parameters.values()):
        return False
    try:
        signature.bind(**dict.fromkeys(arguments))
    except TypeError:
        return False
    return True


def _named(thing: object) -> str:
    """The name of a function or class, or of a thing's class."""
    return getattr(thing, "__qualname__", type(thing).__qualname__)


def _arguments(settings: Mapping[str, Any]) -> str:
    """The arguments of a call in words."""
    pairs = ", ".join(f"{key} = {value!r}" for key, value in settings.items())
    return f"with {pairs}" if pairs else "without arguments"
