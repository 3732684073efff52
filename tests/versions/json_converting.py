"""What tests of conversions between JSON Schemas share: small schemas, and loading what is said between them."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

from router.records.json_schema import parse_json_schema
from router.versions.conversion import Conversion
from router.versions.conversion_findings import VersionFinding
from router.versions.json_conversion import load_json_conversion

__all__ = [
    "LINE",
    "MAYBE",
    "NEXT_LINE",
    "NEXT_STATUS",
    "NUMBER",
    "STATUS",
    "TEXT",
    "brief",
    "closed",
    "conversion_of",
    "converted",
]

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
MAYBE = {"type": ["string", "null"]}


def closed(_required: str = "", /, **properties: Any) -> dict[str, Any]:
    """An object that declares all that it may have."""
    return {
        "type": "object",
        "properties": properties,
        "required": _required.split(),
        "additionalProperties": False,
    }


def load(source: Any, target: Any, text: str | None) -> tuple[Conversion | None, tuple[VersionFinding, ...]]:
    """The conversion from version 1 to version 2."""
    one, other = (parse_json_schema(json.dumps(each), file="s") for each in (source, target))
    said = None if text is None else dedent(text)
    return load_json_conversion(said, subject="s", file="v1_to_v2.yaml", source=(1, one), target=(2, other))


def conversion_of(source: Any, target: Any, text: str | None) -> Conversion:
    conversion, findings = load(source, target, text)
    assert conversion is not None, [str(each) for each in findings]
    return conversion


def converted(source: Any, target: Any, text: str | None, value: Any) -> Any:
    """What comes out."""
    return json.loads(conversion_of(source, target, text).convert(json.dumps(value).encode()))


def brief(source: Any, target: Any, text: str | None) -> list[tuple[str, int, int]]:
    """Kind, line and column of what is wrong."""
    conversion, findings = load(source, target, text)
    assert (conversion is None) is bool(findings)
    return [(str(each.kind), each.place.line, each.place.column) for each in findings]


STATUS = {"type": "string", "enum": ["new", "money_refunded", "item_cancelled"]}
NEXT_STATUS = {"type": "string", "enum": ["new", "refunded", "changed"]}
LINE = closed("sku qty", sku=TEXT, qty=NUMBER)
NEXT_LINE = closed("sku quantity", sku=TEXT, quantity=NUMBER)
