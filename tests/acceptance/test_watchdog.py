"""A worker that hangs ends itself and says so; one that waits for something outside never does."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from support.books import balance
from support.stage import Stage
from support.waiting import until

from router.observe.watchdog import STALLED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from router.develop.broker import DevelopmentKafka

pytestmark = pytest.mark.process

LIMIT = 15.0
"""The shortest that may be set: a worker needs some seconds to see that a broker is away."""

# Each is a fault that would go on for ever, beginning in the middle of the work.
BLOCKED_LOOP = """
import time
from agents.app import app
from router.lanes.copying import Copier

copy, count = Copier.copy, 0

def blocking(self, *arguments, **keywords):
    global count
    count += 1
    if count > 3:
        time.sleep(3600)
    return copy(self, *arguments, **keywords)

Copier.copy = blocking
"""
HUNG_COMMIT = """
import asyncio
from agents.app import app
from router.lanes.kafka import TransactionalCarrier

commit = TransactionalCarrier.commit

async def hanging(self, offset):
    if offset > 100:
        await asyncio.Event().wait()
    await commit(self, offset)

TransactionalCarrier.commit = hanging
"""
HUNG_FETCHING = """
import asyncio
from agents.app import app
from router.lanes.transport import BatchThread

fetch, count = BatchThread.fetch, 0

async def hanging(self, partitions, within, most):
    global count
    batches = await fetch(self, partitions, within, most)
    count += len(batches)
    if count > 3:
        await asyncio.Event().wait()
    return batches

BatchThread.fetch = hanging
"""


FAULTS = {
    "the event loop": BLOCKED_LOOP,
    "the lane of ": HUNG_COMMIT,
    "fetching": HUNG_FETCHING,
}
"""By what the last line of a worker with this fault names."""


def test_a_worker_that_hangs_ends_itself_and_its_successor_goes_on(kafka: str, unique: str, tmp_path: Path) -> None:
    """With a code of its own and a line that names what did not move; nothing is lost or doubled by that."""
    with ExitStack() as ending:
        hanging = {}
        # All at once: each takes as long as the limit.
        for number, (named, fault) in enumerate(FAULTS.items()):
            stage = Stage(bootstrap=kafka, word=f"{unique}-{number}", home=tmp_path / str(number))
            ending.callback(stage.end)
            (stage.home / "faulty.py").write_text(fault, encoding="utf-8")
            stage.coloured(partitions=1)
            hanging[named] = stage, stage.worker(app="faulty", stall_timeout="15s", fetch_records="20")
        for stage, worker in hanging.values():
            worker.until_ready()
            stage.feed(400, partitions=1)
        for named, (stage, worker) in hanging.items():
            assert worker.ended(within=LIMIT + 25) == STALLED
            (last,) = [line for line in worker.lines() if line.get("event.reason", line.get("event", {}).get("reason")) == "no-progress"
                       and line["log.level"] == "critical"]  # fmt: skip
            assert named in str(last)
            assert stage.behind()
            stage.worker()
        for stage, _ in hanging.values():
            stage.until_routed()
            balance([(0, offset) for offset in range(400)], stage.read("@all.event.v1")).assert_exact("all")


def test_a_worker_that_waits_for_a_topic_does_not_end(stage: Stage) -> None:
    """A missing destination is a state of its own, however long it lasts."""
    stage.coloured()
    stage.topics.drop(stage.name("@red.event.v1"))
    worker = stage.worker(stall_timeout="15s")
    stage.feed(40)
    worker.until_problem("destination-unavailable", within=40)
    since = time.monotonic()
    until(lambda: time.monotonic() > since + 1.5 * LIMIT, within=60, what="more than the limit has passed")
    assert worker.running
    assert worker.get("/healthz")[0] == 200
    stage.create("@red.event.v1", partitions=2)
    stage.until_routed(within=20)


def test_a_worker_whose_broker_is_stopped_does_not_end(
    kafka_cluster: Callable[..., DevelopmentKafka], unique: str, tmp_path: Path
) -> None:
    """Nor does one that was itself stopped in its tracks: both go on, and nothing was lost."""
    kafka = kafka_cluster(brokers=1)
    stage = Stage(bootstrap=kafka.bootstrap, word=unique, home=tmp_path / "stage")
    try:
        stage.coloured()
        worker = stage.worker(stall_timeout="15s", session_timeout="6s").until_ready(lanes=2)
        wanted = stage.feed(400)
        kafka.nodes[0].pause()
        since = time.monotonic()
        until(lambda: time.monotonic() > since + 1.5 * LIMIT, within=60, what="more than the limit has passed")
        assert worker.running, worker.tail()
        kafka.nodes[0].resume()
        worker.pause()
        since = time.monotonic()
        until(lambda: time.monotonic() > since + 1.5 * LIMIT, within=60, what="more than the limit has passed")
        worker.resume()
        stage.until_routed(within=60)
        assert worker.running
        for topic, books in stage.balance(wanted).items():
            books.assert_exact(topic)
    finally:
        stage.end()
