"""Workers of one group share the partitions, and hand them over without a loss or, where they leave in peace, a duplicate."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.stream import Stream
from support.waiting import until

if TYPE_CHECKING:
    from support.stage import Stage
    from support.worker import Worker

pytestmark = pytest.mark.process

PARTITIONS = 6


def lanes(worker: Worker) -> int:
    """How many lanes a worker has while it is ready."""
    readiness = worker.readiness()
    return readiness["lanes"] if readiness.get("status") == 200 else -1


def test_workers_come_and_go_in_peace_without_loss_or_duplicate(stage: Stage) -> None:
    """Two share the partitions, a third joins, the first leaves by SIGTERM: all mid-stream, each record copied once."""
    stage.coloured(partitions=PARTITIONS)
    first, second = (stage.worker(fetch_records="50") for _ in range(2))
    until(lambda: {lanes(first), lanes(second)} == {3}, within=40, what=lambda: f"3 lanes each; {second.tail()}")
    with Stream(stage, partitions=PARTITIONS, at_once=600) as stream:
        until(lambda: stream.count, within=20, what="something is fed")
        third = stage.worker(fetch_records="50")
        until(
            lambda: [lanes(each) for each in (first, second, third)] == [2, 2, 2],
            within=40,
            what=lambda: f"2 lanes each; {third.tail()}",
        )
        assert first.terminate() == 0
        until(lambda: {lanes(second), lanes(third)} == {3}, within=40, what=lambda: f"3 lanes each; {third.tail()}")
    stage.until_routed()
    for topic, books in stage.balance(stream.wanted).items():
        books.assert_exact(topic)


def test_a_killed_workers_partitions_go_to_the_others(stage: Stage) -> None:
    """After the session timeout; what was under way is there at least once."""
    stage.coloured(partitions=PARTITIONS)
    one, other = (stage.worker(fetch_records="20") for _ in range(2))
    until(lambda: {lanes(one), lanes(other)} == {3}, within=40, what=lambda: f"3 lanes each; {other.tail()}")
    with Stream(stage, partitions=PARTITIONS, at_once=600) as stream:
        stream.until_routing()
        one.kill()
        until(stage.behind, within=10, what="the kill falls into the middle of the work")
    stage.until_routed()
    for topic, books in stage.balance(stream.wanted).items():
        books.assert_whole(topic)
    assert lanes(other) == PARTITIONS


def test_a_worker_without_partitions_takes_over(stage: Stage) -> None:
    """A spare fetches nothing, however long; it is ready all the same, and must still be there when it is needed."""
    stage.coloured(partitions=1)
    workers = [stage.worker(app=stage.impatient_app(2.0)).until_ready(lanes=0) for _ in range(2)]
    stage.feed(4, partitions=1)
    since = time.monotonic()
    until(
        lambda: time.monotonic() > since + 3, within=5, what="the spare fetched nothing for more than the poll interval"
    )
    until(
        lambda: sorted(map(lanes, workers)) == [0, 1], within=20, what=lambda: f"one has the lane: {workers[1].tail()}"
    )
    max(workers, key=lanes).kill()
    stage.feed(40, partitions=1, first=4)
    stage.until_routed()
    wanted = stage.wanted(range(44), partitions=1)
    for topic, books in stage.balance(wanted).items():
        books.assert_whole(topic)
