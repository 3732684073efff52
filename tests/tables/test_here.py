"""What one worker says of its own partitions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.table_group import EXPLAINERS, NOW, SOURCE, MemoryDisk, keeps

from router.tables.here import Here, OwnedPartition
from router.tables.questions import ListQuestion


def here(owned: OwnedPartition | None) -> Here:
    return Here(lambda source, partition: owned if partition == 1 else None, EXPLAINERS, clock=lambda: NOW)


def owned(**changes: Any) -> OwnedPartition:
    return replace(OwnedPartition(keeps(waiting=[b"k"]), carrying=True), **changes)


async def test_key_is_told_with_how_far_its_lane_is() -> None:
    """The view, and the source's offset that it stands for."""
    told = here(owned()).key(SOURCE, b"k", [1])[0]
    assert (told["partition"], told["carried_to"], told["lane"]) == (1, 42, "")
    assert told["view"]["conditions"] == ["waiting"]
    page = await here(owned()).keys(SOURCE, 1, ListQuestion(), None)
    assert (page["keys"][0]["holds"], page["after"], page["carried_to"], page["lane"]) == (1, None, 42, "")
    assert "held" not in page["keys"][0]
    assert "held" in (await here(owned()).keys(SOURCE, 1, ListQuestion(whole=True), None))["keys"][0]


async def test_page_says_behind_which_key_the_next_begins() -> None:
    """As bytes are told everywhere."""
    page = await here(owned()).keys(SOURCE, 1, ListQuestion(limit=1), None)
    assert page["after"] == {"text": "k"}


def test_key_that_is_not_there_is_none() -> None:
    """An answer, not a silence."""
    told = here(owned()).key(SOURCE, b"other", [1])[0]
    assert (told["view"], "reason" in told) == (None, False)


STOPPED = {"carrying": False, "reason": "destination-unavailable", "message": "topic 'x' does not exist"}


async def test_lane_that_stands_still_tells_what_it_has() -> None:
    """Who looks for what is stuck wants to see just that; its trouble is told with it."""
    told = here(owned(**STOPPED)).key(SOURCE, b"k", [1])[0]
    assert (told["view"]["holds"], told["lane"]) == (1, "topic 'x' does not exist")
    page = await here(owned(**STOPPED)).keys(SOURCE, 1, ListQuestion(), None)
    assert (len(page["keys"]), page["lane"]) == (1, "topic 'x' does not exist")
    assert here(owned(carrying=False)).key(SOURCE, b"k", [1])[0]["lane"] == "its lane opens"


def test_lane_that_stands_still_says_of_no_key_that_it_is_absent() -> None:
    """It may have been committed, and not be on the disk yet."""
    told = here(owned(**STOPPED)).key(SOURCE, b"other", [1])[0]
    assert (told["reason"], told["message"]) == ("destination-unavailable", "order.v1/1: topic 'x' does not exist")


@pytest.mark.parametrize(
    ("partition", "changes", "reason", "message"),
    [
        pytest.param(2, {}, "moving", "order.v1/2 is not this worker's, or not any more", id="not-ours"),
        pytest.param(1, {"restoring": "its table waits", "carrying": False}, "restoring", "order.v1/1: its table waits", id="restoring"),
        pytest.param(1, {"disk": MemoryDisk(db=None), "carrying": False}, "opening", "order.v1/1: its lane opens", id="opening"),
        pytest.param(1, {"disk": MemoryDisk(db=None), **STOPPED}, "destination-unavailable", "order.v1/1: topic 'x' does not exist", id="closed"),
        pytest.param(1, {"disk": MemoryDisk(problem="gone")}, "disk-failed", "the table's disk at /disk failed: gone", id="disk"),
    ],
)  # fmt: skip
async def test_partition_of_which_nothing_can_be_said_names_why(
    partition: int, changes: dict[str, Any], reason: str, message: str
) -> None:
    """To both questions alike."""
    asked = here(owned(**changes))
    for told in (asked.key(SOURCE, b"k", [partition])[0], await asked.keys(SOURCE, partition, ListQuestion(), None)):
        assert (told["partition"], told["reason"], told["message"]) == (partition, reason, message)
        assert told["what_to_do"]


def test_owning_is_having_the_lane() -> None:
    """Whatever state it is in."""
    assert here(owned(**STOPPED)).owns(SOURCE, 1)
    assert not here(owned()).owns(SOURCE, 2)


async def test_those_that_wait_longest_are_told_from_the_lanes_timers() -> None:
    """Only such as the disk bears out, with how far it was looked."""
    timers = [(1, b"gone"), (104_000, b"k")]
    told = await here(owned(timers=lambda: timers)).longest(SOURCE, [1], ListQuestion(limit=1), None)
    assert [(one["due"], one["view"]["key"]) for one in told[0]["keys"]] == [(104_000, {"text": "k"})]
    assert (told[0]["looked"], told[0]["upto"], told[0]["lane"], told[0]["carried_to"]) == (2, None, "", 42)
    told = await here(owned(timers=lambda: [*timers, (104_001, b"l")])).longest(
        SOURCE, [1], ListQuestion(limit=1), None
    )
    assert told[0]["upto"] == [104_000, {"text": "k"}]
    assert (await here(None).longest(SOURCE, [1], ListQuestion(), None))[0]["reason"] == "moving"
    failing = owned(disk=MemoryDisk(problem="no space"), timers=lambda: timers)
    assert (await here(failing).longest(SOURCE, [1], ListQuestion(), None))[0]["reason"] == "disk-failed"


async def test_lane_that_stands_still_tells_what_waits_from_its_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as that can be sorted; else it says that it stands still."""
    told = await here(owned(**STOPPED)).longest(SOURCE, [1], ListQuestion(), None)
    assert [one["view"]["key"] for one in told[0]["keys"]] == [{"text": "k"}]
    assert told[0]["lane"] == "topic 'x' does not exist"
    monkeypatch.setattr("router.tables.here.MOST_KEYS", 1)
    told = await here(owned(**STOPPED)).longest(SOURCE, [1], ListQuestion(), None)
    assert told[0]["reason"] == "destination-unavailable"
