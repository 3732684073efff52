"""Which fields an Avro schema has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from router.records.field_type import LISTED_PATHS, PATH_LIMIT
from router.records.schema import AvroSchema, FieldType, Kind, parse_avro


def record(name: str, /, **fields: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": field, "type": inner} for field, inner in fields.items()],
    }


ORDER = parse_avro(
    json.dumps(
        record(
            "order",
            id="string",
            status={"type": "enum", "name": "status", "symbols": ["paid", "sent"]},
            paid_at=["null", {"type": "long", "logicalType": "timestamp-millis"}],
            nothing="null",
            never=["null"],
            customer=record("customer", id="long", vip=["boolean", "null"]),
            address=["null", record("address", city="string", old=["null", "address"])],
            note=["null", "string", "int"],
            payment=["null", record("card", number="string"), record("cash", sum="long")],
            items={"type": "array", "items": record("item", sku="string")},
            labels={"type": "map", "values": "string"},
        )
    ),
    file="order.avsc",
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("id", FieldType(kind=Kind.STRING, scalar=True), id="string"),
        pytest.param("status", FieldType(kind=Kind.ENUM, symbols=("paid", "sent"), scalar=True), id="enum"),
        pytest.param(
            "paid_at",
            FieldType(kind=Kind.LONG, nullable=True, logical="timestamp-millis", scalar=True),
            id="nullable-logical",
        ),
        pytest.param("nothing", FieldType(kind=Kind.NULL, nullable=True), id="null"),
        pytest.param("never", FieldType(kind=Kind.UNION, nullable=True), id="union-of-null"),
        pytest.param("customer", FieldType(kind=Kind.RECORD), id="record"),
        pytest.param("customer.id", FieldType(kind=Kind.LONG, scalar=True), id="inside"),
        pytest.param("customer.vip", FieldType(kind=Kind.BOOLEAN, nullable=True, scalar=True), id="nullable-inside"),
        pytest.param("address", FieldType(kind=Kind.RECORD, nullable=True), id="nullable-record"),
        pytest.param("address.city", FieldType(kind=Kind.STRING, nullable=True, scalar=True), id="inside-nullable"),
        pytest.param(
            "address.old.old.city", FieldType(kind=Kind.STRING, nullable=True, scalar=True), id="inside-itself"
        ),
        pytest.param("note", FieldType(kind=Kind.UNION, nullable=True, scalar=True), id="union-of-scalars"),
        pytest.param("payment", FieldType(kind=Kind.UNION, nullable=True), id="union-of-records"),
        pytest.param("payment.number", None, id="inside-a-wide-union"),
        pytest.param("items", FieldType(kind=Kind.ARRAY), id="array"),
        pytest.param("items.sku", None, id="inside-an-array"),
        pytest.param("labels", FieldType(kind=Kind.MAP), id="map"),
        pytest.param("labels.vip", None, id="inside-a-map"),
        pytest.param("id.length", None, id="inside-a-scalar"),
        pytest.param("colour", None, id="unknown"),
        pytest.param("", None, id="empty"),
        pytest.param("address" + ".old" * (PATH_LIMIT - 1), FieldType(kind=Kind.RECORD, nullable=True), id="longest"),
        pytest.param("address" + ".old" * PATH_LIMIT, None, id="too-long"),
    ],
)
def test_field(path: str, expected: FieldType | None) -> None:
    """A path leads through records and nullable records, and nowhere else."""
    assert ORDER.field(path) == expected


def test_paths_are_the_scalars_in_order() -> None:
    """What can be suggested is what can be read, and what contains itself is entered once."""
    assert ORDER.paths() == ("id", "status", "paid_at", "customer.id", "customer.vip", "address.city", "note")
    assert all(found.scalar for path in ORDER.paths() if (found := ORDER.field(path)))


def test_paths_end_somewhere() -> None:
    """Records that repeat each other have more paths than anybody can list."""
    inner: Any = record("r0", x="int", y="int")
    for number in range(1, 14):
        inner = record(f"r{number}", x=inner, y=f"r{number - 1}")
    assert len(parse_avro(json.dumps(inner), file="wide.avsc").paths()) == LISTED_PATHS


def test_a_schema_that_is_no_record_has_no_fields() -> None:
    """A topic of bare strings can be routed by its key."""
    schema = parse_avro('"string"', file="bare.avsc")
    assert isinstance(schema, AvroSchema)
    assert schema.format == "avro"
    assert schema.field("x") is None
    assert schema.paths() == ()
