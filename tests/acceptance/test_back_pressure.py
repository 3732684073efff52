"""Brokers that do not take copies: the lane says why, holds only so much, and goes on by itself."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.stage import Stage, event
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.worker import Worker

    from router.develop.broker import DevelopmentKafka

pytestmark = pytest.mark.process

NOTE = "n" * 1_000
BUFFER = "8MiB"
HELD = 40 << 20
"""What a worker with such buffers may grow by while nothing is taken of it: they, and what Python needs to fill them."""


def flood(stage: Stage, *, first: int, megabytes: int) -> int:
    """Fill the source with more than a worker may hold; returns the number of the next event."""
    count = megabytes * 1_000
    source = stage.name("@event.v1")
    stage.topics.produce(
        {"topic": source, "partition": number % 2, "key": f"key-{number % 101}", "value": event(number, note=NOTE)}
        for number in range(first, first + count)
    )
    return first + count


def memory(worker: Worker) -> int:
    """Bytes of a worker in memory now."""
    assert worker.process is not None
    status = Path(f"/proc/{worker.process.pid}/status").read_text(encoding="utf-8")
    (line,) = [each for each in status.splitlines() if each.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def highest_memory(worker: Worker, *, seconds: float) -> int:
    """The most that it has within so much time."""
    ends = time.monotonic() + seconds
    seen: list[int] = []

    def over() -> bool:
        seen.append(memory(worker))
        return time.monotonic() > ends

    until(over, within=seconds + 30, what="the time is over", every=0.2)
    return max(seen)


def assert_exact(stage: Stage, count: int) -> None:
    for topic, books in stage.balance(stage.wanted(range(count))).items():
        books.assert_exact(topic)


def test_too_few_replicas_are_named_and_waited_for(
    kafka_cluster: Callable[..., DevelopmentKafka], unique: str, tmp_path: Path
) -> None:
    """Longer than a transaction lasts: it is aborted, begun again, and nothing is copied twice."""
    kafka = kafka_cluster(brokers=3)
    stage = Stage(bootstrap=kafka.bootstrap, word=unique, home=tmp_path / "stage")
    try:
        stage.coloured()
        red = stage.name("@red.event.v1")
        stage.topics.drop(red)
        # One replica less than the others, and all of them must be in sync.
        stage.create("@red.event.v1", partitions=2, replicas=2, min_insync_replicas="2")
        worker = stage.worker(buffer_bytes=BUFFER, transaction_timeout="10s", session_timeout="10s").until_ready(
            lanes=2
        )
        stage.feed(400)
        stage.until_routed()
        # An offset can be seen before its transaction has ended everywhere; that end, too, would need both replicas.
        until(lambda: not stage.topics.hanging(red), within=30, what="the last transaction has ended")
        leader, follower = stage.topics.replicas(red, 0)
        (node,) = [each for each in kafka.nodes if each.number == follower]
        node.kill()
        # They would go on asking the one that is gone.
        stage.topics.close()
        until(lambda: stage.topics.replicas_in_sync(red, 0) == [leader], within=30, what="the other is alone")
        before = memory(worker)
        # Red events are all in the first of the two partitions.
        stage.feed(400, first=400)
        problem = worker.until_problem("not-enough-replicas", within=60)
        assert (problem["topic"], problem["partition"], problem["state"]) == (stage.name("@event.v1"), 0, "waiting")
        assert f"{red}/0" in problem["message"]
        assert "min.insync.replicas" in problem["message"]
        assert worker.metric("router_lanes", source=stage.name("@event.v1"), state="waiting") == 1
        count = flood(stage, first=800, megabytes=60)
        grown = highest_memory(worker, seconds=8) - before
        print(f"\nwhile it waited for replicas the worker grew by {grown / 1e6:.0f} MB")
        assert grown < HELD
        # The transaction has run out, and its end cannot be told to the broker that lacks replicas.
        problem = worker.until_problem("transaction-ending", within=30)
        assert (problem["topic"], problem["partition"]) == (stage.name("@event.v1"), 0)
        node.start()
        stage.until_routed(within=90)
        worker.until_ready(lanes=2)
        assert_exact(stage, count)
    finally:
        stage.end()


def test_a_broker_that_stops_is_waited_for(
    kafka_cluster: Callable[..., DevelopmentKafka], unique: str, tmp_path: Path
) -> None:
    """It takes nothing and says nothing; when it goes on, so does the worker."""
    kafka = kafka_cluster(brokers=1)
    stage = Stage(bootstrap=kafka.bootstrap, word=unique, home=tmp_path / "stage")
    try:
        stage.coloured()
        worker = stage.worker(buffer_bytes=BUFFER, session_timeout="30s").until_ready(lanes=2)
        count = flood(stage, first=0, megabytes=60)
        until(
            lambda: any(stage.topics.committed(stage.group, stage.name("@event.v1")).values()),
            within=30,
            what="it works",
        )
        kafka.nodes[0].pause()
        before = memory(worker)
        problem = worker.until_problem("broker-unavailable", within=40)
        assert problem["what_to_do"]
        grown = highest_memory(worker, seconds=5) - before
        print(f"\nwhile its broker was stopped the worker grew by {grown / 1e6:.0f} MB")
        assert grown < HELD
        kafka.nodes[0].resume()
        stage.until_routed(within=90)
        worker.until_ready(lanes=2)
        assert_exact(stage, count)
    finally:
        stage.end()


def test_leaders_that_move_are_followed(
    kafka_cluster: Callable[..., DevelopmentKafka], unique: str, tmp_path: Path
) -> None:
    """A broker of three is killed: others take over what it led, and the lanes find them by themselves."""
    kafka = kafka_cluster(brokers=3)
    stage = Stage(bootstrap=kafka.bootstrap, word=unique, home=tmp_path / "stage")
    try:
        stage.coloured()
        worker = stage.worker(session_timeout="10s").until_ready(lanes=2)
        count = 400
        stage.feed(count)
        stage.until_routed()
        leader = stage.topics.leader(stage.name("@red.event.v1"), 0)
        (node,) = [each for each in kafka.nodes if each.number == leader]
        node.kill()
        stopped = time.monotonic()
        stage.feed(400, first=count)
        # They would go on asking the one that is gone.
        stage.topics.close()
        stage.until_routed(within=90)
        print(f"\nall was routed {time.monotonic() - stopped:.1f} s after broker {leader} of three was killed")
        assert worker.running
        node.start()
        worker.until_ready(lanes=2)
        assert_exact(stage, count + 400)
    finally:
        stage.end()
