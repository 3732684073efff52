"""What the feed's records must become, and whether they did.

`expected_topics` says it in plain conditions, written by hand from what the teams of routes/ want. It knows nothing of
exchanges, patterns or schemas, and shares no code with the router: where both agree on every record, neither is wrong
in the same way by accident.
"""

from __future__ import annotations

import hashlib
import zlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from router.develop.feed import UNREADABLE, FeedEvent, Mischief
from router.develop.shop import ORDER, PRODUCT, REFUND, SOURCES, STOCK

__all__ = ["Ledger", "Reconciliation", "Row", "Tally", "expected_topics", "fingerprint", "outcome_topics", "reconcile"]

KEYED = (ORDER, REFUND)
"""Whose records' keys are verified."""

_TOMBSTONES: Mapping[str, tuple[str, ...]] = {
    ORDER: (
        "analytics.order.status.v1",
        "bob-by.order.status.v1",
        "bob-kz.order.status.v1",
        "bob-ru.order.status.v1",
        "bob-ua.order.status.v1",
        "large-loader.order.status.v1",
        "notifications.order.status.v1",
        "refund-desk.order.status.v1",
        "small-loader.order.status.v1",
        "unrouted.order.status.v1",
        "vip.order.status.v1",
    ),
    PRODUCT: (
        "analytics.product.update.v1",
        "cold-chain.product.update.v1",
        "groceries.product.update.v1",
        "household.product.update.v1",
    ),
    STOCK: ("stock.level.v1.unroutable",),
}


def expected_topics(event: FeedEvent) -> tuple[str, ...]:
    """Every topic that must hold one copy of this record."""
    if event.mischief in UNREADABLE or (event.topic in KEYED and event.key is None):
        return (f"{event.topic}.dead-letters",)
    if event.value is None:
        return _TOMBSTONES[event.topic]
    facts = event.facts
    match event.topic:
        case "order.status.v1":
            topics = _of_order(facts)
            if event.mischief is Mischief.DUPLICATE:
                # It is put in order, and has come before; this consumer wants everything as it comes.
                topics = [topic for topic in topics if topic == "notifications.order.status.v1"]
            topics.append(loader_of("" if event.key is None else event.key.decode()))
        case "refund.update.v1":
            topics = _of_refund(facts)
        case "payment.transaction.v1":
            topics = _of_payment(facts["state"], fiscal=facts["fiscal"])
            if ("channel", b"door") in event.headers:
                topics.append("couriers.payment.transaction.v1")
        case "product.update.v1":
            topics = _of_product("" if event.key is None else event.key.decode())
        case _:
            topics = _of_stock(facts["state"], facts["warehouse"]["code"])
    return (*topics, f"analytics.{event.topic}")


def _of_order(facts: Mapping[str, Any]) -> list[str]:
    country, status = facts["country"], facts["status"]
    topics = []
    if country in ("RU", "KZ", "BY"):
        topics.append(f"bob-{country.lower()}.order.status.v1")
    if country == "UA" and status in ("created", "paid", "packed", "item_cancelled", "cancelled"):
        topics.append("bob-ua.order.status.v1")
    if status in ("paid", "delivered", "cancelled"):
        topics.append("notifications.order.status.v1")
    if status == "paid" and facts["amount"] > 100_000 and facts["customer"]["email"] is not None:
        topics.append("vip.order.status.v1")
    if status in ("return_requested", "returned", "money_refunded"):
        topics.append("refund-desk.order.status.v1")
    if not topics:
        topics.append("unrouted.order.status.v1")
    return topics


def _of_refund(facts: Mapping[str, Any]) -> list[str]:
    kind = facts["type"]
    topics = []
    if kind == "refund_requested" and facts["refund_requested"]["reason"] == "damaged":
        topics.append("quality.refund.update.v1")
    if kind in ("refund_requested", "money_refunded"):
        topics.append("refund-desk.refund.update.v1")
    if kind in ("refund_approved", "refund_rejected"):
        topics.append("refund-letters.refund.update.v1")
    if kind == "refund_approved":
        topics.append("payouts.refund.update.v1")
    if kind == "refund_failed":
        topics.append("refund.update.v1.unroutable")
    return topics


def _of_payment(state: str, *, fiscal: bool) -> list[str]:
    if state in ("captured", "refunded"):
        return ["fiscalization.payment.transaction.v1" if fiscal else "bookkeeping.payment.transaction.v1"]
    if state == "voided":
        return ["payment.transaction.v1.unroutable"]
    return ["fraud.payment.transaction.v1"]


def _of_product(path: str) -> list[str]:
    topics = []
    if path.startswith("grocery."):
        topics.append("groceries.product.update.v1")
    if path.startswith("household."):
        topics.append("household.product.update.v1")
    if ".dairy." in path or ".frozen." in path:
        topics.append("cold-chain.product.update.v1")
    if not topics:
        topics.append("product.update.v1.unroutable")
    return topics


