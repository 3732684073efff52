"""The routing job that all contenders do: its records, its four rules, its seven destinations.

1,000,000 orders of about 140 bytes in Avro, keyed by order, with two headers; 2.2 copies each. The rules, for everyone the same:

    country                                           to the order system of that country, one of four topics
    paid, shipped, delivered or money_refunded        to notifications
    paid or money_refunded                            to fiscal
    vip: the amount is over a million                 to vip
"""

from __future__ import annotations

import io
import json
import random
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import fastavro

__all__ = [
    "DESTINATIONS",
    "PARTITIONS",
    "SCHEMA",
    "SCHEMAS",
    "SUBJECT",
    "Order",
    "Rules",
    "decode",
    "orders",
    "route_files",
]

SCHEMAS = Path(__file__).parent / "schemas"
SUBJECT = "order.status.v1"
"""The broad topic's name, and the end of every destination's: a topic's name carries its schema."""
SCHEMA = fastavro.parse_schema(json.loads((SCHEMAS / "order.status" / "v1.avsc").read_text(encoding="utf-8")))
PARTITIONS = 4
DESTINATIONS = ("bob-ru", "bob-kz", "bob-ua", "bob-by", "notifications", "fiscal", "vip")

_STATUSES = (
    "created", "paid", "packed", "shipped", "delivered", "item_cancelled", "refund_requested", "money_refunded",
)  # fmt: skip
_COUNTRIES = ("RU", "RU", "RU", "KZ", "UA", "BY")
_ANNOUNCED = {"paid", "shipped", "delivered", "money_refunded"}
_FISCAL = {"paid", "money_refunded"}
_MILLION = 1_000_000
_FIRST_UPDATE = 1_700_000_000_000


class Order(NamedTuple):
    """One record of the broad topic, and where its copies belong."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    destinations: list[str]


class Rules:
    """The four rules over a decoded order, as a hand-written service would have them."""

    def __init__(self, topics: Mapping[str, str]) -> None:
        """`topics` has the topic of each of `DESTINATIONS`."""
        self._countries = {code: topics[f"bob-{code.lower()}"] for code in set(_COUNTRIES)}
        self._notifications = topics["notifications"]
        self._fiscal = topics["fiscal"]
        self._vip = topics["vip"]

    def __call__(self, order: Mapping[str, Any]) -> list[str]:
        """The topics that get a copy."""
        found = [self._countries[order["country"]]]
        status = order["status"]
        if status in _ANNOUNCED:
            found.append(self._notifications)
        if status in _FISCAL:
            found.append(self._fiscal)
        if order["vip"]:
            found.append(self._vip)
        return found


def decode(value: bytes) -> dict[str, Any]:
    """A whole order, as everyone but the router reads it."""
    order: dict[str, Any] = fastavro.schemaless_reader(io.BytesIO(value), SCHEMA, None)  # type: ignore[assignment]
    return order


def orders(count: int) -> Iterator[Order]:
    """The feed, the same on every run: about six events an order, in order."""
    chance = random.Random(7)
    rules = Rules({name: name for name in DESTINATIONS})
    seen: dict[str, int] = {}
    for number in range(count):
        order_id = f"ord-{chance.randrange(count // 6 + 1):06d}"
        sequence = seen[order_id] = seen.get(order_id, -1) + 1
        event_id = f"{chance.getrandbits(128):032x}"
        amount = chance.randrange(100, 2 * _MILLION)
        order = {
            "event_id": event_id,
            "order_id": order_id,
            "sequence": sequence,
            "country": _COUNTRIES[zlib.crc32(order_id.encode()) % len(_COUNTRIES)],
            "status": _STATUSES[sequence % len(_STATUSES)],
            "amount": amount,
            "vip": amount > _MILLION,
            "currency": "RUB",
            "updated_at": _FIRST_UPDATE + number,
            "customer": {
                "id": chance.randrange(1_000_000),
                "email": f"user{number % 5000}@example.com",
                "phone": None,
            },
            "items": [
                {"sku": f"SKU-{chance.randrange(100_000_000):08d}", "qty": 1, "price": chance.randrange(100_000)}
                for _ in range(3)
            ],
        }
        written = io.BytesIO()
        fastavro.schemaless_writer(written, SCHEMA, order)
        headers = [("ce_id", event_id.encode()), ("ce_type", SUBJECT.encode())]
        yield Order(order_id.encode(), written.getvalue(), headers, rules(order))


def route_files(source: str, topics: Mapping[str, str]) -> dict[str, str]:
    """The same rules in the router's language, a text for each file of its routes folder."""
    keys = {
        "bob-ru": ["RU.#"],
        "bob-kz": ["KZ.#"],
        "bob-ua": ["UA.#"],
        "bob-by": ["BY.#"],
        "notifications": [f"*.{status}.*" for status in sorted(_ANNOUNCED)],
        "fiscal": [f"*.{status}.*" for status in sorted(_FISCAL)],
        "vip": ["*.*.true"],
    }
    lines = [
        "version: 1",
        "team: bench",
        'contact: "#bench"',
        "exchanges:",
        "  orders:",
        "    type: topic",
        f"    sources: [{source}]",
        '    routing-key: "{country}.{status}.{vip}"',
        "topics:",
    ]
    for name in DESTINATIONS:
        # JSON's strings and lists are YAML's, too.
        lines += [
            f"  {topics[name]}:",
            "    from:",
            f"      - {{exchange: orders, binding-key: {json.dumps(keys[name])}}}",
        ]
    return {"bench.yaml": "\n".join(lines) + "\n"}
