"""`audit.json`: its schema is published, its keys stay, and old files are still read."""

import json
import runpy
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, cast, get_args

import pytest
import torch

from gnomon.audit import Finding, Subject, examine
from gnomon.audit.audit_json import json_schema, read_json, write_json
from gnomon.audit.topics import TOPICS, Topic
from gnomon.errors import DataError
from reference.small_subjects import plane_subject

WRITTEN_BEFORE = sorted((Path(__file__).parent / "written_before").glob("*.json"))
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("path", WRITTEN_BEFORE, ids=lambda path: path.stem)
def test_an_audit_of_before_is_read_and_written_again_to_the_byte(
    path: Path, tmp_path: Path
) -> None:
    audit = read_json(path)
    write_json(tmp_path / "audit.json", audit)
    assert (tmp_path / "audit.json").read_bytes() == path.read_bytes()


def test_the_audits_of_before_hold_every_topic_and_their_details_have_their_classes() -> None:
    findings = [finding for path in WRITTEN_BEFORE for finding in read_json(path).findings]
    assert {finding.probe for finding in findings} == {topic.name for topic in TOPICS}
    kinds = {name: kind for topic in TOPICS for name, kind in topic.details.items()}
    for finding in findings:
        kind = kinds.get(finding.name, dict)
        assert isinstance(finding.details, kind | None), finding.name
    assert {type(finding.details) for finding in findings} >= set(classes_of_details())


def classes_of_details() -> list[Any]:
    """Every class of details that the topics name, those within unions too."""
    kinds = [kind for topic in TOPICS for kind in topic.details.values()]
    return [each for kind in kinds for each in get_args(kind) or (kind,)]


def test_details_belong_to_findings_of_their_topic() -> None:
    for topic in TOPICS:
        assert set(topic.details) <= set(topic.probe.names)
        assert topic.headline in {"", *topic.probe.names}


def test_the_published_schema_and_the_table_of_topics_are_current() -> None:
    written = runpy.run_path(str(DOCS / "audit_tables.py"))
    page = (DOCS / "topics" / "audit.md").read_text("utf-8")
    assert written["page"](page) == page, "run python docs/audit_tables.py"
    schema = (DOCS / "audit.schema.json").read_text("utf-8")
    assert written["schema"]() == schema, "run python docs/audit_tables.py"


@dataclass(frozen=True)
class Smoke:
    """The details of a finding of a topic that stands in tests alone."""

    colours: tuple[str, ...]


@dataclass(frozen=True)
class SmokeProbe:
    """A probe that stands in tests alone."""

    topic: ClassVar[str] = "smoke"
    names: ClassVar[tuple[str, ...]] = ("smoke_density",)

    def __call__(self, subject: Subject, generator: torch.Generator) -> tuple[Finding, ...]:  # noqa: ARG002
        return (
            Finding(
                "smoke", "smoke_density", 0.5, "", None, "Looked.", details=Smoke(("grey",))
            ),
        )


def test_a_new_topic_is_a_folder_and_a_row(tmp_path: Path) -> None:
    audit = examine(plane_subject(), [SmokeProbe()])
    topics = (*TOPICS, Topic(SmokeProbe, "smoke", {"smoke_density": Smoke}))
    write_json(tmp_path / "audit.json", audit, topics)
    assert read_json(tmp_path / "audit.json", topics) == audit
    assert "Smoke" in str(json_schema(topics))
    (plain,) = read_json(tmp_path / "audit.json").findings  # one's own probe, in no table
    assert plain.details == {"colours": ["grey"]}


def plain_audit() -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(WRITTEN_BEFORE[0].read_text("utf-8")))


def test_a_broken_file_says_where(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    for text, words in (
        ("{", "the file"),
        ("[]", "the file"),
        ('{"version": "0.1.0"}', "subject"),
        (json.dumps({**plain_audit(), "findings": [{"name": "clean_accuracy"}]}), "findings.0"),
        (json.dumps({**plain_audit(), "findings": [3]}), "findings.0"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=f"got an error at {words}.*Audit again"):
            read_json(path)
    with pytest.raises(DataError, match="Check the path"):
        read_json(tmp_path / "nowhere.json")


def test_details_of_another_form_say_where(tmp_path: Path) -> None:
    plain = plain_audit()
    (clean,) = (each for each in plain["findings"] if each["name"] == "clean_accuracy")
    place = plain["findings"].index(clean)
    clean["details"]["correct"] = "many"
    (tmp_path / "audit.json").write_text(json.dumps(plain))
    with pytest.raises(DataError, match=rf"findings\.{place}\..*details.*correct"):
        read_json(tmp_path / "audit.json")


def test_all_classes_of_details_are_frozen_dataclasses() -> None:
    for kind in classes_of_details():
        assert fields(kind)
        assert kind.__dataclass_params__.frozen
