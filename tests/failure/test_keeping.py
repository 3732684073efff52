"""Lanes and consumers together: what is rejected is retried, its key waits, and nothing is lost or overtaken."""

from __future__ import annotations

from typing import Any

import pytest
from failure.failing_lane import BROAD, CHANGELOG, OTHER, SECOND, SOURCE, VIP, Consumer, Desk, running

from router.errors import DeliveryRefused, DestinationUnavailable, RouterError
from router.failure.ledger import ledger_of
from router.failure.letters import TIMESTAMP
from router.failure.notes import DESTINATION, ERROR, REASON
from router.failure.policy import FailurePolicy, Keep, OnExpiry, Then
from router.failure.rejections import REJECTS, RELEASE
from router.failure.stored import HELD_PREFIX, LEDGER_PREFIX, STATE_PREFIX
from router.failure.topics import rejected_of
from router.lanes.table import Holding, KeptBack
from router.language.routes import SourceOrder
from router.language.topics import dead_letters_of
from router.order.policy import OrderPolicy, Sequence
from router.records.headers import ORIGIN
from router.records.reader import FieldReader
from router.testing import CommitRefused, CopyRefused

QUICK = FailurePolicy(retry_ms=(10 * SECOND, 60 * SECOND))


async def stops(desk: Desk) -> RouterError | None:
    """Let the only lane go on until it stops, and a little longer; gives what it stopped for."""
    (lane,) = desk.worker.lanes
    for _ in range(50):
        desk.worker.rejections.look()
        await desk.worker.step()
    return lane.protocol.error


def left(desk: Desk) -> list[bytes]:
    """What the table keeps beside states and positions."""
    return [entry for entry in desk.table if entry[:1] in {HELD_PREFIX, LEDGER_PREFIX}]


async def test_rejected_record_is_sent_again_before_what_waited_behind_it() -> None:
    """After its delay; its key's later records wait, also those that were on their way, and other keys do not."""
    async with running(QUICK) as desk:
        desk.failing = {b"2"}
        await desk.come("1", "2", "3")
        desk.consumer.consume()
        await desk.worker.run()
        await desk.come("4", "5")
        await desk.come("x", key=b"other")
        await desk.settle()
        assert (desk.copies, desk.processed) == ("1 2 3 x", "1 x")
        desk.failing = set()
        await desk.passes(5)
        assert desk.copies == "1 2 3 x"
        await desk.passes(5.1)
        assert (desk.copies, desk.processed) == ("1 2 3 x | 2 3 4 5", "1 x 2 3 4 5")
        assert [each.value for each in desk.broker.records(OTHER)] == [b"1", b"2", b"3", b"4", b"5", b"x"]
        assert [entry for entry in desk.table if entry[:1] == HELD_PREFIX] == []


async def test_other_destinations_never_wait() -> None:
    """A key is kept for the consumer that failed, and for nobody else."""
    async with running(QUICK) as desk:
        desk.failing = {b"1"}
        await desk.come("1")
        await desk.settle()
        await desk.come("2", "3")
        assert [each.value for each in desk.broker.records(OTHER)] == [b"1", b"2", b"3"]
        assert desk.copies == "1"


async def test_record_that_dies_for_good_becomes_a_dead_letter_that_tells_why() -> None:
    """After all delays, with its bytes, its headers, and the ledger of its deaths; and its key flows on."""
    async with running(QUICK) as desk:
        desk.failing = {b"1"}
        await desk.come("1", "2")
        await desk.settle()
        await desk.passes(10.1)
        await desk.passes(50)
        assert desk.letters == []
        await desk.passes(10.5)
        ((value, headers),) = desk.letters
        assert value == "1"
        assert (headers[REASON], headers[ERROR], headers[DESTINATION]) == (b"failed", b"out of range", VIP.encode())
        assert headers[ORIGIN] == f"{BROAD}/0/0".encode()
        assert headers[REJECTS] is not None
        ledger = ledger_of(tuple(headers.items()))
        assert [(each.destination, each.reason, each.count) for each in ledger.entries] == [(VIP, "failed", 3)]
        assert desk.processed == "2"
        assert left(desk) == []


