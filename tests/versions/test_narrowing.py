"""Records of one meaning among several: narrower schemas."""

from __future__ import annotations

import json

import pytest
from versions.converting import field, record, version
from versions.splitting import JSON_EVENT

from router.records.field_type import Kind
from router.records.json_schema import parse_json_schema
from router.versions.encoding import ConversionFailed
from router.versions.narrowing import json_check, narrowed, narrowed_json, nullable_fields

WIDE = record(
    field("id", "string"),
    field("one", ["null", "long"]),
    field("two", ["null", "string", "int"]),
    field("three", "null"),
)
JSON = parse_json_schema(json.dumps(JSON_EVENT), file="f")


def test_fields_that_may_be_null_are_told() -> None:
    """One that is nothing but null is none of them."""
    assert nullable_fields(version(1, WIDE).schema) == {"one", "two"}
    assert nullable_fields(JSON) == {"paid", "made"}


def test_what_a_type_has_is_not_null_and_what_it_lacks_is_nothing_else() -> None:
    """In what conversions go by, and in what expressions see."""
    narrow = narrowed(version(1, WIDE), has={"two"}, lacks={"one"})
    assert [(each.name, each.type.kind, each.has_default) for each in narrow.root.fields] == [
        ("id", Kind.STRING, False), ("one", Kind.NULL, True), ("two", Kind.UNION, False), ("three", Kind.NULL, False),
    ]  # fmt: skip
    assert [each.kind for each in narrow.root.fields[2].type.branches] == [Kind.STRING, Kind.INT]
    two, one = narrow.schema.field("two"), narrow.schema.field("one")
    assert two is not None
    assert one is not None
    assert (two.nullable, one.kind) == (False, Kind.NULL)
    alone = narrowed(version(1, WIDE), has={"one"}, lacks=())
    assert alone.root.fields[1].type.kind is Kind.LONG
    assert alone.schema.field("one") is not None


def test_a_record_within_itself_stays_as_wide() -> None:
    """What it holds of its own kind is of any type."""
    inner = narrowed(version(1, record(field("next", ["null", "R"]), field("a", ["null", "int"]))), has={"a"}, lacks=())
    found = inner.schema.field("next.a")
    assert found is not None
    assert found.nullable


def test_json_is_narrowed_in_its_words() -> None:
    """Required, and not null; what is lacked is not declared."""
    found = narrowed_json(JSON, has={"made"}, lacks={"paid"}).document
    assert found["required"] == ["id", "made", "type"]
    assert "paid" not in found["properties"]
    assert found["properties"]["made"] == {"type": ["string"]}
    listed = parse_json_schema('{"properties": {"a": {"enum": ["x", null]}}}', file="f")
    assert narrowed_json(listed, has={"a"}, lacks=()).document["properties"]["a"] == {"enum": ["x"]}


def test_json_is_looked_at_record_by_record() -> None:
    """Null is as good as absent."""
    check = json_check(has=["a"], lacks=["b"])
    assert check(b'{"a": 1, "b": null}') == b'{"a": 1, "b": null}'
    assert check(b"[]") == b"[]"
    with pytest.raises(ConversionFailed, match="field 'a': records of this type have it"):
        check(b'{"a": null}')
    with pytest.raises(ConversionFailed, match="field 'b': records of this type do not have it"):
        check(b'{"a": 1, "b": 2}')
