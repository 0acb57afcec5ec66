"""`audit.json`, written and read: each finding with the details of its name.

Findings of probes that stand in no table have plain values for details after reading.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Discriminator,
    Tag,
    TypeAdapter,
    ValidationError,
    WrapSerializer,
)

from gnomon.audit.audit import Audit
from gnomon.audit.finding import Finding
from gnomon.audit.topic import Topic
from gnomon.audit.topics import TOPICS
from gnomon.errors import DataError
from gnomon.files import write_text

_OWN = ""
"""The tag of findings that stand in no table."""


def write_json(path: Path, result: Audit, topics: Sequence[Topic] = TOPICS) -> None:
    """Writes the audit as JSON, whole or not at all."""
    plain = _adapter(tuple(topics)).dump_python(result, mode="json")
    write_text(path, json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, topics: Sequence[Topic] = TOPICS) -> Audit:
    """Reads the audit that `write_json` wrote; it is equal to what was written.

    Raises:
        DataError: the file is missing, or not an audit.
    """
    try:
        return _adapter(tuple(topics)).validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: expected an audit, got: {error}. Check the path.") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DataError(
            f"{path}: expected an audit written by gnomon, got an error at {place}: "
            f"{first['msg']}. Audit again."
        ) from error


def json_schema(topics: Sequence[Topic] = TOPICS) -> dict[str, Any]:
    """The JSON Schema of `audit.json`."""
    schema = _adapter(tuple(topics)).json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


@cache
def _adapter(topics: tuple[Topic, ...]) -> Any:  # noqa: ANN401 - beartype knows no adapters
    """Reads and writes audits whose findings are told apart by their names."""
    kinds = {name: kind for topic in topics for name, kind in topic.details.items()}

    def tag(finding: object) -> str:
        plain = finding if isinstance(finding, Mapping) else {}
        name = finding.name if isinstance(finding, Finding) else plain.get("name")
        return name if name in kinds else _OWN

    classes = [_finding(name, kind) for name, kind in {**kinds, _OWN: Any}.items()]
    union: Any = Annotated[reduce(or_, classes), Discriminator(tag)]
    return TypeAdapter(Audit[union])  # pyright: ignore[reportInvalidTypeForm]


def _finding(name: str, kind: Any) -> Any:  # noqa: ANN401 - an annotation
    """The class of the findings of one name; details that are None are {} in the file."""

    def written(details: object, write: Callable[[object], object]) -> object:
        return {} if details is None else write(details)

    def read(plain: object) -> object:
        return None if plain == {} else plain

    details: Any = Annotated[kind | None, BeforeValidator(read), WrapSerializer(written)]
    return Annotated[Finding[details], Tag(name)]
