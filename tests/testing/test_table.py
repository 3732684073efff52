"""The table in memory, where it does more than its port asks: a disk that outlives it."""

from __future__ import annotations

import pytest

from router.errors import BrokerUnavailable
from router.lanes.batch import SourcePartition
from router.testing import BrokerAway, MemoryBroker, MemoryDisk, MemoryTable

LOG = "router-order-changelog"


@pytest.fixture
def broker() -> MemoryBroker:
    broker = MemoryBroker()
    broker.create_topic(LOG, partitions=2, compacted=True)
    return broker


async def restored(broker: MemoryBroker, disk: MemoryDisk | None = None) -> MemoryTable:
    table = MemoryTable(broker, changelog=LOG, partition=1, disk=disk)
    await table.restore()
    return table


async def test_disk_outlives_its_table(broker: MemoryBroker) -> None:
    """What was committed on it is there for the next one, which reads no more of the changelog than is new."""
    table = await restored(broker)
    table.put(b"a", b"1")
    table.take_changes()
    table.committed(source=7, changelog=0)
    broker.publish(LOG, key=b"b", value=b"2", partition=1)
    again = await restored(broker, table.disk)
    assert dict(again.scan(b"")) == {b"a": b"1", b"b": b"2"}
    assert (again.disk.source, again.disk.changelog, again.restored) == (7, 1, 1)


async def test_copied_disk_stays_as_it_was(broker: MemoryBroker) -> None:
    """So a test can take a worker back to an earlier disk."""
    table = await restored(broker)
    before = table.disk.copy()
    table.put(b"a", b"1")
    table.take_changes()
    table.committed(source=1, changelog=1)
    assert (before.entries, before.changelog, before.source) == ({}, 0, 0)


async def test_changelog_that_was_created_anew_empties_the_disk(broker: MemoryBroker) -> None:
    """A disk that is ahead of the log is of another log."""
    table = await restored(broker, MemoryDisk({b"old": b"1"}, changelog=5, source=9))
    assert list(table.scan(b"")) == []


async def test_what_retention_removed_is_not_looked_for(broker: MemoryBroker) -> None:
    """A log may begin behind the disk."""
    for number in range(3):
        broker.publish(LOG, key=b"k", value=b"%d" % number, partition=1)
    broker.expire(SourcePartition(LOG, 1), before=2)
    table = await restored(broker)
    assert table.get(b"k") == b"2"


async def test_restoring_needs_the_broker(broker: MemoryBroker) -> None:
    """While it is away, restoring fails as a real one would."""
    broker.suffer(BrokerAway(5.0))
    with pytest.raises(BrokerUnavailable):
        await restored(broker)


async def test_table_is_of_no_use_before_it_is_restored(broker: MemoryBroker) -> None:
    """Neither a new one nor one that was discarded."""
    table = MemoryTable(broker, changelog=LOG, partition=0)
    with pytest.raises(AssertionError):
        table.get(b"a")
    await table.restore()
    table.discard()
    with pytest.raises(AssertionError):
        table.put(b"a", b"1")
