"""Offsets that are not one after another, and offsets that are not in the log at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.books import balance
from support.stage import event
from support.waiting import until

if TYPE_CHECKING:
    from support.stage import Stage

pytestmark = pytest.mark.process


def test_aborted_transactions_are_not_copied(stage: Stage) -> None:
    """Nor do their markers, or a log that ends with one, hold anything up."""
    stage.coloured(partitions=1)
    worker = stage.worker(fetch_records="5")
    producer = stage.topics.producer(**{"transactional.id": stage.group})
    producer.init_transactions(20)
    for transaction in range(12):
        producer.begin_transaction()
        for number in range(10):
            producer.produce(stage.name("@event.v1"), key=b"k", value=event(transaction * 10 + number), partition=0)
        producer.flush(20)
        if transaction % 3 == 2:
            producer.abort_transaction(20)
        else:
            producer.commit_transaction(20)
    stage.until_routed()
    # Each transaction takes eleven offsets, its marker included.
    committed = [(0, t * 11 + n) for t in range(12) if t % 3 != 2 for n in range(10)]
    balance(committed, stage.read("@all.event.v1")).assert_exact("all")
    assert (worker.metric("router_lane_errors_total", source=stage.name("@event.v1"), reason="gap") or 0) == 0


def test_a_compacted_source_is_read_to_its_end(stage: Stage) -> None:
    """The holes that compaction leaves are no gaps."""
    stage.coloured(partitions=1)
    source = stage.name("@event.v1")
    stage.topics.drop(source)
    stage.create("@event.v1", partitions=1, cleanup_policy="compact", segment_ms="100", min_cleanable_dirty_ratio="0.01",
                 max_compaction_lag_ms="100")  # fmt: skip
    # Its cleaner rests for 15 s otherwise.
    stage.topics.configure_brokers(log_cleaner_backoff_ms="500")
    number = 0

    def compacted() -> bool:
        # Each round closes the segment before it, which may then be cleaned. Every tenth record stays: so there are holes.
        nonlocal number
        stage.topics.produce(
            {
                "topic": source, "partition": 0, "value": event(each),
                "key": f"kept-{each}" if each % 10 == 0 else f"key-{each % 7}",
            }
            for each in range(number, number + 20)
        )  # fmt: skip
        number += 20
        return len(stage.read("@event.v1")[0]) < number - 40

    until(compacted, within=60, what="the log is compacted", every=0.5)
    stage.worker(fetch_records="3").until_ready()
    stage.until_routed()
    places = [(0, each.offset) for each in stage.read("@event.v1")[0]]
    found = stage.read("@all.event.v1")
    books = balance(places, found)
    # What was copied and compacted away since is no stranger.
    assert (books.missing, books.disorder, books.duplicates) == ([], [], 0)


@pytest.mark.parametrize("way", ["truncated", "beyond the end"])
def test_a_lane_whose_offset_is_not_in_the_log_stands_still(stage: Stage, way: str) -> None:
    """What to do about lost records is for people to say; other partitions flow meanwhile."""
    stage.coloured()
    source = stage.name("@event.v1")
    worker = stage.worker().until_ready(lanes=2)
    stage.feed(40)
    stage.until_routed()
    assert worker.terminate() == 0
    wanted = stage.feed(400, first=40)
    if way == "truncated":
        stage.topics.truncate(source, 0, 100)
    else:
        stage.topics.commit(stage.group, source, 0, 5_000)
    worker.start()
    problem = worker.until_problem("offset-out-of-range", within=40)
    assert (problem["topic"], problem["partition"]) == (source, 0)
    until(lambda: list(stage.behind()) == [(source, 0)], within=20, what="the other partition is done")
    assert worker.terminate() == 0
    # Somebody decides; then it goes on.
    stage.topics.commit(stage.group, source, 0, 150)
    worker.start()
    stage.until_routed()
    wanted["all"] = sorted([*wanted["all"], *stage.wanted(range(40))["all"]])
    books = balance(
        [place for place in wanted["all"] if place[0] == 1 or not 20 <= place[1] < 150], stage.read("@all.event.v1")
    )
    books.assert_exact("all")


def test_records_that_vanish_under_a_running_worker_are_not_passed_over(stage: Stage) -> None:
    """Retention that overtakes a worker is no silent loss: the lane stands still and says so."""
    stage.coloured(partitions=1)
    source = stage.name("@event.v1")
    worker = stage.worker(fetch_records="10", session_timeout="30s").until_ready()
    stage.feed(40, partitions=1)
    stage.until_routed()
    worker.pause()
    # More than the fetch that is under way can have brought.
    stage.topics.produce(
        {"topic": source, "partition": 0, "key": b"k", "value": event(n, note="n" * 900_000)} for n in range(40)
    )
    stage.topics.truncate(source, 0, 79)
    worker.resume()
    problem = worker.until_problem("offset-out-of-range", within=40)
    assert problem["topic"] == source
    copied = {copy.origin[1] for found in stage.read("@all.event.v1") for copy in found}
    assert 79 not in copied


def test_a_worker_that_only_stands_still_stays_in_its_group(stage: Stage) -> None:
    """It fetches nothing for longer than the poll interval, and is not hung: outside the group nobody would see what is wrong."""
    stage.coloured(partitions=1)
    source = stage.name("@event.v1")
    stage.topics.commit(stage.group, source, 0, 5_000)
    worker = stage.worker(app=stage.impatient_app(1.0))
    worker.until_problem("offset-out-of-range", within=40)
    until(
        lambda: (worker.metric("router_lane_errors_total", source=source, reason="offset-out-of-range") or 0) >= 8,
        within=30,
        what=lambda: f"the lane looks again for several seconds; {worker.tail()}",
    )
    worker.until_problem("offset-out-of-range")


@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
def test_a_lane_told_to_go_on_says_what_is_lost(stage: Stage, guarantee: str) -> None:
    """Counted, and one dead letter with the first and the last offset; everything that is left is copied."""
    stage.coloured()
    source = stage.name("@event.v1")
    worker = stage.worker(offset_lost="earliest", guarantee=guarantee).until_ready(lanes=2)
    stage.feed(40)
    stage.until_routed()
    assert worker.terminate() == 0
    stage.feed(400, first=40)
    stage.topics.truncate(source, 0, 100)
    worker.start()
    stage.until_routed()
    worker.until_ready(lanes=2)
    ((letter,), _) = stage.read("@event.v1.dead-letters")
    assert (letter.key, letter.value, letter.origin) == (None, None, (0, 20))
    assert (letter.header("router-reason"), letter.header("router-lost")) == (b"offsets-lost", b"20-99")
    assert worker.metric("router_records_lost_total", source=source) == 80
    places = [(part, n) for part in (0, 1) for n in range(220) if part == 1 or not 20 <= n < 100]
    balance(places, stage.read("@all.event.v1")).assert_exact("all")


def test_a_topic_that_is_created_anew_is_read_from_its_start(stage: Stage) -> None:
    """Kafka forgets the group's offsets with the topic; nothing of the new one is passed over, under a running worker either."""
    stage.coloured(partitions=1)
    source = stage.name("@event.v1")
    worker = stage.worker().until_ready()
    stage.feed(60, partitions=1)
    stage.until_routed()
    stage.topics.drop(source)
    worker.until_problem("source-unavailable", within=40)
    stage.create("@event.v1", partitions=1)
    stage.feed(20, partitions=1)
    stage.until_routed()
    worker.until_ready()
    found = [copy.origin[1] for copy in stage.read("@all.event.v1")[0]]
    assert found == [*range(60), *range(20)]


