"""Defines every deliberate error of Gnomon.

Each message is one sentence that says what was expected, what was passed, and what to do.
The command line prints the message alone and exits with status 2.
"""

import difflib
from collections.abc import Iterable


class GnomonError(Exception):
    """The root of all deliberate errors; catching it catches nothing accidental."""


class SettingError(GnomonError, ValueError):
    """A setting has an unknown key, a wrong type, or a value outside its range."""


class UnknownNameError(SettingError):
    """A name that no table knows."""


class DataError(GnomonError):
    """Data that are missing, truncated, altered, or not what their format promises."""


class OutOfDomainError(DataError):
    """Inputs that lie outside the domain their data set states."""


class ShapeError(GnomonError, ValueError):
    """An array whose shape does not fit its use."""


class WeightsError(GnomonError):
    """Weights that cannot be read, or that belong to another architecture."""


class SubjectError(GnomonError):
    """A network that cannot be examined as asked: no module, wrong output, no gradient."""


class UnsupportedOperationError(GnomonError, NotImplementedError):
    """An operation of a network for which an algebra has no rule."""


class FolderError(GnomonError):
    """An output folder that holds something else, or an input folder that holds nothing."""


class ClusterError(GnomonError):
    """A cluster that cannot be reached, or whose workers do not fit their task."""


class DivergedError(GnomonError):
    """A training loss that is not finite; the last finite state is kept on disk."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The hint that ends an error message: the known name closest to `name`, then all of them.

    >>> nearest("epoch", ["epochs", "seed"])
    " Did you mean 'epochs'? Known: epochs, seed."
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    question = f" Did you mean '{close[0]}'?" if close else ""
    return f"{question} Known: {', '.join(names)}."
