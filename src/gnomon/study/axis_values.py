"""Values of axes: as the table of results holds them, and as readers are shown them."""

import json
from collections.abc import Mapping
from typing import Any


def canonical(value: object) -> Any:  # noqa: ANN401 - any plain value
    """The value with lists and tables as compact JSON text, so that equal ones compare equal.

    >>> canonical([50, 50]), canonical("[50, 50]"), canonical(2)
    ('[50,50]', '[50,50]', 2)
    """
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            return value
    return _json(value) if isinstance(value, list | tuple | dict) else value


def as_text(value: object) -> str:
    """The value as a column of texts holds it.

    >>> as_text("relu"), as_text([50, 50]), as_text(True), as_text(2)
    ('relu', '[50,50]', 'true', '2')
    """
    plain = canonical(value)
    return plain if isinstance(plain, str) else _json(plain)


def shown(value: object) -> str:
    """The value in words for readers.

    >>> shown(2.0), shown([50, 50]), shown([50, 50, 50]), shown("relu")
    ('2', '[50, 50]', '[3 × 50]', 'relu')
    >>> shown({"name": "app", "radius": "tanh:0.01"})
    'app (radius tanh:0.01)'
    """
    plain = canonical(value)
    if isinstance(plain, str) and plain[:1] == "[":
        items: list[object] = json.loads(plain)
        if len(items) > 2 and all(item == items[0] for item in items):
            return f"[{len(items)} × {shown(items[0])}]"
    if isinstance(plain, float):
        return f"{plain:.6g}"
    if isinstance(plain, str) and plain[:1] == "{":
        return _shown_table(json.loads(plain))
    if isinstance(plain, str) and plain[:1] == "[":
        return plain.replace(",", ", ")
    return "none" if plain is None else str(plain)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _shown_table(table: Mapping[str, object]) -> str:
    """The name in the table, if it has one, and its other settings."""
    name = table.get("name", "")
    others = ", ".join(
        f"{key.replace('_', ' ')} {shown(value)}"
        for key, value in table.items()
        if key != "name"
    )
    return f"{name} ({others})" if name and others else str(name or others or "{}")
