"""The version of the code that trains and examines networks."""

import ast
import functools
import hashlib
from pathlib import Path

import gnomon

_NOT_RUN = (
    "cli",
    "demonstration",
    "report",
    "study/report",
    "study/statistics",
    "audit/report",
)
"""Rooms of the package, and its front ends, that no trial runs."""


@functools.cache
def code_version() -> str:
    """The version of Gnomon, and a fingerprint of its code: "0.1.0+3f2a9c01"."""
    return f"{gnomon.__version__}+{code_fingerprint(Path(gnomon.__file__).parent)}"


def code_fingerprint(root: Path) -> str:
    """A fingerprint of the code below `root` on which the results of a trial may depend.

    Docstrings, comments and blank lines do not count, nor does the code of front ends, reports
    and pictures.
    """
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        name = file.relative_to(root)
        shown = name.stem in {"pictures", "terms"}
        if not shown and not any(map(name.is_relative_to, _NOT_RUN)):
            digest.update(name.as_posix().encode())
            digest.update(_code_of(file.read_text(encoding="utf-8")).encode())
    return digest.hexdigest()[:8]


def _code_of(source: str) -> str:
    """The source without docstrings, lines of comments and blank lines."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (
                (node.end_lineno or node.lineno) - node.lineno + 1
            )
    return "\n".join(line for line in lines if line.strip() and line.lstrip()[0] != "#")
