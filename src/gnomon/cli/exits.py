"""Ends a command with its exit status, and with one clear line on an error.

0: done. 1: a defect of Gnomon itself. 2: the input, the machine or the user stopped it.
3: a requirement of `--require` does not hold.
"""

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from gnomon.errors import GnomonError

STOPPED = 2
REQUIREMENT_FAILED = 3
_DEFECT = 1

_Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def ending_clearly(command: Callable[..., None]) -> Callable[..., None]:
    """Adds `--debug` to a command; without it errors become one line and an exit status."""

    @functools.wraps(command)
    def run(*, debug: bool = False, **arguments: object) -> None:
        try:
            command(**arguments)
        except typer.Exit:
            raise
        except (GnomonError, OSError, KeyboardInterrupt) as error:
            _end(error, debug=debug, status=STOPPED, text=_describe(error))
        except Exception as error:  # noqa: BLE001 - the last resort, before the user
            what = f"{type(error).__name__}: {error}"
            text = f"a defect of Gnomon ({what}). Please report it with the output of --debug."
            _end(error, debug=debug, status=_DEFECT, text=text)

    signature = inspect.signature(command)
    option = inspect.Parameter(
        "debug", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=_Debug
    )
    vars(run)["__signature__"] = signature.replace(
        parameters=[*signature.parameters.values(), option]
    )
    return run


def _end(error: BaseException, *, debug: bool, status: int, text: str) -> None:
    if debug:
        raise error
    print(f"gnomon: {text}", file=sys.stderr)
    raise typer.Exit(status) from None


def _describe(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; what was written is whole. Run the same command again to go on."
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        what = f"{place}{error.strerror or error}"
        return (
            f"{what}. Nothing is left half-written; make room, or mend the path or its rights."
        )
    return str(error)