def _of_stock(state: str, hall: str) -> list[str]:
    topics = []
    if state in ("in_stock", "out_of_stock"):
        topics.append("sites.stock.level.v1")
    if state in ("low", "out_of_stock"):
        topics.append("purchasing.stock.level.v1")
    if hall == "msk.2":
        topics.append("robots.stock.level.v1")
    return topics


@lru_cache(maxsize=10_000)
def loader_of(key: str) -> str:
    """Which loader has an order, as the ring's description says.

    Each unit of a loader's weight has a point in each of the ring's 256 sectors; a key has four places, and the loader wins
    whose point comes soonest behind one of them.
    """
    places = _numbers(hashlib.blake2b(key.encode(), digest_size=32).digest())
    points = _points()
    behind = (points[bisect_left(points, (place, "")) % len(points)] + (place,) for place in places)
    return min(((point - place) % 2**64, loader) for point, loader, place in behind)[1]


@lru_cache(maxsize=1)
def _points() -> tuple[tuple[int, str], ...]:
    points = []
    for loader, weight in (("small-loader.order.status.v1", 1), ("large-loader.order.status.v1", 3)):
        for unit in range(weight):
            said = f"topic '{loader}'\0{unit}".encode()
            # The highest 8 bits of a point are its sector, and the lowest 20 are not its place.
            points += [
                (sector << 56 | (number % 2**56) >> 20 << 20, loader)
                for sector, number in enumerate(_numbers(hashlib.shake_128(said).digest(8 * 256)))
            ]
    return tuple(sorted(points))


def _numbers(raw: bytes) -> list[int]:
    """Of eight bytes each, the least significant first."""
    return [int.from_bytes(raw[at : at + 8], "little") for at in range(0, len(raw), 8)]


@dataclass(frozen=True, slots=True)
class Tally:
    """How many records, and a sum of their fingerprints: equal sums are the same records in any order."""

    count: int = 0
    checksum: int = 0

    def plus(self, mark: int) -> Tally:
        return Tally(self.count + 1, self.checksum + mark)


@dataclass(slots=True)
class Ledger:
    """Tallies by topic, as records are fed or read back."""

    tallies: dict[str, Tally] = field(default_factory=dict)

    def enter(self, topic: str, mark: int) -> None:
        self.tallies[topic] = self.tallies.get(topic, Tally()).plus(mark)

    def count(self, topic: str) -> int:
        """Records entered for a topic so far."""
        return self.tallies.get(topic, Tally()).count


def fingerprint(
    *,
    key: bytes | None,
    value: bytes | None,
    timestamp: int,
    headers: Iterable[tuple[str, bytes | None]],
) -> int:
    """A number that changes with whatever the router must pass on unchanged, and with nothing that it may add."""
    kept = [each for each in headers if not each[0].startswith("router-")]
    return zlib.crc32(repr((key, value, timestamp, kept)).encode())


@dataclass(frozen=True, slots=True)
class Row:
    """One topic: what it must hold and what it holds."""

    topic: str
    expected: int
    counted: int
    altered: bool
    """As many as expected, but not the same records."""

    @property
    def missing(self) -> int:
        return max(0, self.expected - self.counted)

    @property
    def too_many(self) -> int:
        return max(0, self.counted - self.expected)


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All topics side by side."""

    rows: tuple[Row, ...]

    @property
    def missing(self) -> int:
        return sum(row.missing for row in self.rows)

    @property
    def too_many(self) -> int:
        return sum(row.too_many for row in self.rows)

    @property
    def altered(self) -> tuple[str, ...]:
        """Topics with as many records as expected that are not those."""
        return tuple(row.topic for row in self.rows if row.altered)

    @property
    def balanced(self) -> bool:
        """Nothing is missing, nothing too many, and nothing altered."""
        return not (self.missing or self.too_many or self.altered)

    def __str__(self) -> str:
        word = "balanced" if self.balanced else "NOT balanced"
        altered = f", altered in {', '.join(self.altered)}" if self.altered else ""
        return f"{word}: {self.missing} missing, {self.too_many} too many{altered}"


def reconcile(expected: Mapping[str, Tally], counted: Mapping[str, Tally]) -> Reconciliation:
    """Compare what each topic must hold with what it holds; topics that both lack have no row."""
    return Reconciliation(tuple(_row(topic, expected, counted) for topic in sorted(expected.keys() | counted.keys())))


def _row(topic: str, expected: Mapping[str, Tally], counted: Mapping[str, Tally]) -> Row:
    right, seen = expected.get(topic, Tally()), counted.get(topic, Tally())
    same_number = right.count == seen.count
    return Row(topic, right.count, seen.count, altered=same_number and right.checksum != seen.checksum)


def outcome_topics(narrow: Sequence[str], *, sources: Sequence[str] = SOURCES) -> tuple[str, ...]:
    """Every topic whose content is reconciled: the narrow ones, then the unroutable and dead letters of each source."""
    return (*narrow, *(f"{source}.{ending}" for source in sources for ending in ("unroutable", "dead-letters")))