@pytest.mark.parametrize("policy", ["stop", "earliest"])
def test_a_topic_that_is_created_anew_at_once_is_noticed_by_its_end(stage: Stage, policy: str) -> None:
    """Where the group's offset has outlived the topic it lies beyond the end: the lane says what that means, or goes on."""
    stage.coloured(partitions=1)
    source = stage.name("@event.v1")
    worker = stage.worker(offset_lost=policy).until_ready()
    stage.feed(60, partitions=1)
    stage.until_routed()
    assert worker.terminate() == 0
    stage.topics.drop(source)
    stage.create("@event.v1", partitions=1)
    # As where offsets are kept elsewhere, or come back from a mirrored cluster.
    stage.topics.commit(stage.group, source, 0, 60)
    stage.feed(20, partitions=1)
    worker.start()
    if policy == "stop":
        problem = worker.until_problem("offset-out-of-range", within=40)
        assert "created anew" in problem["message"]
        assert "ROUTER_OFFSET_LOST" in problem["message"]
        assert len(stage.read("@all.event.v1")[0]) == 60
        return
    stage.until_routed()
    found = [copy.origin[1] for copy in stage.read("@all.event.v1")[0]]
    assert found == [*range(60), *range(20)]
    ((letter,),) = stage.read("@event.v1.dead-letters")
    assert letter.header("router-reason") == b"offsets-lost"
    assert letter.header("router-lost") is None
