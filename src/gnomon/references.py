"""Looks up the literature behind the code by the keys of `references.bib`."""

import re
from functools import cache
from importlib import resources

from gnomon.errors import UnknownNameError, nearest

_WHERE = ("booktitle", "journal", "institution", "school", "howpublished", "publisher")


def cite(key: str) -> str:
    """A reference in one line: authors, year, title and publication.

    >>> cite("madry2018")
    'Madry et al. (2018): Towards deep learning models resistant to adversarial attacks. ICLR.'

    Raises:
        UnknownNameError: `references.bib` has no such key.
    """
    entries = bibliography()
    if key not in entries:
        raise UnknownNameError(f"references.bib has no key {key!r}.{nearest(key, entries)}")
    fields = entries[key]
    where = next(fields[name] for name in _WHERE if name in fields)
    return f"{_authors(fields['author'])} ({fields['year']}): {fields['title']}. {where}."


@cache
def bibliography() -> dict[str, dict[str, str]]:
    """The fields of every entry of `references.bib`, by key."""
    text = resources.files("gnomon").joinpath("references.bib").read_text(encoding="utf-8")
    entries = re.finditer(r"@\w+\{(?P<key>[^,]+),(?P<body>.*?)\n\}", text, flags=re.DOTALL)
    return {entry["key"]: _fields(entry["body"]) for entry in entries}


def _fields(body: str) -> dict[str, str]:
    """The `name = {value}` lines of one entry, without the braces that protect capitals."""
    pairs = re.findall(r"^\s*(\w+)\s*=\s*\{(.*)\},?\s*$", body, flags=re.MULTILINE)
    return {name: value.replace("{", "").replace("}", "") for name, value in pairs}


def _authors(names: str) -> str:
    """The family names of up to two authors, else the first and 'et al.'."""
    families = [name.split(",")[0].strip() for name in names.split(" and ")]
    return " and ".join(families) if len(families) <= 2 else f"{families[0]} et al."
