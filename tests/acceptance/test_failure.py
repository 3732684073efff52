"""A consumer that cannot process some records: retried, waited for, set aside; workers and consumers killed in between."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from support.rejecting import Processed, RejectingConsumer
from support.stage import Stage, event
from support.waiting import until

from router.failure.ledger import ledger_of
from router.language.topics import changelog_of
from router.records.record import PlainRecord

pytestmark = pytest.mark.process

PARTITIONS = 2
ROUTES = """
version: 1
team: shop
exchanges:
  events: {type: topic, sources: [@event.v1], routing-key: "{colour}"}
topics:
  @all.event.v1: {from: [{exchange: events}]}
  @vip.event.v1:
    failure: {retry: [500ms, 1s], then: dead-letter}
    from: [{exchange: events}]
"""
VIP, ALL = "@vip.event.v1", "@all.event.v1"


@dataclass
class Shop:
    """A topic whose consumer rejects; the world of these tests."""

    stage: Stage
    failures: dict[bytes, int] = field(default_factory=dict)
    """By value, how often its consumer still fails on it."""
    looked_at: list[Processed] = field(default_factory=list)
    """By all consumers, one after the other."""

    def __post_init__(self) -> None:
        stage = self.stage
        stage.routes(shop=ROUTES)
        stage.create("@event.v1", "@event.v1.unroutable", "@event.v1.dead-letters", VIP, ALL, partitions=PARTITIONS)
        stage.create(f"{VIP}.rejected", f"{VIP}.dead-letters", partitions=PARTITIONS)
        stage.create(f"{VIP}.parked", partitions=PARTITIONS, cleanup_policy="compact")
        stage.topics.create(
            changelog_of(stage.group, stage.name("@event.v1")), partitions=PARTITIONS, cleanup_policy="compact"
        )
        self.consumer = self._new_consumer()

    def _new_consumer(self) -> RejectingConsumer:
        made = RejectingConsumer(self.stage.bootstrap, self.stage.name(VIP), partitions=PARTITIONS, fails=self._fails)
        made.looked_at = self.looked_at
        return made

    def _fails(self, record: PlainRecord) -> bool:
        left = self.failures.get(record.value or b"", 0)
        self.failures[record.value or b""] = left - 1
        return left > 0

    def restart_consumer(self) -> None:
        """Another takes its place."""
        self.consumer.end()
        self.consumer = self._new_consumer()

    def produce(self, *numbers: int) -> None:
        """Produce events: of the key that is the last digit of the number."""
        name = self.stage.name("@event.v1")
        self.stage.topics.produce(
            {"topic": name, "key": key_of(number), "value": event(number), "partition": number % 10 % PARTITIONS}
            for number in numbers
        )

    def until(self, met: Callable[[], bool], *, within: float = 40.0, what: str) -> None:
        """Let the consumer go on until this is so."""

        def turned() -> bool:
            self.consumer.turn()
            return met()

        until(turned, within=within, what=lambda: f"{what}; processed {self.processed()}", every=0.01)

    def go_on(self, seconds: float) -> None:
        """Let the consumer go on for so long."""
        ends = time.monotonic() + seconds
        self.until(lambda: time.monotonic() > ends, what="some time has passed")

    def delays(self) -> list[int]:
        """Milliseconds from each rejection of a record that failed to the release mark that followed it."""
        failed = [
            copy.timestamp
            for log in self.stage.read(f"{VIP}.rejected")
            for copy in log
            if copy.header("router-reason") == b"failed"
        ]
        marks = [copy.timestamp for log in self.stage.read(VIP) for copy in log if copy.header("router-release")]
        return [mark - died for died, mark in zip(sorted(failed), sorted(marks), strict=True)]

    def processed(self) -> dict[bytes, list[int]]:
        """By key, the events that were processed, in their order."""
        found: dict[bytes, list[int]] = defaultdict(list)
        for each in self.looked_at:
            if not each.failed:
                found[each.key or b""].append(number_of(each.value))
        return found

    def tries(self, number: int) -> list[float]:
        """When the consumer looked at an event."""
        return [each.at for each in self.looked_at if number_of(each.value) == number]

    def has(self, *numbers: int) -> Callable[[], bool]:
        """Whether all of these were processed."""
        return lambda: set(numbers) <= {number for found in self.processed().values() for number in found}


def key_of(number: int) -> bytes:
    """The key of an event."""
    return b"key-%d" % (number % 10)


VALUES = {event(number): number for number in range(2_000)}


def number_of(value: bytes | None) -> int:
    """The number of an event."""
    return VALUES[value or b""]


def in_order(found: list[int]) -> bool:
    """Whether each event came once, and behind those before it."""
    return found == sorted(set(found))


def test_rejected_record_is_retried_and_its_key_waits(stage: Stage) -> None:
    """After its delays; what follows of its key comes behind it, in order, and no other key waits for it."""
    shop = Shop(stage)
    shop.failures[event(3)] = 2
    worker = stage.worker().until_ready(lanes=PARTITIONS)
    shop.produce(*range(30))
    shop.until(lambda: len(shop.tries(3)) == 1, what="it has failed")
    shop.produce(*range(30, 60))
    others = [number for number in range(60) if number % 10 != 3]
    shop.until(shop.has(*others), what="all other keys have come")
    assert len(shop.tries(3)) < 3, "other keys waited"
    shop.until(shop.has(*range(60)), what="all have come")
    worker.terminate()
    assert all(in_order(found) for found in shop.processed().values())
    assert shop.processed()[b"key-3"] == [3, 13, 23, 33, 43, 53]
    first, second, third = shop.tries(3)
    assert second - first >= 0.5
    assert third - second >= 1.0
    # By the broker's clock: from when a rejection was written to when the lane had written the mark.
    delays = shop.delays()
    assert len(delays) == 2
    assert 500 <= delays[0] < 2_000
    assert 1_000 <= delays[1] < 2_500
    assert {number_of(copy.value) for log in stage.read(ALL) for copy in log} == set(range(60))
    assert not any(stage.read(f"{VIP}.dead-letters"))


def test_record_that_fails_for_good_becomes_a_dead_letter_with_its_ledger(stage: Stage) -> None:
    """With the event's bytes and how often it died; its key flows on behind it."""
    shop = Shop(stage)
    shop.failures[event(4)] = 1_000
    stage.worker().until_ready(lanes=PARTITIONS)
    shop.produce(*range(30))
    shop.until(shop.has(*(number for number in range(30) if number != 4)), what="all but one have come")
    (letter,) = [copy for log in stage.read(f"{VIP}.dead-letters") for copy in log]
    assert (letter.key, letter.value) == (b"key-4", event(4))
    (entry,) = ledger_of(letter.headers).entries
    assert (entry.destination, entry.reason, entry.count) == (stage.name(VIP), "failed", 3)
    assert entry.last - entry.first >= 1_500
    assert letter.header("router-error") == b"integer out of range"
    assert shop.processed()[b"key-4"] == [14, 24]


