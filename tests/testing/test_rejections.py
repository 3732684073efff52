"""A feed of rejections in memory."""

from __future__ import annotations

from collections.abc import Sequence

from router.lanes.batch import SourcePartition
from router.records.record import Record
from router.testing import BrokerAway, MemoryBroker
from router.testing.rejections import MemoryRejections


class Sink:
    """Remembers what came."""

    def __init__(self) -> None:
        self.full = False
        self.values: list[bytes | None] = []
        self.position = -1

    def came(self, topic: str, records: Sequence[Record], position: int) -> None:
        """See RejectionSink."""
        self.values += [each.value for each in records]
        self.position = position


def broker() -> MemoryBroker:
    """Return a broker with four rejections."""
    made = MemoryBroker()
    made.create_topic("t.rejected")
    for number in range(4):
        made.publish("t.rejected", value=b"%d" % number)
    return made


def test_feed_goes_on_where_it_is_told() -> None:
    """And hands out each record once, until nobody wants any."""
    given, sink = broker(), Sink()
    feed = MemoryRejections(given)
    leave = feed.follow(0, {"t.rejected": 1, "missing.rejected": 0}, sink)
    assert (feed.look(2), feed.look(2), feed.look(2)) == (True, True, False)
    assert (sink.values, sink.position) == ([b"1", b"2", b"3"], 4)
    given.publish("t.rejected", value=b"4")
    leave()
    leave()
    assert not feed.look()


def test_feed_waits_for_who_is_full_and_for_the_broker() -> None:
    """Nothing is handed out that nobody can take, or that nobody could have fetched."""
    given, sink = broker(), Sink()
    feed = MemoryRejections(given)
    feed.follow(0, {"t.rejected": 0}, sink)
    sink.full = True
    assert not feed.look()
    sink.full = False
    feed.room()
    fault = given.suffer(BrokerAway(5))
    assert not feed.look()
    given.heal(fault)
    assert feed.look()


def test_feed_begins_at_the_log_where_retention_has_passed() -> None:
    """What is gone cannot be read; what is left is."""
    given, sink = broker(), Sink()
    given.expire(SourcePartition("t.rejected", 0), before=3)
    feed = MemoryRejections(given)
    feed.follow(0, {"t.rejected": 0}, sink)
    feed.look()
    assert sink.values == [b"3"]
