"""Values that share memory, as views of one tensor do, and what writing into one does."""

from typing import Any
from weakref import WeakSet, ref

from gnomon.errors import UnsupportedOperationError

VIEWS = frozenset(
    (
        "broadcast_to",
        "chunk",
        "contiguous",
        "detach",
        "diagonal",
        "expand",
        "flatten",
        "getitem",
        "movedim",
        "narrow",
        "permute",
        "ravel",
        "reshape",
        "select",
        "split",
        "squeeze",
        "t",
        "tensor_split",
        "transpose",
        "unbind",
        "unflatten",
        "unsqueeze",
        "view",
    )
)
"""Functions whose result is, or can be, a view of their first argument."""


_LINKS = {"_memory", "_index"}
"""The record of other values that show the memory of a value."""


def share(x: Any, results: Any, index: Any = None) -> None:
    """Notes that the results of a function in `VIEWS` show the memory of x.

    Args:
        x: a value.
        results: a value, or several.
        index: with which they were picked from it, if by an index.
    """
    if index is not None and not _is_basic(index):
        return  # picked by tensors or lists, which copies
    for each in results if isinstance(results, tuple) else (results,):
        if each is x:
            continue
        memory = _memory(x)
        if memory is None:
            memory = vars(x)["_memory"] = WeakSet((x,))
        memory.add(each)
        vars(each).update(_memory=memory, _index=index)


def apart(x: Any) -> Any:
    """A value of its own with the content of x, which nothing written into x reaches."""
    made = object.__new__(type(x))
    vars(made).update({name: each for name, each in vars(x).items() if name not in _LINKS})
    return made


def write(x: Any, other: Any) -> None:
    """Puts the content of another value in x; what shares its memory can no longer be read.

    In torch these tensors would change, too. Values do not follow that, and do not pretend to.
    """
    if x is other:
        return
    index, memory = vars(x).get("_index"), _memory(x)
    content = {name: part for name, part in vars(other).items() if name not in _LINKS}
    for each in memory or ():
        if each is not x and each is not other and "_overwritten" not in vars(each):
            kept = dict(vars(each))
            vars(each).clear()
            vars(each)["_overwritten"] = (ref(x), kept)
    vars(x).clear()
    # A ball of inputs, for one, may no longer be one.
    object.__setattr__(x, "__class__", type(other))
    vars(x).update(content, _index=index)


def written_back(x: Any, index: Any, value: Any) -> None:
    """Makes x readable again where `x[index] += 1` writes the changed view back."""
    writer, kept = vars(x).get("_overwritten", (None, None))
    if writer is not None and writer() is value and vars(value).get("_index") == index:
        vars(x).clear()
        vars(x).update(kept)


def refuse_overwritten(x: Any) -> None:
    """Refuses to read a value whose memory was written through a view of it, or the reverse.

    Raises:
        UnsupportedOperationError: it was.
    """
    if "_overwritten" in vars(x):
        raise UnsupportedOperationError(
            f"{type(x).__name__}: expected values that change in one place, got one that "
            "shares memory with a view into which something was written in place. Write "
            "without `_`, `inplace=True` and `+=` there, or clone() before."
        )


def _memory(x: Any) -> Any:
    """The values that share memory with x; None if there are none."""
    memory = vars(x).get("_memory")
    return memory if memory is not None and x in memory else None


def _is_basic(index: Any) -> bool:
    """Tells whether an index picks a view: numbers, slices, new axes and dots alone."""
    each = index if isinstance(index, tuple) else (index,)
    return all(
        part is None or part is Ellipsis or isinstance(part, int | slice) for part in each
    ) and not any(isinstance(part, bool) for part in each)
