"""The keys that a lane keeps, in its table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.errors import UnreadableState
from router.failure.keys import KeptKeys
from router.failure.parking import Back, KeyState, Phase, Release, Step, acknowledge
from router.failure.stored import back_key, by_key, held_key, of_one, state_key
from router.lanes.table import KeptBack
from router.order.stored import decode_record
from router.records.record import PlainRecord
from router.testing import MemoryBroker, MemoryTable

VIP = "vip.v1"
ENTRY = state_key(VIP, by_key(b"k"))
PARKED = KeyState(phase=Phase.PARKED, back=(Back((0, 1), 1, until=50),), active=1)


@pytest.fixture
async def table() -> MemoryTable:
    """A table with nothing in it."""
    broker = MemoryBroker()
    broker.create_topic("changelog", compacted=True)
    table = MemoryTable(broker, changelog="changelog", partition=0)
    await table.restore()
    return table


def record(offset: int, key: bytes = b"k") -> PlainRecord:
    """Return a record of the source."""
    return PlainRecord(topic="orders.v1", offset=offset, key=key, value=b"v")


def park(keys: KeptKeys, state: KeyState = PARKED) -> None:
    """Have the key parked."""
    keys.step(ENTRY, lambda _: Step(state, ()))


async def test_copies_are_held_in_the_order_in_which_they_come(table: MemoryTable) -> None:
    """Also those of earlier offsets, and also when the lane was opened again meanwhile."""
    keys = KeptKeys(table)
    park(keys)
    assert [keys.hold(VIP, record(offset), (("h", b"1"),)) for offset in (9, 3)] == [True, True]
    keys = KeptKeys(table)
    keys.index(ENTRY, VIP, by_key(b"k"), flows=False)
    keys.resume()
    assert keys.hold(VIP, record(5), ())
    assert [keys.take(VIP, held_key(ENTRY, number)).offset for number in range(3)] == [9, 3, 5]


async def test_copies_of_other_keys_and_topics_pass(table: MemoryTable) -> None:
    """Only what is kept is held."""
    keys = KeptKeys(table)
    park(keys)
    assert not keys.hold(VIP, record(1, b"other"), ())
    assert not keys.hold("other.v1", record(1), ())


async def test_held_copy_has_the_headers_that_it_would_have_had(table: MemoryTable) -> None:
    """It is written later as it would have been written now."""
    keys = KeptKeys(table)
    park(keys)
    keys.hold(VIP, record(1), (("h", b"1"),))
    stored = table.get(held_key(ENTRY, 0))
    assert stored is not None
    assert decode_record(stored).record.headers == (("h", b"1"),)


async def test_step_that_lets_a_key_flow_is_taken_with_all_that_is_held(table: MemoryTable) -> None:
    """What is held is no part of the stored state, and comes out all the same."""
    keys = KeptKeys(table)
    park(keys, replace(PARKED, phase=Phase.RELEASING, epoch=1, back=()))
    keys.hold(VIP, record(1), ())
    keys.hold(VIP, record(2), ())
    step = keys.step(ENTRY, lambda state: acknowledge(state, 1, now=3))
    assert step.effects == (Release(0), Release(1))
    assert not keys.hold(VIP, record(3), ())
    assert not keys.kept


async def test_timer_follows_the_state(table: MemoryTable) -> None:
    """A key that waits for a time has one, any other none; a key that is forgotten leaves nothing."""
    keys = KeptKeys(table)
    park(keys)
    times = [keys.deadlines.next]
    keys.step(ENTRY, lambda _: Step(replace(PARKED, back=()), ()))
    times.append(keys.deadlines.next)
    assert times == [50, None]
    keys.step(ENTRY, lambda _: Step(None, ()))
    assert table.get(ENTRY) is None


async def test_record_that_is_kept_alone_keeps_nobody_else(table: MemoryTable) -> None:
    """No other record is of its key."""
    keys = KeptKeys(table)
    keys.step(state_key(VIP, of_one(7)), lambda _: Step(PARKED, ()))
    assert keys.kept == {}
    assert keys.deadlines.next == 50


async def test_record_that_is_not_there_is_no_record(table: MemoryTable) -> None:
    """A table that has lost something is not believed."""
    with pytest.raises(UnreadableState, match="kept record"):
        KeptKeys(table).take(VIP, held_key(ENTRY, 3))


async def test_what_waits_is_counted_also_by_who_opens_the_table(table: MemoryTable) -> None:
    """Keys, and copies that came back or are held; nothing of a key that flows again."""
    keys = KeptKeys(table)
    park(keys)
    keys.keep(VIP, back_key(ENTRY, (0, 1)), record(1))
    keys.hold(VIP, record(2), ())
    alone = state_key("other.v1", of_one(7))
    keys.step(alone, lambda _: Step(PARKED, ()))
    keys.keep("other.v1", back_key(alone, (0, 7)), record(7))
    expected = {VIP: KeptBack(1, 2), "other.v1": KeptBack(1, 1)}
    assert keys.waiting == expected
    later = KeptKeys(table)
    later.resume()
    later.index(ENTRY, VIP, by_key(b"k"), flows=False)
    later.index(alone, "other.v1", of_one(7), flows=False)
    assert later.waiting == expected
    later.take("other.v1", back_key(alone, (0, 7)))
    later.step(alone, lambda _: Step(None, ()))
    assert later.waiting == {VIP: KeptBack(1, 2)}
