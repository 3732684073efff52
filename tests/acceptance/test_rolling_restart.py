"""A rolling restart under load: no partition pauses for long, nothing is lost, nothing is copied twice."""

from __future__ import annotations

import itertools
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
LONGEST = 5.0
"""Seconds that a key may wait in a rolling restart."""


def lanes(worker: Worker) -> int:
    readiness = worker.readiness()
    return readiness["lanes"] if readiness.get("status") == 200 else -1


def both_carry(first: Worker, second: Worker) -> None:
    until(lambda: (lanes(first), lanes(second)) == (3, 3), within=60, what=lambda: f"3 lanes each; {second.tail()}")


def pauses(stage: Stage) -> dict[int, float]:
    """By source partition, the longest time between two copies, by the broker's clock."""
    found = {}
    for number, log in enumerate(stage.read("@all.event.v1")):
        times = [copy.timestamp for copy in log]
        found[number] = max(b - a for a, b in itertools.pairwise(times)) / 1000
    return found


def rebalances(worker: Worker) -> float:
    (line,) = [each for each in worker.get("/metrics")[1].splitlines() if each.startswith("router_rebalances_total ")]
    return float(line.split()[1])


@pytest.mark.parametrize("static", ["off", "on"], ids=["members-come-and-go", "static-members"])
def test_a_rolling_restart_pauses_no_partition_for_long(stage: Stage, static: str) -> None:
    """Each worker is ended by SIGTERM and started again; a static one's partitions wait for it, and the others' for nobody."""
    stage.coloured(partitions=PARTITIONS)
    stage.topics.configure(stage.name("@all.event.v1"), message_timestamp_type="LogAppendTime")
    # A static member that is away for longer than its session is given up: a busy machine may take long to start it.
    session = "30s" if static == "on" else "10s"
    workers = [stage.worker(session_timeout=session, static_membership=static) for _ in range(2)]
    both_carry(*workers)
    with Stream(stage, partitions=PARTITIONS, at_once=10 * PARTITIONS, pause=0.05) as stream:
        until(lambda: stream.count > 600, within=30, what="something is fed")
        for worker, other in (workers, workers[::-1]):
            noticed = rebalances(other)
            restarted = time.monotonic()
            assert worker.terminate() == 0
            worker.start()
            both_carry(*workers)
            noticed = rebalances(other) - noticed
            assert noticed == 0 if static == "on" else noticed >= 1
            print(f"\n{worker.home.name} was away for {time.monotonic() - restarted:.1f} s")
    stage.until_routed()
    for topic, books in stage.balance(stream.wanted).items():
        books.assert_exact(topic)
    longest = pauses(stage)
    print(f"longest pause by partition, static membership {static}: {longest}")
    if static == "off":
        assert max(longest.values()) <= LONGEST, longest
    else:
        # Its own partitions wait for as long as a worker takes to start, which on a machine at work is seconds.
        assert max(longest.values()) <= 3 * LONGEST, longest
