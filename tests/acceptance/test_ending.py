"""SIGTERM ends a worker within five seconds, with exit code 0, and what it had sent is committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.stream import Stream
from support.waiting import until

if TYPE_CHECKING:
    from support.stage import Stage

pytestmark = pytest.mark.process


def test_an_idle_worker_ends_in_time(stage: Stage) -> None:
    """With everything committed."""
    stage.coloured()
    worker = stage.worker().until_ready(lanes=2)
    stage.feed(10)
    stage.until_routed()
    assert worker.terminate(within=5) == 0
    assert not stage.behind()


def test_a_busy_worker_ends_in_time_and_leaves_no_duplicates(stage: Stage) -> None:
    """The next one begins exactly where it stopped."""
    stage.coloured()
    worker = stage.worker(fetch_records="20").until_ready(lanes=2)
    with Stream(stage, partitions=2, at_once=600) as stream:
        stream.until_routing()
        assert worker.terminate(within=5) == 0
        until(stage.behind, within=10, what="it ended in the middle of the work")
    worker.start()
    stage.until_routed()
    for topic, books in stage.balance(stream.wanted).items():
        books.assert_exact(topic)


def test_a_worker_that_lacks_a_destination_ends_in_time(stage: Stage) -> None:
    """All of its lanes wait for a topic."""
    stage.coloured()
    stage.topics.drop(stage.name("@all.event.v1"))
    stage.feed(10)
    worker = stage.worker()
    worker.until_problem("destination-unavailable", within=40)
    assert worker.terminate(within=5) == 0


def test_a_worker_that_waits_for_its_group_ends_in_time(stage: Stage) -> None:
    """A member that was killed holds up the dealing of partitions until its session is over."""
    stage.coloured()
    stage.worker(session_timeout="30s").until_ready(lanes=2).kill()
    worker = stage.worker(session_timeout="30s").until_live()
    worker.until_problem("assignment-unknown")
    assert worker.terminate(within=5) == 0
