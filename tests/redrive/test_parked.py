"""Which keys wait, as a lane's changelog tells it."""

from __future__ import annotations

from failure.failing_lane import BROAD, CHANGELOG, SECOND, VIP, Desk, running

from router.failure.commands import release_key_headers
from router.failure.policy import FailurePolicy, Keep, Then
from router.failure.rejections import Lane
from router.failure.topics import rejected_of
from router.redrive.parked import ParkedKey, ParkedKeys

LANE = Lane(BROAD, 0)
PARKED = FailurePolicy(retry_ms=(), then=Then.PARK, park_for_ms=60 * SECOND)


def listed(desk: Desk) -> list[ParkedKey]:
    """Return the keys that wait, by all that the changelog tells."""
    keys = ParkedKeys(LANE)
    for record in desk.broker.records(CHANGELOG):
        keys.take(record)
    return keys.listed()


async def test_parked_key_is_told_with_what_waits() -> None:
    """Since when, until when, how much came back, and how much it has not had."""
    async with running(PARKED) as desk:
        assert listed(desk) == []
        desk.failing = {b"1"}
        await desk.come("1", "2")
        rejected_at = round(desk.broker.clock.wall() * 1000)
        await desk.settle()
        await desk.passes(5)
        await desk.come("3", "4")
        (key,) = listed(desk)
        assert (key.topic, key.key, key.lane, key.state) == (VIP, b"k", LANE, "parked")
        assert (key.since, key.until) == (rejected_at, rejected_at + 60 * SECOND)
        assert (key.came_back, key.held) == (2, 2)
        assert key.to_json()["key"] == "k"
        assert key.to_json()["lane"] == f"{BROAD}/0"


async def test_key_that_flows_again_is_told_no_more() -> None:
    """Between its mark and its acknowledgement it is about to."""
    async with running(PARKED) as desk:
        desk.failing = {b"1"}
        await desk.come("1")
        await desk.settle()
        await desk.come("2")
        desk.failing = set()
        desk.broker.publish(rejected_of(VIP), key=b"k", headers=release_key_headers("c", LANE))
        await desk.worker.run()
        assert [each.state for each in listed(desk)] == ["releasing"]
        await desk.settle()
        assert listed(desk) == []


async def test_what_waits_for_its_next_try_is_told_apart() -> None:
    """A record that is kept alone has no key."""
    async with running(FailurePolicy(retry_ms=(SECOND,), keep=Keep.NOTHING)) as desk:
        desk.consumer.parks = False
        desk.failing = {b"1"}
        await desk.come("1")
        await desk.settle()
        (kept,) = listed(desk)
        assert (kept.key, kept.state, kept.to_json()["key"]) == (None, "retry", None)
