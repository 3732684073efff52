"""What a lane does with what people tell it: lanes and consumers together, over a broker in memory."""

from __future__ import annotations

import json

import pytest
from failure.failing_lane import BROAD, SECOND, SOURCE, VIP, Desk, running

from router.failure.audit import AUDIT
from router.failure.commands import REDRIVEN, end_headers, give_up_headers, redrive_headers, release_key_headers
from router.failure.ledger import DEATH, ledger_of
from router.failure.policy import FailurePolicy, Then
from router.failure.rejections import REJECTS, Lane
from router.failure.topics import rejected_of
from router.language.topics import dead_letters_of
from router.records.headers import HOP, ORIGIN, Origin, decode_origin
from router.records.record import PlainRecord

DEAD = FailurePolicy(retry_ms=())
PARKED = FailurePolicy(retry_ms=(), then=Then.PARK)
LANE = Lane(BROAD, 0)


def redrive(desk: Desk, number: int = 0, *, command: str = "c1", place: bool = True) -> None:
    """Tell the lane to send one of the topic's dead letters."""
    letter = desk.broker.records(dead_letters_of(VIP))[number]
    own = [(name, value) for name, value in letter.headers if name in {"source", ORIGIN, HOP, DEATH}]
    headers = redrive_headers(
        PlainRecord(topic=VIP, headers=(*own, (REDRIVEN, command.encode()))),
        command,
        Origin(letter.topic, letter.partition, letter.offset),
        copy=decode_origin(dict(letter.headers)[REJECTS]) if place else None,
        reason="failed",
        error="out of range",
    )
    desk.broker.publish(rejected_of(VIP), key=letter.key, value=letter.value, headers=headers)


def tell(desk: Desk, headers: list[tuple[str, bytes | None]], *, key: bytes | None = b"k") -> None:
    """Tell the lane something of a key."""
    desk.broker.publish(rejected_of(VIP), key=key, headers=headers)


def answers(desk: Desk) -> list[dict[str, object]]:
    """What the lane has answered."""
    return [json.loads(each.value or b"")["data"] for each in desk.broker.records(AUDIT)]


async def test_dead_letter_of_a_key_that_flows_is_written_with_what_it_was() -> None:
    """Its original headers, origin and hop, the ledger of its deaths, and whose command it was."""
    async with running(DEAD) as desk:
        desk.failing = {b"1"}
        await desk.come("1", "2")
        await desk.settle()
        desk.failing = set()
        redrive(desk)
        await desk.settle()
        assert desk.processed == "2 1"
        copy = desk.consumer.met[-1]
        headers = dict(copy.headers)
        assert (headers[ORIGIN], headers[REDRIVEN]) == (f"{BROAD}/0/0".encode(), b"c1")
        assert [name for name, _ in copy.headers].count(HOP) == 1
        assert ledger_of(copy.headers).count(VIP) == 1
        assert REJECTS not in headers


async def test_dead_letter_that_dies_again_has_no_retries_left() -> None:
    """Its deaths are counted still, though its client strips all headers."""
    async with running(FailurePolicy(retry_ms=(SECOND,))) as desk:
        desk.consumer.parks = False
        desk.failing = {b"1"}
        await desk.come("1")
        await desk.settle()
        await desk.passes(1.1)
        assert len(desk.letters) == 1
        redrive(desk)
        await desk.settle()
        assert [ledger_of(tuple(headers.items())).count(VIP) for _, headers in desk.letters] == [2, 3]


@pytest.mark.parametrize("place", [True, False], ids=["was a copy", "never was one"])
async def test_dead_letter_of_a_parked_key_joins_before_what_died_after_it(place: bool) -> None:
    """It comes before the record that parks its key, and that before what waits."""
    async with running(DEAD) as desk:
        desk.failing = {b"1"}
        await desk.come("1")
        await desk.settle()
        desk.policies[VIP] = PARKED
        desk.failing = {b"2"}
        await desk.come("2", "3")
        await desk.settle()
        await desk.come("4")
        redrive(desk, place=place)
        await desk.worker.run()
        assert desk.copies == "1 | 2 3"
        desk.failing = set()
        tell(desk, release_key_headers("c2", LANE))
        await desk.settle()
        assert desk.processed == "1 2 3 4"


async def test_dead_letter_joins_a_key_that_is_about_to_flow() -> None:
    """Behind the release mark, and before its acknowledgement, it still finds its place."""
    async with running(DEAD) as desk:
        desk.failing = {b"1"}
        await desk.come("1")
        await desk.settle()
        desk.policies[VIP] = PARKED
        desk.failing = {b"2"}
        await desk.come("2")
        await desk.settle()
        desk.failing = set()
        tell(desk, release_key_headers("c2", LANE))
        await desk.worker.run()
        redrive(desk)
        redrive(desk)
        await desk.settle()
        assert desk.processed == "1 2"