async def test_deaths_are_counted_in_spite_of_clients_that_strip_headers() -> None:
    """What is sent again tells its deaths, and the table knows them where the rejection does not."""
    async with running(FailurePolicy(retry_ms=(SECOND, SECOND), keep=Keep.NOTHING)) as desk:
        desk.consumer = Consumer(desk.broker, lambda record: record.value == b"1", parks=False)
        await desk.come("1")
        for expected in (1, 2, 3):
            await desk.settle()
            if expected < 3:
                await desk.passes(1.1)
        told = [ledger_of(each.headers).count(VIP) for each in desk.consumer.met]
        assert told == [0, 1, 2]
        assert len(desk.letters) == 1


@pytest.mark.parametrize("then", list(Then))
async def test_what_follows_the_last_retry(then: Then) -> None:
    """It is set aside, parked until it is given up, or only counted; what waited behind it comes out."""
    async with running(FailurePolicy(retry_ms=(), then=then, park_for_ms=SECOND)) as desk:
        desk.failing = {b"1"}
        await desk.come("1", "2")
        await desk.settle()
        waits = then is Then.PARK
        assert desk.processed == ("" if waits else "2")
        await desk.passes(1.1)
        assert desk.processed == "2"
        assert [value for value, _ in desk.letters] == ([] if then is Then.SKIP else ["1"])


async def test_parked_record_is_released_where_its_topic_says_so() -> None:
    """When its time has passed, it is sent once more; and parked again when it dies again."""
    policy = FailurePolicy(retry_ms=(), then=Then.PARK, park_for_ms=SECOND, on_expiry=OnExpiry.RELEASE)
    async with running(policy) as desk:
        desk.failing = {b"1"}
        await desk.come("1", "2")
        await desk.settle()
        await desk.passes(1.1)
        assert (desk.processed, desk.copies) == ("", "1 2 | 1 2")
        desk.failing = set()
        await desk.passes(1.1)
        assert desk.processed == "1 2"


async def test_record_without_a_key_waits_alone() -> None:
    """Nothing else waits for it."""
    async with running(QUICK) as desk:
        desk.failing = {b"1"}
        await desk.come("1", "2", key=None)
        await desk.settle()
        await desk.come("3", key=None)
        desk.failing = set()
        await desk.passes(10.1)
        assert desk.processed == "2 3 1"


async def test_consumer_that_knows_only_how_to_reject_gets_retries() -> None:
    """Without a mark; the lane holds what it has not yet written."""
    async with running(QUICK) as desk:
        desk.consumer.parks = False
        desk.failing = {b"1"}
        await desk.come("1", "2")
        await desk.settle()
        await desk.come("3")
        desk.failing = set()
        await desk.passes(10.1)
        assert (desk.copies, desk.processed) == ("1 2 1 3", "2 1 3")


@pytest.mark.parametrize("disk", [False, True], ids=["without its disk", "with its disk"])
async def test_worker_that_dies_anywhere_changes_nothing(disk: bool) -> None:
    """A worker that is killed before each step of a key is followed by one that goes on there."""
    async with running(QUICK) as desk:

        async def dies() -> None:
            await desk.restart(desk.worker.disks[SOURCE].copy() if disk else None)

        desk.failing = {b"2"}
        await desk.come("1", "2", "3")
        await dies()
        desk.consumer.consume()
        await desk.worker.run()
        await dies()
        await desk.come("4", "5")
        await dies()
        await desk.come("6")
        assert desk.copies == "1 2 3"
        await dies()
        desk.failing = set()
        desk.broker.clock.advance(10.1)
        await dies()
        await desk.worker.run()
        assert desk.copies == "1 2 3 |"
        await dies()
        desk.consumer.consume()
        desk.consumer.begin()
        await dies()
        await desk.settle()
        assert desk.copies == "1 2 3 | 2 3 4 5 6"
        await dies()
        await desk.settle()
        assert desk.processed == "1 2 3 4 5 6"


async def test_commit_that_fails_takes_back_the_step_and_the_place_in_the_rejections() -> None:
    """What was read in it is read again."""
    async with running(QUICK) as desk:
        desk.failing = {b"1"}
        await desk.come("1", "2")
        fault = desk.broker.suffer(CommitRefused(BROAD, times=2))
        desk.failing = {b"1"}
        desk.consumer.consume()
        desk.failing = set()
        await desk.settle()
        assert fault.fired == 2
        await desk.passes(10.1)
        assert desk.processed == "1 2"


