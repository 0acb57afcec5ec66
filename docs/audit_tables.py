"""Writes what the documentation says of `audit.json` and of probes from the table of topics.

python docs/audit_tables.py
"""

import json
from pathlib import Path

from gnomon.audit.audit_json import json_schema
from gnomon.audit.topics import TOPICS

HERE = Path(__file__).parent
PAGE, SCHEMA = HERE / "topics" / "audit.md", HERE / "audit.schema.json"
HEAD = "| probe | findings | about |\n|---|---|---|\n"


def table() -> str:
    """The table of topics in Markdown."""
    rows = [
        f"| `{topic.name}` | {', '.join(f'`{name}`' for name in topic.probe.names)} | "
        f"{topic.about}{'; slow, and asked only when it is named' if topic.slow else ''} |\n"
        for topic in TOPICS
    ]
    return HEAD + "".join(rows)


def page(text: str) -> str:
    """The page with the table in its place."""
    before, after = text.split(HEAD)
    return before + table() + after[after.index("\n\n") + 1 :]


def schema() -> str:
    """The JSON Schema of `audit.json` as it is published."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    SCHEMA.write_text(schema(), "utf-8")
