"""Two sources under one order, over a broker in memory: `status` and `payment` events, of which each has its own schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from router.records.record import PlainRecord
from router.testing import RouterDouble

STATUS = {
    "type": "record",
    "name": "Status",
    "fields": [
        {"name": "order", "type": ["null", "string"]},
        {"name": "n", "type": "long"},
        {"name": "customer", "type": ["null", "string"], "default": None},
    ],
}
PAYMENT = {
    "type": "record",
    "name": "Payment",
    "fields": [
        {"name": "amount", "type": "long", "default": 7},
        {"name": "n", "type": "long"},
        {"name": "customer", "type": ["null", "string"], "default": None},
        {"name": "order", "type": ["null", "string"]},
    ],
}
SCHEMAS = {"status/v1.avsc": json.dumps(STATUS), "payment/v1.avsc": json.dumps(PAYMENT)}
STATUSES, PAYMENTS = "status.v1", "payment.v1"
INTERNAL = "router-orders-repartition"

ROUTES = """
version: 1
team: t
exchanges:
  orders:
    type: topic
    sources: SOURCES
    routing-key: "KEY"
    order: {by: order, sequence: n, wait: 5m, repartition: true}
    MORE
  EXCHANGES
topics:
  status.v1: {partitions: 3}
  payment.v1: {partitions: 2}
  all: {format: avro, from: [{exchange: orders, binding-key: "ALL"}]}
  TOPICS
"""


def double(
    *,
    more: str = "tombstones: all",
    exchanges: str = "",
    topics: str = "",
    key: str = "{topic}",
    all_of: str = "#",
    sources: str = "[status.v1, payment.v1]",
    schemas: Mapping[str, str] | None = None,
) -> RouterDouble:
    """Return a router of these routes."""
    text = ROUTES
    texts = {"MORE": more, "EXCHANGES": exchanges, "TOPICS": topics, "KEY": key, "ALL": all_of, "SOURCES": sources}
    for name, said in texts.items():
        text = text.replace(name, said)
    return RouterDouble({"t.yaml": text}, SCHEMAS | dict(schemas or {}))


def come(router: RouterDouble, topic: str, order: str | None, n: int, **more: Any) -> PlainRecord:
    """Publish one event."""
    value = {"order": order, "n": n, "customer": more.pop("customer", None)}
    return router.publish(topic, value, **more)


def header(record: PlainRecord, name: str) -> list[bytes | None]:
    """Return all headers of this name."""
    return [value for each, value in record.headers if each == name]


def reasons(router: RouterDouble, topic: str) -> list[bytes | None]:
    """Return why records lie in these dead letters."""
    return [header(each, "router-reason")[0] for each in router.read(f"{topic}.dead-letters")]


def values(router: RouterDouble, topic: str) -> list[bytes | None]:
    """Return what lies in a topic."""
    return [each.value for each in router.read(topic)]
