"""Requirements: what they say, and whether an audit keeps them."""

from dataclasses import replace

import pytest

from gnomon.attacks import FGSM
from gnomon.audit import (
    AttackedAccuracy,
    Audit,
    CleanAccuracy,
    Finding,
    Requirement,
    examine,
    parse_requirement,
)
from gnomon.errors import SettingError, UnknownNameError
from gnomon.sets import Linf
from reference.small_subjects import plane_subject


@pytest.fixture(scope="module")
def result() -> Audit:
    """Clean accuracy 1; attacked accuracy about 0.9 within 0.1 and 0.7 within 2/7."""
    probe = AttackedAccuracy((Linf(0.1), Linf(2 / 7)), (FGSM(),))
    return examine(plane_subject(), [CleanAccuracy(), probe])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clean_accuracy >= 0.95", ("clean_accuracy", "", ">=", 0.95)),
        ("clean_accuracy>.5", ("clean_accuracy", "", ">", 0.5)),
        (" noise_accuracy  <=  1 ", ("noise_accuracy", "", "<=", 1.0)),
        ("clean_accuracy == 1e0", ("clean_accuracy", "", "==", 1.0)),
        ("clean_accuracy < 95%", ("clean_accuracy", "", "<", 0.95)),
        ("clean_accuracy >= 19/20", ("clean_accuracy", "", ">=", 0.95)),
        (
            "attacked_accuracy[linf:8/255] >= 0.4",
            ("attacked_accuracy", "linf:8/255", ">=", 0.4),
        ),
    ],
)
def test_a_requirement_is_read(text: str, expected: tuple[str, str, str, float]) -> None:
    assert parse_requirement(text) == Requirement(*expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "clean_accuracy",
        "clean_accuracy 0.9",
        "clean_accuracy => 0.9",
        "clean_accuracy >= ",
        "clean_accuracy >= high",
        "clean_accuracy >= nan",
        "clean_accuracy >= 1/0",
        "clean_accuracy[ >= 0.9",
    ],
)
def test_another_form_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SettingError, match=r"clean_accuracy >= 0\.95"):
        parse_requirement(text)


def test_a_wrong_name_gets_the_nearest_right_one() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'attacked_accuracy'"):
        parse_requirement("atacked_accuracy >= 0.4")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("clean_accuracy >= 1", True),
        ("clean_accuracy > 1", False),
        ("clean_accuracy == 1", True),
        ("clean_accuracy <= 1", True),
        ("clean_accuracy < 1", False),
        ("attacked_accuracy[linf:0.1] >= 0.8", True),
        ("attacked_accuracy[LINF:1/10] >= 0.8", True),
        ("attacked_accuracy[linf:2/7] >= 0.8", False),
        ("attacked_accuracy >= 0.8", False),
        ("attacked_accuracy >= 0.6", True),
    ],
)
def test_every_finding_it_is_about_must_keep_the_bound(
    result: Audit, text: str, *, holds: bool
) -> None:
    verdict = parse_requirement(text).check(result)
    assert verdict.holds is holds
    assert str(verdict).startswith("holds: " if holds else "fails: ")


def test_a_failure_names_the_findings_that_fail_and_their_values(result: Audit) -> None:
    verdict = parse_requirement("attacked_accuracy >= 0.8").check(result)
    (worst,) = verdict.failing
    assert worst.condition == "linf:0.285714"
    assert len(verdict.findings) == 2
    assert f"attacked_accuracy[linf:0.285714] = {worst.value:.4g}" in str(verdict)


@pytest.mark.parametrize(
    "text", ["noise_accuracy >= 0", "attacked_accuracy[l2:0.1] >= 0", "clean_accuracy[x] >= 0"]
)
def test_nothing_examined_is_no_success(result: Audit, text: str) -> None:
    with pytest.raises(SettingError, match=r"attacked_accuracy\[linf:0.1\]"):
        parse_requirement(text).check(result)


def test_a_finding_without_a_figure_keeps_no_bound(result: Audit) -> None:
    absent = Finding(
        "weights", "eigenvalue_spread", None, "", None, "…", absent="no square matrix"
    )
    requirement = Requirement("eigenvalue_spread", "", "<=", 3.0)
    verdict = requirement.check(replace(result, findings=(absent,)))
    assert not verdict.holds
    assert "no square matrix" in str(verdict)


def test_a_finding_has_a_figure_or_says_why_not() -> None:
    with pytest.raises(AssertionError):
        Finding("weights", "eigenvalue_spread", None, "", None, "…")
    with pytest.raises(AssertionError):
        Finding("weights", "eigenvalue_spread", 1.0, "", None, "…", absent="no square matrix")
