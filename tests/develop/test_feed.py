"""The feed: the same every time, in order of time, with mischief in known numbers."""

from __future__ import annotations

import io
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import fastavro
import fastavro.schema
import orjson
import pytest

from router.develop.encoding import shop_encoders
from router.develop.feed import UNREADABLE, FeedEvent, Mischief, events, planned
from router.develop.shop import ORDER, PAYMENT, SOURCES, STOCK

SCHEMAS = Path(__file__).parents[2] / "schemas"
ENCODERS = shop_encoders(SCHEMAS)
START = 1_767_225_600_000
ORDERS = 1800
"""A number that every kind of mischief and every topic of its round comes up in."""
FEED = list(events(seed=1, orders=ORDERS, start=START, encoders=ENCODERS))


def of(mischief: Mischief) -> list[FeedEvent]:
    """Return the feed's records of one kind."""
    return [event for event in FEED if event.mischief is mischief]


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Two runs with the same arguments are equal, and another seed is another feed."""
    assert list(events(seed=1, orders=60, start=START, encoders=ENCODERS)) == list(
        events(seed=1, orders=60, start=START, encoders=ENCODERS)
    )
    other = list(events(seed=2, orders=60, start=START, encoders=ENCODERS))
    assert [event.value for event in other] != [event.value for event in FEED[: len(other)]]


def test_a_feed_without_end_begins_like_any_other() -> None:
    """The endless feed and a finite one agree until the finite one's orders run out."""
    endless = events(seed=1, orders=None, start=START, encoders=ENCODERS)
    assert list(islice(endless, 5_000)) == FEED[:5_000]


def test_the_feed_is_in_order_of_time() -> None:
    """Interleaved as they are, no record is earlier than the one before it."""
    assert all(earlier.timestamp <= later.timestamp for earlier, later in pairwise(FEED))


def test_orders_overlap() -> None:
    """Lives are interleaved: between two records of one order come others'."""
    first = [at for at, event in enumerate(FEED) if event.key == b"ord-1-0000001"]
    assert first[-1] - first[0] > len(first)


@pytest.mark.parametrize("orders", [0, 1, 299, 300, ORDERS], ids=str)
def test_mischief_comes_in_the_planned_numbers(orders: int) -> None:
    """The plan, which counts nothing, and the feed, which plans nothing, agree."""
    feed = events(seed=5, orders=orders, start=START, encoders=ENCODERS)
    counted = Counter(event.mischief for event in feed)
    assert {kind: counted[kind] for kind in planned(orders)} == planned(orders)


def test_every_kind_is_planned() -> None:
    """No kind of mischief is forgotten."""
    assert {*planned(1), Mischief.NONE} == set(Mischief)


def test_a_late_event_comes_after_its_successor() -> None:
    """An order's first status is read after its second."""
    for late in of(Mischief.LATE):
        assert late.facts["sequence"] == 1
        number = late.facts["order_id"]
        order = [each.facts["sequence"] for each in FEED if each.topic == ORDER and each.facts["order_id"] == number]
        assert order.index(2) < order.index(1)


def test_a_duplicate_repeats_its_record_byte_for_byte() -> None:
    """Key, value and headers are those of a record that was there before."""
    for duplicate in of(Mischief.DUPLICATE):
        alike = [event for event in FEED if event.value == duplicate.value and event.key == duplicate.key]
        assert len(alike) == 2
        assert alike[0].headers == alike[1].headers


def test_a_record_without_a_key_has_its_value() -> None:
    """Only the key is forgotten."""
    assert all(event.key is None and event.value is not None for event in of(Mischief.KEYLESS))


def test_a_tombstone_has_a_key_and_no_value() -> None:
    """It deletes something, so it says what."""
    assert all(event.key is not None and event.value is None for event in of(Mischief.TOMBSTONE))


def test_every_kind_goes_round_the_topics() -> None:
    """Unreadable records turn up in each broad topic."""
    assert {event.topic for event in FEED if event.mischief in UNREADABLE} == set(SOURCES)


def test_nobody_can_read_what_is_unreadable() -> None:
    """A reader that is not ours fails on each of them, and reads all others to the last byte."""
    schemas = {
        topic: fastavro.schema.load_schema(str(SCHEMAS / topic.removesuffix(".v1") / "v1.avsc"))
        for topic in SOURCES
        if topic != STOCK
    }

    def readable(event: FeedEvent) -> bool:
        assert event.value is not None
        try:
            if event.topic == STOCK:
                orjson.loads(event.value)
                return True
            rest = io.BytesIO(event.value)
            fastavro.schemaless_reader(rest, schemas[event.topic], None)
        except (EOFError, IndexError, ValueError, TypeError):
            return False
        return rest.read() == b""

    for event in FEED:
        if event.value is not None:
            assert readable(event) is (event.mischief not in UNREADABLE), event


def test_most_records_carry_their_id() -> None:
    """Events have the producer's id and type in headers; stock levels have no id, and payments their channel, too."""
    for event in FEED:
        names = [name for name, _ in event.headers]
        further = ["channel"] if event.topic == PAYMENT else []
        assert names == [*([] if event.topic == STOCK else ["ce_id"]), "ce_type", *further]