def test_killed_workers_and_consumers_lose_nothing(stage: Stage) -> None:
    """Killed while keys are parked, while they are released, and while records are held."""
    shop = Shop(stage)
    failing = [number for number in range(200) if number % 17 == 5]
    for_good = failing[::3]
    shop.failures |= {event(number): 1_000 if number in for_good else 1 + number % 2 for number in failing}
    worker = stage.worker(standbys="0").until_ready(lanes=PARTITIONS)
    begun = time.monotonic()
    for first in range(0, 200, 50):
        shop.produce(*range(first, first + 50))
        shop.go_on(0.5)
        if first % 100 == 0:
            worker.kill()
            worker.start()
        else:
            shop.restart_consumer()
    shop.until(
        shop.has(*(number for number in range(200) if number not in for_good)),
        within=120,
        what="all but the dead have come",
    )
    letters = [copy for log in stage.read(f"{VIP}.dead-letters") for copy in log]
    assert sorted(number_of(letter.value) for letter in letters) == for_good
    assert {ledger_of(letter.headers).count(stage.name(VIP)) for letter in letters} == {3}
    assert [key for key, found in shop.processed().items() if not in_order(found)] == []
    assert sorted(number for found in shop.processed().values() for number in found) == [
        number for number in range(200) if number not in for_good
    ]
    assert time.monotonic() - begun < 150
