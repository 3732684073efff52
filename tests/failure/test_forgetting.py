"""What leaves a lane's table when its topic has forgotten what it is about."""

from __future__ import annotations

import pytest

from router.failure.forgetting import EVERY_MS, Forgetting
from router.failure.ledger import Ledger
from router.failure.parking import KeyState, Phase
from router.failure.stored import by_key, encode_ledger, encode_state, ledger_key, state_key
from router.testing import MemoryBroker, MemoryTable

VIP, ALWAYS = "vip.v1", "always.v1"
DAY = 86_400_000
NOW = 10 * DAY


@pytest.fixture
async def table() -> MemoryTable:
    """A table with nothing in it."""
    broker = MemoryBroker()
    broker.create_topic("changelog", compacted=True)
    table = MemoryTable(broker, changelog="changelog", partition=0)
    await table.restore()
    return table


def state(key: int, *, topic: str = VIP, age: int, phase: Phase = Phase.FLOWING) -> tuple[bytes, bytes]:
    """Return a key's entry, whose last step was so long ago."""
    return state_key(topic, by_key(b"%09d" % key)), encode_state(KeyState(phase=phase, active=NOW - age))


def ledger(offset: int, *, topic: str = VIP, age: int) -> tuple[bytes, bytes]:
    """Return an event's ledger, whose last death was so long ago."""
    return ledger_key(topic, offset), encode_ledger(Ledger().died(topic, "failed", NOW - age))


async def test_what_its_topic_has_forgotten_is_forgotten(table: MemoryTable) -> None:
    """Keys that flow, and ledgers; nothing that waits, nothing younger, and nothing of topics that keep all."""
    old, young = DAY + 1, DAY
    stays = [
        state(1, age=young),
        state(2, age=old, phase=Phase.PARKED),
        state(3, age=old, topic=ALWAYS),
        state(4, age=old, topic="unknown.v1"),
        ledger(1, age=young),
        ledger(2, age=old, topic=ALWAYS),
    ]
    for entry, stored in [*stays, state(5, age=old), ledger(5, age=old)]:
        table.put(entry, stored)
    forgetting = Forgetting(table, {VIP: DAY, ALWAYS: None})
    assert [forgetting.look(NOW) for _ in range(3)] == [True, True, False]
    assert dict(table.scan(b"")) == dict(stays)


async def test_many_are_looked_through_some_at_a_time(table: MemoryTable) -> None:
    """All of them, each once; then not again for a while."""
    for key in range(1_200):
        table.put(*state(key, age=2 * DAY if key % 2 else 0))
    forgetting = Forgetting(table, {VIP: DAY})
    looks = 0
    while forgetting.looks_in(NOW) == 0:
        before = sum(1 for _ in table.scan(b"k"))
        forgetting.look(NOW)
        looks += 1
        assert before - sum(1 for _ in table.scan(b"k")) <= 250
    assert looks == 4
    assert sum(1 for _ in table.scan(b"k")) == 600
    assert forgetting.looks_in(NOW + EVERY_MS - 1_000) == 1
    table.put(*state(1, age=2 * DAY))
    assert not forgetting.look(NOW + EVERY_MS - 1)
    assert forgetting.look(NOW + EVERY_MS)


async def test_topics_that_keep_all_need_no_look(table: MemoryTable) -> None:
    """Nor those of which nobody knows."""
    forgetting = Forgetting(table, {ALWAYS: None})
    assert forgetting.looks_in(NOW) is None
    assert not forgetting.look(NOW)
