"""The routing job that all contenders do: its records, its four rules, its seven destinations.

1,000,000 orders of about 140 bytes in Avro, keyed by order, with two headers; 2.2 copies each. The rules, for everyone the same:

    country                                           to the order system of that country, one of four topics
    paid, shipped, delivered or money_refunded        to notifications
    paid or money_refunded                            to fiscal
    vip: the amount is over a million                 to vip

`Shape` has what variants of the job change: how many partitions, destinations and bindings. Records and copies stay the same.
"""

from __future__ import annotations

import io
import json
import random
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import fastavro

__all__ = [
    "DESTINATIONS",
    "PARTITIONS",
    "SCHEMA",
    "SCHEMAS",
    "SHOPS",
    "SUBJECT",
    "Order",
    "Rules",
    "Shape",
    "decode",
    "orders",
    "out_of_order",
    "route_files",
]

SCHEMAS = Path(__file__).parent / "schemas"
SUBJECT = "order.status.v1"
"""The broad topic's name, and the end of every destination's: a topic's name carries its schema."""
SCHEMA = fastavro.parse_schema(json.loads((SCHEMAS / "order.status" / "v1.avsc").read_text(encoding="utf-8")))
PARTITIONS = 4
DESTINATIONS = ("bob-ru", "bob-kz", "bob-ua", "bob-by", "notifications", "fiscal", "vip")
SHOPS = 29
"""Seven times as many destinations are about 200."""

_STATUSES = (
    "created", "paid", "packed", "shipped", "delivered", "item_cancelled", "refund_requested", "money_refunded",
)  # fmt: skip
_COUNTRIES = ("RU", "RU", "RU", "KZ", "UA", "BY")
_ANNOUNCED = {"paid", "shipped", "delivered", "money_refunded"}
_FISCAL = {"paid", "money_refunded"}
_MILLION = 1_000_000
_FIRST_UPDATE = 1_700_000_000_000
_EVENTS_AN_ORDER = 6
_LATE_BY = 1_000
"""The most records between one that comes out of order and the one that it should have come before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How many of everything a variant of the job has; the plain job's numbers are the defaults."""

    partitions: int = PARTITIONS
    """Of the broad topic and of every destination."""
    by_shop: bool = False
    """Each of the seven destinations is one topic a shop: 203 destinations, and as many copies as ever."""
    ordered: bool = False
    """Each order's records are put in sequence before they are copied: the plain feed's are in it already."""
    disordered: float = 0.0
    """The share of the feed's records that come behind the next one of their order."""
    failing: bool = False
    """Every destination says `failure:`, and its consumer might reject any copy: nobody does."""
    bindings: int = 0
    """At least so many bindings, where the rules need fewer; the further ones change nothing about what goes where."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """The names of all destinations."""
        if not self.by_shop:
            return DESTINATIONS
        return tuple(of_shop(name, shop) for name, shop in product(DESTINATIONS, range(SHOPS)))

    def places(self, order: Mapping[str, Any]) -> list[str]:
        """The destinations that a decoded order belongs to."""
        names = _IDENTITY(order)
        return [of_shop(name, order["shop"]) for name in names] if self.by_shop else names


def of_shop(name: str, shop: int) -> str:
    """The destination of one shop."""
    return f"{name}-{shop:02d}"


class Order(NamedTuple):
    """One record of the broad topic, and where its copies belong."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    destinations: list[str]
    """Of the seven."""
    shop: int


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


_IDENTITY = Rules({name: name for name in DESTINATIONS})


def decode(value: bytes) -> dict[str, Any]:
    """A whole order, as everyone but the router reads it."""
    order: dict[str, Any] = fastavro.schemaless_reader(io.BytesIO(value), SCHEMA, None)  # type: ignore[assignment]
    return order


