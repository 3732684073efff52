"""Records as message types."""

import json

import pytest
from support.expressions import ORDERS, problems, where

from router.language.cel.descriptors import message_pool
from router.language.cel.environment import Environment
from router.records.schema import parse_avro


def test_every_struct_is_a_message() -> None:
    """Each record of a schema has its message, with a field for each field."""
    pool = message_pool(ORDERS)
    for name, struct in ORDERS.structs.items():
        assert [each.name for each in pool.FindMessageTypeByName(name).fields] == list(struct.fields)


def environment(*fields: tuple[str, object]) -> Environment:
    inner = {"type": "record", "name": "Inner", "fields": [{"name": name, "type": of} for name, of in fields]}
    schema = {"type": "record", "name": "Outer", "fields": [{"name": "inner", "type": inner}]}
    return Environment.of_schema(parse_avro(json.dumps(schema), file="x"))


MAP = {"type": "map", "values": "int"}
LISTS = {"type": "array", "items": {"type": "array", "items": "int"}}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ([("a_b", MAP), ("aB", MAP)], "inner.a_b.x + inner.aB.x == 3"),
        ([("a_b", MAP), ("A_B", MAP)], "inner.a_b.x + inner.A_B.x == 3"),
        ([("one_two", "int"), ("oneTwo", "int")], "inner.one_two + inner.oneTwo == 3"),
        ([("lists", LISTS)], "inner.lists[0][0] == 1"),
        ([("maybe", ["null", MAP])], "inner.maybe != null && inner.maybe.x == 1"),
        ([("nulls", {"type": "array", "items": ["null", "string"]})], "inner.nulls.exists(each, each == null)"),
        ([("none", "null")], "inner.none == null"),
        ([("message", "int"), ("in", "int")], "inner.message == 1"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_fields_whose_messages_would_clash_can_be_read(fields: list[tuple[str, object]], text: str) -> None:
    """Names and types that messages cannot have are no trouble: such fields are dyn."""
    assert where(text, environment(*fields)).type.tag == "bool"


def test_fields_of_nested_records_are_checked() -> None:
    """The checker knows the fields of records within lists, and their types."""
    assert problems("lines[0].sku > 5")[0].message == "'>' cannot be used with string and int"
    assert problems("lines.map(l, l.skv).size() > 5")[0].suggestion == "did you mean 'sku'?"
