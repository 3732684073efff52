"""What tests of splits share: an event of two meanings, and loading what is said of it."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

from versions.converting import field, record

from router.versions.conversion_findings import VersionFinding
from router.versions.splits import Split, load_splits
from router.versions.subjects import Subject, read_subjects

__all__ = ["EVENT", "JSON_EVENT", "SPLIT", "brief", "catalogue_texts", "load", "loaded"]

EVENT = record(
    field("id", "string"),
    field("type", {"type": "enum", "name": "Type", "symbols": ["made", "paid", "lost", "gone"]}),
    field("paid", ["null", record(field("sum", "long"), field("by", "string"), name="Paid")], default=None),
    field("made", ["null", "string"], default=None),
    name="Event",
)
PAID = record(field("id", "string"), field("sum", "long"), field("by", "string"), name="EventPaid")
MADE = record(field("id", "string"), field("made", "string"), name="EventMade")
SPLIT = """
    of: v1
    by: type
    into:
      event.paid.v1: {types: [paid], lift: paid}
      event.made.v1: {types: [made], has: [made]}
    else: dead-letter
"""
JSON_EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "type": {"type": "string"},
        "paid": {"type": "object", "properties": {"sum": {"type": "integer"}, "by": {"type": "string"}}, "required": ["sum", "by"],
                 "additionalProperties": False},
        "made": {"type": ["string", "null"]},
    },
    "required": ["id", "type"],
    "additionalProperties": False,
}  # fmt: skip
_JSON_PAID = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "sum": {"type": "integer"}, "by": {"type": "string"}},
    "required": ["id", "sum", "by"],
    "additionalProperties": False,
}
_JSON_MADE = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "made": {"type": "string"}},
    "required": ["id", "made"],
    "additionalProperties": False,
}


def catalogue_texts(split: str = SPLIT, *, as_json: bool = False, **more: Any) -> dict[str, str]:
    """The files of three subjects; `more` are others, or others instead, by subject with underscores for dots."""
    schemas: dict[str, Any] = {"event": JSON_EVENT, "event.paid": _JSON_PAID, "event.made": _JSON_MADE}
    if not as_json:
        schemas = {"event": EVENT, "event.paid": PAID, "event.made": MADE}
    schemas |= {name.replace("_", "."): each for name, each in more.items()}
    ending = "schema.json" if as_json else "avsc"
    texts = {f"{name}/v1.{ending}": json.dumps(each) for name, each in schemas.items()}
    return {**texts, "event/split.yaml": dedent(split)}


def load(texts: dict[str, str]) -> tuple[Split | None, dict[str, Subject], tuple[VersionFinding, ...]]:
    """The split of `event`, where it is sound."""
    subjects, wrong = read_subjects(texts)
    assert not wrong
    splits, findings = load_splits(subjects, texts)
    return splits.get("event"), subjects, findings


def loaded(split: str = SPLIT, **more: Any) -> Split:
    """One that is sound."""
    found, _, findings = load(catalogue_texts(split, **more))
    assert found is not None, [str(each) for each in findings]
    return found


def brief(split: str, **more: Any) -> list[tuple[str, str]]:
    """Kind and message of what is wrong."""
    found, _, findings = load(catalogue_texts(split, **more))
    assert (found is None) is bool(findings)
    return [(str(each.kind), each.message) for each in findings]
