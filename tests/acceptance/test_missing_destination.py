"""A destination that is not there stops the lanes that need it, and nobody else; it is said, waited for, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.stage import COLOURED
from support.waiting import until

if TYPE_CHECKING:
    from support.stage import Stage

pytestmark = pytest.mark.process

# Of the events of `Stage.feed`, in two partitions, all red ones are in the first.
LINE = next(number for number, line in enumerate(COLOURED.splitlines(), 1) if "@red.event.v1" in line)


def test_lanes_that_need_it_stand_still_and_say_why_until_it_is_there(stage: Stage) -> None:
    """Readiness, metric and log name topic, route and record; the other lane goes on; then all goes on by itself."""
    stage.coloured()
    red = stage.name("@red.event.v1")
    stage.topics.drop(red)
    worker = stage.worker()
    wanted = stage.feed(400)
    problem = worker.until_problem("destination-unavailable", within=40)
    source = stage.name("@event.v1")
    assert (problem["topic"], problem["partition"]) == (source, 0)
    for fact in (f"'{red}'", f"painters.yaml:{LINE}", f"{source}/0/0"):
        assert fact in problem["message"]
    assert problem["what_to_do"]
    until(lambda: list(stage.behind()) == [(source, 0)], within=20, what="the other lane is done")
    until(lambda: worker.metric("router_destination_unavailable", topic=red) == 1, within=10, what="the metric says so")
    assert (worker.metric("router_lane_errors_total", source=source, reason="destination-unavailable") or 0) > 0
    assert any(
        line.get("log.level") in {"warning", "error"} and red in str(line) and f"painters.yaml:{LINE}" in str(line)
        for line in worker.lines()
    )
    stage.create("@red.event.v1", partitions=2)
    stage.until_routed(within=20)
    worker.until_ready(lanes=2)
    until(lambda: worker.metric("router_destination_unavailable", topic=red) == 0, within=10, what="the metric is down")
    for topic, books in stage.balance(wanted).items():
        books.assert_exact(topic)


def test_a_topic_that_is_deleted_under_way_is_waited_for(stage: Stage) -> None:
    """What was not yet acknowledged is copied once the topic is back."""
    stage.coloured()
    worker = stage.worker().until_ready(lanes=2)
    stage.feed(40)
    stage.until_routed()
    stage.topics.drop(stage.name("@red.event.v1"))
    stage.feed(40, first=40)
    problem = worker.until_problem("destination-unavailable", within=30)
    assert problem["partition"] == 0
    until(lambda: f"painters.yaml:{LINE}" in worker.until_problem("destination-unavailable")["message"], within=20,
          what="the route is named")  # fmt: skip
    stage.create("@red.event.v1", partitions=2)
    stage.until_routed(within=20)
    wanted = stage.wanted(range(80))
    wanted["red"] = stage.wanted(range(40, 80))["red"]
    for topic, books in stage.balance(wanted).items():
        books.assert_whole(topic)
