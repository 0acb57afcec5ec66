"""Every key that the code names is in the bibliography, which is printed well."""

import re
from pathlib import Path

import pytest

from gnomon.errors import UnknownNameError
from gnomon.references import bibliography, cite

SOURCES = Path(__file__).parent.parent.parent / "src" / "gnomon"


def test_a_reference_is_one_readable_line() -> None:
    assert cite("goodfellow2015") == (
        "Goodfellow et al. (2015): Explaining and harnessing adversarial examples. ICLR."
    )


def test_two_authors_are_both_named() -> None:
    assert cite("carlini2017").startswith("Carlini and Wagner (2017)")


def test_every_entry_can_be_cited() -> None:
    for key in bibliography():
        assert re.fullmatch(r".+ \(\d{4}\): .+\. .+\.", cite(key))


def test_every_key_named_in_a_docstring_exists() -> None:
    keys = re.compile(r"\b([a-z]+(?:19|20)\d\d)\b")
    named = {
        key
        for path in SOURCES.rglob("*.py")
        for key in keys.findall(path.read_text(encoding="utf-8"))
    }
    assert named <= set(bibliography())
    assert len(named) > 10


def test_an_unknown_key_gets_the_nearest_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'madry2018'"):
        cite("madry2017")
