"""What a lane does with rejections, step by step; tests/failure/test_keeping.py has lanes and consumers together."""

from __future__ import annotations

import pytest
from failure.failing_lane import BROAD, SECOND, VIP, Consumer, running

from router.failure.policy import FailurePolicy, Keep
from router.failure.rejections import ACKNOWLEDGES, LANE, PARKS, REJECTS
from router.failure.topics import rejected_of
from router.records.headers import ORIGIN

QUICK = FailurePolicy(retry_ms=(10 * SECOND,))


async def test_repeated_rejection_counts_no_death() -> None:
    """What identifies it is the copy's place."""
    async with running(QUICK) as desk:
        desk.consumer = Consumer(desk.broker, lambda record: record.value == b"1", parks=False)
        await desk.come("1")
        desk.consumer.consume()
        (said,) = desk.broker.records(rejected_of(VIP))
        desk.broker.publish(rejected_of(VIP), key=said.key, value=said.value, headers=said.headers, partition=0)
        await desk.settle()
        desk.consumer.fails = lambda _: False
        await desk.passes(10.1)
        assert (desk.processed, desk.letters) == ("1", [])


async def test_consumer_that_parks_gets_its_mark_though_only_records_are_kept() -> None:
    """`keep: nothing` is for consumers that do not park: one that does waits for a mark."""
    async with running(FailurePolicy(retry_ms=(SECOND,), keep=Keep.NOTHING)) as desk:
        desk.failing = {b"1"}
        await desk.come("1", "2")
        await desk.settle()
        desk.failing = set()
        await desk.passes(1.1)
        assert desk.processed == "1 2"


async def test_mark_goes_where_the_key_goes_though_nobody_knows_since_when() -> None:
    """A rejection `behind` of which nothing is known is answered with a mark that any parking heeds."""
    async with running(QUICK) as desk:
        await desk.come("1")
        headers = [(ORIGIN, f"{BROAD}/0/0".encode()), (REJECTS, f"{VIP}/0/0".encode()), ("router-reason", b"behind")]
        desk.broker.publish(rejected_of(VIP), key=b"k", value=b"1", headers=headers)
        await desk.worker.run()
        assert desk.copies == "1 |"


@pytest.mark.parametrize("lane", [f"{BROAD}/0", "elsewhere.v1/0"], ids=["of this lane", "of another"])
async def test_acknowledgement_of_nothing_changes_nothing(lane: str) -> None:
    """Of an old epoch, or of a mark that another lane has written."""
    async with running(QUICK) as desk:
        headers = [(ACKNOWLEDGES, b"7"), (LANE, lane.encode())]
        desk.broker.publish(rejected_of(VIP), key=b"k", headers=headers)
        await desk.worker.run()
        await desk.come("1")
        assert desk.copies == "1"


async def test_record_that_parks_nothing_without_a_key() -> None:
    """There is nothing to park, whatever its consumer says."""
    async with running(QUICK) as desk:
        await desk.come("1", key=None)
        headers = [(ORIGIN, f"{BROAD}/0/0".encode()), (REJECTS, f"{VIP}/0/0".encode()), (PARKS, b"1")]
        desk.broker.publish(rejected_of(VIP), value=b"1", headers=headers)
        await desk.worker.run()
        await desk.come("2", key=None)
        assert desk.copies == "1 2"
        await desk.passes(10.1)
        assert desk.copies == "1 2 1"