async def test_worker_that_dies_anywhere_sends_each_once() -> None:
    """A redrive that joined a parked key is in the table, and one that was written is committed with its place."""
    async with running(DEAD) as desk:
        desk.failing = {b"1", b"2"}
        await desk.come("1", "2")
        await desk.settle()
        desk.failing = set()
        redrive(desk, 0)
        redrive(desk, 1)
        await desk.worker.run()
        await desk.restart(desk.worker.disks[SOURCE].copy())
        await desk.restart()
        await desk.settle()
        assert desk.processed == "1 2"


@pytest.mark.parametrize("silently", [False, True], ids=["dead letter", "skip"])
async def test_parked_key_is_given_up(silently: bool) -> None:
    """What keeps it becomes a dead letter, or is only counted, and what waited flows on."""
    async with running(PARKED) as desk:
        desk.failing = {b"1"}
        await desk.come("1", "2")
        await desk.settle()
        tell(desk, give_up_headers("c2", LANE, silently=silently))
        tell(desk, give_up_headers("c2", LANE, silently=silently), key=b"another")
        await desk.settle()
        assert desk.processed == "2"
        assert [value for value, _ in desk.letters] == ([] if silently else ["1"])


async def test_dead_letter_that_joined_and_is_given_up_is_one_again() -> None:
    """With its first death in its ledger."""
    async with running(DEAD) as desk:
        desk.failing = {b"1"}
        await desk.come("1")
        await desk.settle()
        desk.policies[VIP] = PARKED
        desk.failing = {b"2"}
        await desk.come("2")
        await desk.settle()
        redrive(desk)
        tell(desk, give_up_headers("c2", LANE, silently=False))
        desk.failing = set()
        await desk.settle()
        assert desk.processed == "1"
        assert [value for value, _ in desk.letters] == ["1", "2"]


async def test_key_that_flows_is_not_touched() -> None:
    """A release that comes twice, or too late, changes nothing."""
    async with running(PARKED) as desk:
        desk.failing = {b"1"}
        await desk.come("1", "2")
        await desk.settle()
        desk.failing = set()
        tell(desk, release_key_headers("c2", LANE))
        await desk.settle()
        tell(desk, release_key_headers("c2", LANE))
        await desk.settle()
        assert (desk.processed, desk.copies) == ("1 2", "1 2 | 1 2")


async def test_lane_answers_what_a_command_has_led_to() -> None:
    """Over a restart, and as often as it is asked; while the audit's topic is not there, it goes on without."""
    async with running(DEAD) as desk:
        desk.failing = {b"1", b"2"}
        await desk.come("1", "2")
        await desk.settle()
        desk.failing = set()
        redrive(desk, 0)
        tell(desk, end_headers("c1", LANE, 1), key=None)
        await desk.settle()
        desk.broker.create_topic(AUDIT)
        await desk.restart()
        redrive(desk, 1)
        tell(desk, end_headers("c1", LANE, 2), key=None)
        tell(desk, end_headers("c9", LANE, 0), key=None)
        tell(desk, end_headers("c1", Lane("elsewhere.v1", 0), 2), key=None)
        await desk.settle()
        told = {"topic": VIP, "lane": f"{BROAD}/0"}
        assert answers(desk) == [
            {"command": "c1", **told, "got": 2, "written": 2, "joined": 0},
            {"command": "c9", **told, "got": 0, "written": 0, "joined": 0},
        ]
        assert desk.processed == "1 2"


async def test_unreadable_command_becomes_a_dead_letter() -> None:
    """As a rejection that says nothing does; and one for the lane of another source is left to it."""
    async with running(DEAD) as desk:
        tell(desk, [("router-command", b"c"), ("router-releases", b"1")])
        foreign = [(ORIGIN, b"elsewhere.v1/0/3")]
        headers = redrive_headers(
            PlainRecord(topic=VIP, headers=tuple(foreign)), "c", Origin("x", 0, 0), copy=None, reason="failed"
        )
        tell(desk, headers)
        await desk.settle()
        ((_, told),) = desk.letters
        assert told["router-reason"] == b"malformed-rejection"
        assert desk.copies == ""


async def test_what_the_table_knows_of_deaths_counts_more_than_what_headers_tell() -> None:
    """Also of a record that is sent a second time, by another command, and of one without a key."""
    async with running(DEAD) as desk:
        desk.consumer.parks = False
        desk.failing = {b"1"}
        await desk.come("1", key=None)
        await desk.settle()
        redrive(desk, command="c1")
        await desk.settle()
        assert [ledger_of(tuple(headers.items())).count(VIP) for _, headers in desk.letters] == [1, 2]
        desk.failing = set()
        redrive(desk, 1, command="c2")
        redrive(desk, 0, command="c3")
        await desk.settle()
        assert [ledger_of(each.headers).count(VIP) for each in desk.consumer.met[-2:]] == [2, 2]
