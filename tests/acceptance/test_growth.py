"""Broad topics grow while workers run: a new topic, new partitions. They are taken up soon, and nothing is passed over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.stage import event
from support.waiting import until

if TYPE_CHECKING:
    from support.stage import Stage

pytestmark = pytest.mark.process

WITHIN = 5.0
"""Seconds on a machine with other work to do; on one that is idle it is less than two."""

# The second topic is of the same subject, and declared before it is there.
ROUTES = """
version: 1
team: painters
exchanges:
  colours: {type: topic, sources: [@event.v1, @late.event.v1], routing-key: "{colour}"}
topics:
  @all.event.v1: {from: [{exchange: colours}]}
"""


def set_up(stage: Stage) -> None:
    stage.routes(painters=ROUTES)
    stage.create("@event.v1", "@event.v1.unroutable", "@event.v1.dead-letters", "@all.event.v1", partitions=2)
    stage.create("@late.event.v1.unroutable", "@late.event.v1.dead-letters", partitions=2)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_topic_that_is_created_at_run_time_is_routed_within_seconds(stage: Stage, workers: int) -> None:
    """Although every worker was already running, and the group has to deal anew."""
    set_up(stage)
    running = [stage.worker(session_timeout="10s") for _ in range(workers)]
    until(
        lambda: sum(worker.readiness().get("carrying", 0) for worker in running) == 2,
        within=60,
        what="both lanes carry",
    )
    stage.feed(20)
    stage.until_routed()
    stage.create("@late.event.v1", partitions=2)
    created = time.monotonic()
    record = {"topic": stage.name("@late.event.v1"), "partition": 1, "key": b"k", "value": event(1)}
    stage.topics.produce([record])
    until(lambda: not stage.behind("@late.event.v1"), within=40, what=lambda: f"it is routed; {running[0].tail()}")
    took = time.monotonic() - created
    print(f"\na new topic was routed {took:.2f} s after it was created, with {workers} workers")
    assert took <= WITHIN
    (copies,) = [
        [copy for copy in log if b"late" in (copy.header("router-origin") or b"")]
        for log in stage.read("@all.event.v1")[1:]
    ]
    assert [copy.origin for copy in copies] == [(1, 0)]


@pytest.mark.parametrize("workers", [1, 2])
def test_partitions_that_are_added_are_read_from_their_start(stage: Stage, workers: int) -> None:
    """Also what was written to them before any worker knew of them."""
    stage.coloured()
    source = stage.name("@event.v1")
    running = [stage.worker(session_timeout="10s") for _ in range(workers)]
    until(
        lambda: sum(worker.readiness().get("carrying", 0) for worker in running) == 2,
        within=60,
        what="both lanes carry",
    )
    stage.feed(200)
    stage.until_routed()
    stage.topics.grow(source, 4)
    grown = time.monotonic()
    stage.topics.produce(
        {"topic": source, "partition": number % 4, "key": b"k", "value": event(number)} for number in range(200, 600)
    )
    stage.until_routed()
    took = time.monotonic() - grown
    print(f"\nnew partitions were routed {took:.2f} s after they were added, with {workers} workers")
    assert took <= WITHIN
    places = sorted(copy.origin for log in stage.read("@all.event.v1") for copy in log)
    assert places == [(part, n) for part in range(4) for n in range(200 if part < 2 else 100)]