def orders(count: int) -> Iterator[Order]:
    """The feed, the same on every run: about six events an order, in order."""
    chance = random.Random(7)
    seen: dict[str, int] = {}
    for number in range(count):
        order_id = f"ord-{chance.randrange(count // _EVENTS_AN_ORDER + 1):06d}"
        sequence = seen[order_id] = seen.get(order_id, -1) + 1
        event_id = f"{chance.getrandbits(128):032x}"
        amount = chance.randrange(100, 2 * _MILLION)
        shop = zlib.crc32(order_id.encode()) // len(_COUNTRIES) % SHOPS
        order = {
            "event_id": event_id,
            "order_id": order_id,
            "sequence": sequence,
            "country": _COUNTRIES[zlib.crc32(order_id.encode()) % len(_COUNTRIES)],
            "status": _STATUSES[sequence % len(_STATUSES)],
            "amount": amount,
            "vip": amount > _MILLION,
            "shop": shop,
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
        yield Order(order_id.encode(), written.getvalue(), headers, _IDENTITY(order), shop)


def out_of_order(feed: Iterable[Order], share: float) -> Iterator[Order]:
    """The same records, of which about this share come behind the next one of their order, by up to 1,000 records.

    Until then the next one has to wait. What has no next one comes where it should have, or at the end.
    """
    chance = random.Random(13)
    # The last of each order cannot be overtaken by a next one.
    drawn = share * _EVENTS_AN_ORDER / (_EVENTS_AN_ORDER - 1)
    awaiting: dict[bytes, Order] = {}
    delayed: list[tuple[int, int, Order]] = []
    for number, order in enumerate(feed):
        while delayed and delayed[0][0] <= number:
            yield heappop(delayed)[2]
        overtaken = awaiting.pop(order.key, None)
        if overtaken is None and chance.random() < drawn:
            awaiting[order.key] = order
            continue
        yield order
        if overtaken is not None:
            heappush(delayed, (number + chance.randint(1, _LATE_BY), number, overtaken))
    while delayed:
        yield heappop(delayed)[2]
    yield from awaiting.values()


def route_files(source: str, topics: Mapping[str, str], shape: Shape) -> dict[str, str]:
    """The same rules in the router's language, a text for each file of its routes folder.

    `topics` has the topic of each of the shape's destinations.
    """
    keys = _binding_keys(shape)
    words = "{country}.{status}.{vip}" + (".{shop}" if shape.by_shop else "")
    lines = [
        "version: 1",
        "team: bench",
        'contact: "#bench"',
        "exchanges:",
        "  orders:",
        "    type: topic",
        f"    sources: [{source}]",
        f'    routing-key: "{words}"',
        *(["    key: order_id", "    order: {by: order_id, sequence: sequence, start: 0}"] if shape.ordered else []),
        "topics:",
    ]
    for name, of_destination in keys.items():
        # JSON's strings and lists are YAML's, too.
        lines += [
            f"  {topics[name]}:",
            *(["    failure: {}"] if shape.failing else []),
            "    from:",
            f"      - {{exchange: orders, binding-key: {json.dumps(of_destination)}}}",
        ]
    return {"bench.yaml": "\n".join(lines) + "\n"}


def _binding_keys(shape: Shape) -> dict[str, list[str]]:
    rules = {
        "bob-ru": ["RU.#"],
        "bob-kz": ["KZ.#"],
        "bob-ua": ["UA.#"],
        "bob-by": ["BY.#"],
        "notifications": [f"*.{status}.*" for status in sorted(_ANNOUNCED)],
        "fiscal": [f"*.{status}.*" for status in sorted(_FISCAL)],
        "vip": ["*.*.true"],
    }
    if shape.by_shop:
        return {
            of_shop(name, shop): [f"{key}.{shop}" for key in rules[name]]
            for name, shop in product(DESTINATIONS, range(SHOPS))
        }
    wanted = shape.bindings - sum(map(len, rules.values()))
    for name, key in zip(*_beside(max(0, wanted)), strict=True):
        rules[name].append(key)
    return rules


def _beside(count: int) -> tuple[Sequence[str], Sequence[str]]:
    """Destinations and keys of bindings that match no record of the feed, as those of other countries do in a large installation.

    Every tenth has a `#`, a third a `*`, so that an exchange has patterns to look through and not only words to look up.
    """
    chance = random.Random(11)
    countries = [f"{one}{other}" for one, other in product("ACDEFGHIJ", repeat=2)]
    found: dict[str, str] = {}
    while len(found) < count:
        country, status, vip = chance.choice(countries), chance.choice(_STATUSES), chance.choice(["true", "false", "*"])
        kind = chance.random()
        key = (
            f"{country}.#.{vip}"
            if kind < 0.1
            else f"*.{country}-{status}.{vip}"
            if kind < 0.4
            else f"{country}.{status}.{vip}"
        )
        found.setdefault(key, chance.choice(DESTINATIONS))
    return list(found.values()), list(found)