async def test_rejection_that_says_nothing_becomes_a_dead_letter() -> None:
    """Whatever somebody writes there, the lane goes on, and the record is not gone."""
    async with running(QUICK) as desk:
        desk.broker.publish(rejected_of(VIP), key=b"k", value=b"?")
        await desk.settle()
        ((value, headers),) = desk.letters
        assert (value, headers[REASON]) == ("?", b"malformed-rejection")


async def test_rejection_of_another_sources_record_is_left_to_its_lane() -> None:
    """A topic with several sources has a lane for each."""
    async with running(QUICK) as desk:
        headers = [(REJECTS, f"{VIP}/0/0".encode()), (ORIGIN, b"elsewhere.v1/0/3")]
        desk.broker.publish(rejected_of(VIP), key=b"k", value=b"1", headers=headers)
        await desk.settle()
        await desk.come("2")
        assert (desk.letters, desk.copies) == ([], "2")


@pytest.mark.parametrize("partitions", [0, None], ids=["missing", "too few partitions"])
async def test_lane_that_cannot_read_rejections_stands_still_and_says_so(partitions: int | None) -> None:
    """Nothing would tell it which keys must wait."""
    desk = Desk(QUICK)
    if partitions is None:
        desk.broker.create_topic(rejected_of(VIP), partitions=1)
        desk.broker.topics[rejected_of(VIP)].logs.clear()
    else:
        desk.broker.delete_topic(rejected_of(VIP))
    await desk.worker.start()
    (lane,) = desk.worker.lanes
    assert isinstance(lane.protocol.error, DestinationUnavailable)
    assert rejected_of(VIP) in str(lane.protocol.error)
    await desk.worker.stop(finish=False)


async def test_key_of_a_topic_that_says_nothing_of_failure_any_more_is_let_go() -> None:
    """What waits for its consumer is sent, behind the mark that the consumer waits for."""
    async with running(QUICK) as desk:
        desk.failing = {b"1"}
        await desk.come("1", "2")
        await desk.settle()
        await desk.come("3")
        desk.failing = set()
        desk.policies.clear()
        await desk.restart()
        await desk.settle()
        assert desk.processed == "1 2 3"


async def test_keys_are_forgotten_when_their_topic_has_forgotten_them() -> None:
    """A lane that opens after the topic's retention finds nothing worth keeping."""
    async with running(QUICK, retention_ms=100 * SECOND) as desk:
        desk.failing = {b"1"}
        await desk.come("1")
        await desk.settle()
        desk.failing = set()
        await desk.passes(10.1)
        assert {entry[:1] for entry in desk.table} >= {STATE_PREFIX, LEDGER_PREFIX}
        desk.broker.clock.advance(101)
        await desk.restart()
        await desk.come("2")
        assert not {entry[:1] for entry in desk.table} & {STATE_PREFIX, LEDGER_PREFIX}


async def test_missing_topic_for_dead_letters_is_waited_for() -> None:
    """Nothing is dropped, and nothing passes what cannot be set aside: the lane says which topic it needs, and goes on."""
    async with running(FailurePolicy(retry_ms=())) as desk:
        desk.broker.delete_topic(dead_letters_of(VIP))
        desk.failing = {b"1"}
        await desk.come("1", "2")
        desk.consumer.consume()
        error = await stops(desk)
        assert isinstance(error, DestinationUnavailable)
        assert dead_letters_of(VIP) in str(error)
        assert desk.copies == "1 2"
        desk.broker.create_topic(dead_letters_of(VIP))
        await desk.passes(5)
        assert ([value for value, _ in desk.letters], desk.processed) == (["1"], "2")


async def test_topic_that_takes_no_release_mark_is_waited_for() -> None:
    """A compacted topic takes no record without a key: the lane says so, and tries again as others do, and not at once."""
    async with running(QUICK) as desk:
        desk.failing = {b"1"}
        await desk.come("1", "2")
        await desk.settle()
        refused = desk.broker.suffer(CopyRefused(VIP, key=None))
        desk.broker.clock.advance(10.1)
        assert isinstance(await stops(desk), DeliveryRefused)
        assert refused.fired < 10
        desk.broker.heal()
        desk.failing = set()
        await desk.passes(60)
        assert desk.processed == "1 2"


