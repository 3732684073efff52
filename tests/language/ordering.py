"""What tests of order in the language share: a schema of events, and files that order them."""

from __future__ import annotations

import json

from support.language import catalogue, load

from router.language.findings import Finding
from router.language.routes import RouteSet

EVENT = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "other", "type": ["null", "string"]},
        {"name": "n", "type": "long"},
        {"name": "half", "type": "double"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "clock", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["created", "paid", "shipped"]}},
        {"name": "items", "type": {"type": "array", "items": "string"}},
    ],
}
SCHEMAS = catalogue(**{"event/v1.avsc": json.dumps(EVENT), "more.event/v1.avsc": json.dumps(EVENT)})

GOOD = "by: id, sequence: n"
STATES = "by: id, state: state, states: {created: [paid], paid: [shipped]}"


def ordering(
    order: str, *, more: str = "key: id", exchanges: str = "", topics: str = "a.event.v1: {from: [{exchange: e}]}"
) -> str:
    """Return a file whose exchange e has an order, which begins at column 11 of line 7."""
    return f"""\
version: 1
team: t
exchanges:
  e:
    type: topic
    sources: [event.v1]
    order: {{{order}}}
    {more}
  {exchanges}
topics:
  {topics}
"""


def load_order(text: str) -> tuple[RouteSet | None, tuple[Finding, ...]]:
    """Load a file of one exchange that puts records in order."""
    return load(text, schemas=SCHEMAS)
