"""39,647 real order-status events, as records: of 9,999 orders, 154 of which were recorded out of order."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
import pytest

from support.stage import encode

__all__ = ["EVENTS", "PARTITIONS", "SCHEMA", "needs_events", "rows", "source_record"]

EVENTS = Path(__file__).parents[2].parent / "shared" / "data" / "olist_order_status.csv.gz"

needs_events = pytest.mark.skipif(
    not EVENTS.exists(), reason="olist_order_status.csv.gz is not there: its licence keeps it out of the project"
)

PARTITIONS = 4
SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "OrderStatus",
    "namespace": "shop",
    "fields": [
        {"name": "order_id", "type": "string"},
        {"name": "sequence", "type": "int"},
        {"name": "occurred_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "payments", "type": {"type": "array", "items": "string"}},
        {"name": "payment_value", "type": ["null", "double"]},
        {
            "name": "customer",
            "type": {
                "type": "record",
                "name": "Customer",
                "fields": [{"name": "city", "type": "string"}, {"name": "state", "type": ["null", "string"]}],
            },
        },
        {
            "name": "status",
            "type": {
                "type": "enum",
                "name": "Status",
                "symbols": ["created", "approved", "shipped", "delivered", "canceled", "unavailable"],
            },
        },
        {"name": "items", "type": "int"},
    ],
}
_PARSED = fastavro.parse_schema(SCHEMA)


def rows() -> list[dict[str, str]]:
    """The file's lines, in the order in which the shop recorded them."""
    with gzip.open(EVENTS, "rt", encoding="utf-8", newline="") as lines:
        found = list(csv.DictReader(lines))
    assert len(found) == 39_647
    return found


def source_record(row: dict[str, str]) -> dict[str, Any]:
    """A line as a record: partition, key, value, timestamp and headers."""
    when = datetime.fromisoformat(row["occurred_at"]).replace(tzinfo=UTC)
    value = {
        "order_id": row["order_id"],
        "sequence": int(row["sequence"]),
        "occurred_at": when,
        "payments": [each for each in row["payment_types"].split("+") if each],
        "payment_value": float(row["payment_value"]) or None,
        "customer": {"city": row["city"], "state": row["state"] or None},
        "status": row["status"],
        "items": int(row["items"]),
    }
    return {
        "partition": int(row["order_id"], 16) % PARTITIONS,
        "key": row["order_id"].encode(),
        "value": encode(_PARSED, value),
        "timestamp": int(when.timestamp() * 1000),
        "headers": [("sequence", row["sequence"].encode()), ("empty", None)],
    }


def sequence_of(headers: Iterable[tuple[str, bytes | None]]) -> int:
    """The number that a record's event carries, as its header repeats it."""
    return int(dict(headers)["sequence"] or b"")