async def test_what_waited_for_long_gets_a_time_that_retention_spares() -> None:
    """Its own stands in a header; what waited less keeps its time."""
    async with running(FailurePolicy(retry_ms=(100 * SECOND,)), retention_ms=100 * SECOND) as desk:
        desk.failing = {b"1"}
        await desk.come("1")
        await desk.settle()
        await desk.come("2")
        desk.broker.clock.advance(90)
        await desk.come("3")
        second, third = (each.timestamp for each in desk.broker.records(BROAD)[1:])
        desk.failing = set()
        await desk.passes(10.1)
        assert desk.processed == "1 2 3"
        again = {each.value: each for each in desk.broker.records(VIP)}
        assert again[b"2"].timestamp - second >= 100 * SECOND
        assert dict(again[b"2"].headers)[TIMESTAMP] == b"%d" % second
        assert again[b"3"].timestamp == third
        assert TIMESTAMP not in dict(again[b"3"].headers)


async def test_marks_stand_without_key_and_value() -> None:
    """Nobody who keeps a table of the topic takes one for a delete."""
    async with running(QUICK) as desk:
        desk.failing = {b"1"}
        await desk.come("1")
        await desk.settle()
        await desk.passes(10.1)
        (mark,) = [each for each in desk.broker.records(VIP) if RELEASE in dict(each.headers)]
        assert (mark.key, mark.value, dict(mark.headers)[RELEASE]) == (None, None, b"1")


async def test_lane_without_failures_writes_nothing_to_its_table() -> None:
    """What flows costs nothing."""
    async with running(QUICK) as desk:
        await desk.come(*map(str, range(100)))
        await desk.settle()
        assert len(desk.consumer.processed) == 100
        assert desk.broker.records(CHANGELOG) == ()


ORDER = SourceOrder("orders", OrderPolicy(by="id", kind=Sequence("n"), wait_ms=60 * SECOND), ("n",), frozenset())
NUMBER = FieldReader(("n",), lambda value: (int(value),), lambda facts: facts)
ORDERED: dict[str, Any] = {"orders": {BROAD: (ORDER, NUMBER)}}
"""Records are their places in their key's order."""


async def test_records_in_order_wait_for_a_consumer_in_order() -> None:
    """What is let go by order is held by failure; what came back goes first, and nothing twice."""
    async with running(QUICK, **ORDERED) as desk:
        desk.failing = {b"2"}
        await desk.come("1", "3", "2")
        await desk.settle()
        assert (desk.copies, desk.processed) == ("1 2 3", "1")
        await desk.come("6", "5", "4")
        await desk.come("1", key=b"other")
        await desk.settle()
        assert desk.copies == "1 2 3 1"
        desk.failing = set()
        await desk.passes(10.1)
        assert desk.processed == "1 1 2 3 4 5 6"
        assert [each.value for each in desk.broker.records(OTHER) if each.key == b"k"] == [
            b"%d" % n for n in range(1, 7)
        ]


async def test_both_kinds_of_waiting_have_their_own_times() -> None:
    """A gap runs out while its key is kept for a consumer, and the key is kept no longer for that."""
    async with running(FailurePolicy(retry_ms=(100 * SECOND,)), **ORDERED) as desk:
        desk.failing = {b"1"}
        await desk.come("1")
        await desk.settle()
        await desk.come("3", "4")
        assert (desk.keeping.waiting or Holding(0, 0)).held == 2
        assert desk.keeping.kept_back == {VIP: KeptBack(1, 1)}
        await desk.passes(61)
        assert [each.value for each in desk.broker.records(OTHER)] == [b"1", b"3", b"4"]
        assert (desk.keeping.waiting or Holding(1, 1)).held == 0
        assert desk.keeping.kept_back == {VIP: KeptBack(1, 3)}
        assert desk.copies == "1"
        desk.failing = set()
        await desk.passes(40)
        assert desk.processed == "1 3 4"


@pytest.mark.parametrize("disk", [False, True], ids=["without its disk", "with its disk"])
async def test_worker_that_dies_keeps_order_and_failure(disk: bool) -> None:
    """Both lie in one table, and both are there when the lane opens again."""
    async with running(QUICK, **ORDERED) as desk:

        async def dies() -> None:
            await desk.restart(desk.worker.disks[SOURCE].copy() if disk else None)

        desk.failing = {b"2"}
        await desk.come("1", "2")
        await dies()
        desk.consumer.consume()
        await desk.worker.run()
        await dies()
        await desk.come("4", "5")
        await dies()
        assert desk.copies == "1 2"
        await desk.come("3")
        await dies()
        desk.failing = set()
        desk.broker.clock.advance(10.1)
        await dies()
        await desk.settle()
        assert desk.processed == "1 2 3 4 5"
