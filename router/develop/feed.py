"""The example shop's feed: the lives of its orders, interleaved and encoded, with mischief in known numbers.

Real feeds are never clean, so this one is not either, and says how much: of every so many orders (`EVERY`) one life
has a record of that kind of mischief. Broken records, repeats and tombstones come on top of a life; a late event and a
record without its key are part of it. Which record of a life is hit follows from the order's number: no chance is
involved, so that `planned` can tell the numbers without running the feed.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from router.develop.encoding import Encoder
from router.develop.shop import ORDER, PAYMENT, PRODUCT, REFUND, STOCK, Happening, arrival_of_order, life_of_order

__all__ = ["EVERY", "UNREADABLE", "FeedEvent", "Mischief", "events", "planned"]


class Mischief(StrEnum):
    """What is wrong with a record of the feed."""

    NONE = "none"
    LATE = "late"
    """An order's first event comes after its second."""
    DUPLICATE = "duplicate"
    """The same record again, byte for byte."""
    KEYLESS = "keyless"
    TOMBSTONE = "tombstone"
    """A key without a value."""
    TRUNCATED = "truncated"
    """The value stops after a few bytes, or before the first."""
    WRONG_ENUM = "wrong-enum"
    """An enum's index is beyond its symbols: what a writer with a newer schema would send."""
    RANDOM_BYTES = "random-bytes"
    INVALID_JSON = "invalid-json"


EVERY: Mapping[Mischief, int] = {
    Mischief.LATE: 10,
    Mischief.DUPLICATE: 12,
    Mischief.KEYLESS: 25,
    Mischief.TOMBSTONE: 30,
    Mischief.TRUNCATED: 40,
    Mischief.WRONG_ENUM: 45,
    Mischief.RANDOM_BYTES: 50,
    Mischief.INVALID_JSON: 55,
}
"""Each kind befalls one order in so many: those whose number it divides."""

UNREADABLE = frozenset({Mischief.TRUNCATED, Mischief.WRONG_ENUM, Mischief.RANDOM_BYTES, Mischief.INVALID_JSON})
"""The kinds whose records nobody can read."""

_AVRO = (ORDER, REFUND, PAYMENT, PRODUCT)
_HIT: Mapping[Mischief, Sequence[str]] = {
    Mischief.DUPLICATE: (*_AVRO, STOCK),
    Mischief.KEYLESS: (*_AVRO, STOCK),
    Mischief.TOMBSTONE: (ORDER, PRODUCT, STOCK),
    Mischief.TRUNCATED: (*_AVRO, STOCK),
    Mischief.WRONG_ENUM: (ORDER, REFUND, PAYMENT),
    Mischief.RANDOM_BYTES: _AVRO,
    Mischief.INVALID_JSON: (STOCK,),
}
_ENUMS: Mapping[str, tuple[str, str, str]] = {
    ORDER: ("country", "RU", "KZ"),
    REFUND: ("type", "refund_requested", "refund_approved"),
    PAYMENT: ("state", "authorized", "captured"),
}


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """One record of the feed, ready to be produced, and what is known of it."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int
    mischief: Mischief
    facts: Mapping[str, Any]
    """The value before it was encoded."""


def planned(orders: int) -> dict[Mischief, int]:
    """How many records of each kind of mischief the first `orders` orders have."""
    return {mischief: orders // every for mischief, every in EVERY.items()}


def events(*, seed: int, orders: int | None, start: int, encoders: Mapping[str, Encoder]) -> Iterator[FeedEvent]:
    """The feed from `start` (ms since the epoch), in order of time; without end where `orders` is None.

    The same arguments give the same records, byte for byte; more orders only add to them.
    """
    numbers = itertools.count(1) if orders is None else range(1, orders + 1)
    waiting: list[tuple[int, int, int, FeedEvent]] = []
    for number in numbers:
        arrival = arrival_of_order(number=number, start=start)
        while waiting and waiting[0][0] < arrival:
            yield heapq.heappop(waiting)[-1]
        life = life_of_order(seed=seed, number=number, start=start)
        for position, event in enumerate(_with_mischief(life, number, encoders)):
            heapq.heappush(waiting, (event.timestamp, number, position, event))
    while waiting:
        yield heapq.heappop(waiting)[-1]


def _with_mischief(life: Sequence[Happening], number: int, encoders: Mapping[str, Encoder]) -> list[FeedEvent]:
    told = [_encoded(happening, encoders) for happening in life]
    for mischief, every in EVERY.items():
        if number % every:
            continue
        if mischief is Mischief.LATE:
            _delay_first_status(told)
            continue
        # Only whole records of the life are hit, so that no record is hit twice and every kind keeps its number.
        hit = [at for at, event in enumerate(told) if event.mischief is Mischief.NONE and event.topic in _HIT[mischief]]
        at = hit[number // every % len(hit)]
        if mischief is Mischief.KEYLESS:
            told[at] = replace(told[at], key=None, mischief=mischief)
        else:
            told.append(_spoilt(told[at], mischief, encoders[told[at].topic]))
    return told


def _encoded(happening: Happening, encoders: Mapping[str, Encoder]) -> FeedEvent:
    headers = [("ce_type", f"shop.{happening.topic.rsplit('.', 1)[0]}".encode())]
    if happening.topic == PAYMENT:
        # The till that the courier carries takes cash; gift cards, which are no card either, are a matter of the site's.
        at_the_door = happening.value["card"] is None and happening.value["fiscal"]
        headers.append(("channel", b"door" if at_the_door else b"site"))
    if happening.event_id is not None:
        headers.insert(0, ("ce_id", happening.event_id.encode()))
    return FeedEvent(
        topic=happening.topic,
        key=happening.key.encode(),
        value=encoders[happening.topic](happening.value),
        headers=tuple(headers),
        timestamp=happening.at,
        mischief=Mischief.NONE,
        facts=happening.value,
    )


def _delay_first_status(told: list[FeedEvent]) -> None:
    first, second = [at for at, event in enumerate(told) if event.topic == ORDER][:2]
    told[first] = replace(told[first], timestamp=told[second].timestamp + 1, mischief=Mischief.LATE)


def _spoilt(event: FeedEvent, mischief: Mischief, encode: Encoder) -> FeedEvent:
    """A further record, one millisecond after the one that it is made from."""
    assert event.value is not None
    value: bytes | None
    match mischief:
        case Mischief.DUPLICATE:
            value = event.value
        case Mischief.TOMBSTONE:
            value = None
        case Mischief.TRUNCATED:
            value = event.value[: event.timestamp % 4]
        case Mischief.WRONG_ENUM:
            value = _with_wrong_enum(event, encode)
        case Mischief.RANDOM_BYTES:
            # Each value begins with a string; an odd byte below 128 gives that string a negative length, so that no
            # bytes after it can happen to make sense.
            rng = random.Random(event.timestamp)
            value = bytes([rng.randrange(1, 128, 2)]) + rng.randbytes(rng.randrange(80))
        case _:
            value = event.value[: len(event.value) // 2]
    return replace(event, value=value, timestamp=event.timestamp + 1, mischief=mischief)


def _with_wrong_enum(event: FeedEvent, encode: Encoder) -> bytes:
    """The value with an index of 63 where its enum's index stands: where two symbols' encodings differ."""
    field, symbol, other = _ENUMS[event.topic]
    value = encode({**event.facts, field: symbol})
    at = next(at for at, (a, b) in enumerate(zip(value, encode({**event.facts, field: other}), strict=True)) if a != b)
    return value[:at] + b"\x7e" + value[at + 1 :]
