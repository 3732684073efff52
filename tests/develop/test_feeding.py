"""The feed on a real Kafka, and reading it back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from router.develop.encoding import shop_encoders
from router.develop.feed import FeedEvent, Mischief, events
from router.develop.feeding import Feeder
from router.develop.topics import TopicSpec, ensure_topics
from router.develop.watching import KafkaWatch

Names = Callable[[str], str]
ENCODERS = shop_encoders(Path(__file__).parents[2] / "schemas")
START = 1_767_225_600_000


@pytest.fixture
def records(kafka: str, topic_names: Names) -> list[FeedEvent]:
    """A short feed into topics of this test's own."""
    found = [
        replace(each, topic=topic_names(each.topic))
        for each in events(seed=1, orders=60, start=START, encoders=ENCODERS)
    ]
    ensure_topics(kafka, [TopicSpec(topic, partitions=3) for topic in sorted({each.topic for each in found})])
    return found


def new_feeder(kafka: str, records: list[FeedEvent], *, rate: float = 0) -> Feeder:
    """Return a feeder whose books have each record under its own topic, as if nothing were routed."""
    return Feeder(kafka, records, rate=rate, expect=lambda record: (record.topic,))


def test_what_was_fed_is_what_can_be_read(kafka: str, records: list[FeedEvent]) -> None:
    """Every byte that the books know of is there: keys, null and empty values, times and headers."""
    watch = KafkaWatch(kafka)
    partitions = watch.partitions({each.topic for each in records})
    since = watch.ends(partitions)
    feeder = new_feeder(kafka, records)
    feeder.start()
    feeder.join(within=30)
    assert feeder.ended()
    assert sum(feeder.fed.values()) == len(records)
    assert feeder.mischief[Mischief.TOMBSTONE] == 2
    tallies = watch.tallies(since)
    assert tallies == feeder.expected.tallies
    assert {topic: tally.count for topic, tally in tallies.items()} == feeder.fed
    assert watch.tallies(watch.ends(partitions)) == {}


def test_a_feed_keeps_its_rate_and_stops_when_told(kafka: str, records: list[FeedEvent]) -> None:
    """At a hundred records a second, what comes is bounded by the time it took, and ends when told."""
    feeder = new_feeder(kafka, records, rate=100)
    begun = time.monotonic()
    feeder.start()
    feeder.join(within=0.5)
    feeder.stop()
    feeder.join(within=10)
    took = time.monotonic() - begun
    assert feeder.ended()
    assert 1 <= sum(feeder.fed.values()) <= 100 * took + 2


def test_times_are_never_ahead_of_the_clock(kafka: str, records: list[FeedEvent]) -> None:
    """A record from the story's future is stamped with now, which a broker takes."""
    future = replace(records[0], timestamp=int(time.time() * 1000) + 86_400_000)
    watch = KafkaWatch(kafka)
    since = watch.ends(watch.partitions([future.topic]))
    feeder = new_feeder(kafka, [future])
    feeder.start()
    feeder.join(within=30)
    assert feeder.ended()
    assert watch.tallies(since)[future.topic].count == 1


def test_a_fault_of_the_feed_is_not_silent(kafka: str, records: list[FeedEvent]) -> None:
    """What the feed's thread dies of reaches whoever looks."""
    feeder = Feeder(kafka, records[:1], rate=0, expect=lambda record: (record.facts["no such field"],))
    feeder.start()
    feeder.join(within=30)
    with pytest.raises(KeyError, match="no such field"):
        feeder.ended()
