"""What tests of conversions share: two small versions, and loading what is said between them."""

from __future__ import annotations

import json
from textwrap import dedent
from typing import Any

from router.records.avro import decode_whole, encode_whole
from router.versions.conversion import Conversion
from router.versions.conversion_findings import VersionFinding
from router.versions.conversion_text import VersionSchema, load_conversion, parse_version

__all__ = ["brief", "converted", "field", "load", "record", "version"]


def field(name: str, of: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": of, **more}


def record(*fields: dict[str, Any], name: str = "R") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


def version(number: int, schema: Any) -> VersionSchema:
    return parse_version(json.dumps(schema), version=number, file=f"v{number}.avsc")


def load(source: Any, target: Any, text: str | None) -> tuple[Conversion | None, tuple[VersionFinding, ...]]:
    """The conversion from version 1 to version 2."""
    return load_conversion(
        None if text is None else dedent(text),
        subject="s",
        file="v1_to_v2.yaml",
        source=version(1, source),
        target=version(2, target),
    )


def converted(source: Any, target: Any, text: str | None, value: Any) -> Any:
    """The plain value that comes out."""
    conversion, findings = load(source, target, text)
    assert conversion is not None, [str(each) for each in findings]
    body = encode_whole(version(1, source).schema.types, value)
    return decode_whole(version(2, target).schema.types, conversion.convert(body))


def brief(source: Any, target: Any, text: str | None) -> list[tuple[str, int, int]]:
    """Kind, line and column of what is wrong."""
    conversion, findings = load(source, target, text)
    assert (conversion is None) is bool(findings)
    return [(str(each.kind), each.place.line, each.place.column) for each in findings]
