"""Keys that wait for consumers, from disks that are values and from those of a real lane."""

from __future__ import annotations

from typing import Any

import pytest
from support.table_group import SOURCE, MemoryDisk, TableGroup

from router.failure.parking import Back, KeyState, Phase
from router.failure.stored import back_key, by_key, encode_state, held_key, of_one, state_key
from router.order.stored import encode_record
from router.records.record import PlainRecord
from router.tables.kept import KEPT_HERE, read_kept
from router.tables.peers import NoAnswer
from router.tables.questions import WrongQuestion

VIP, ALL = "vip.order.v1", "all.order.v1"


def entries(topic: str, key: bytes, *, since: int, held: int = 0, **more: Any) -> dict[bytes, bytes]:
    """What a lane keeps of a key of which one copy came back."""
    at = state_key(topic, by_key(key))
    state = KeyState(**({"phase": Phase.PARKED, "back": (Back((0, 7), 3, None, parked=True),)} | more))
    record = PlainRecord(topic=topic, partition=0, offset=7, timestamp=since, key=key, value=b"v")
    kept = {held_key(at, number): encode_record(record) for number in range(held)}
    return {at: encode_state(state), back_key(at, (0, 7)): encode_record(record), **kept}


def keeping(*keys: bytes, topic: str = VIP) -> MemoryDisk:
    """A disk on which these keys are parked, each a second after the one before."""
    found: dict[bytes, bytes] = {b"s order": b"x"}
    for number, key in enumerate(keys):
        found |= entries(topic, key, since=1_000 * (number + 1), held=number)
    return MemoryDisk(found)


async def listed(disk: MemoryDisk, *, topic: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    return list((await read_kept(disk, "order.v1/0", topic=topic, after=None, limit=limit)).keys)


async def test_parked_key_is_told_with_what_waits() -> None:
    """As the command tells it."""
    assert (await listed(keeping(b"a", b"b")))[1] == {
        "topic": VIP, "key": "b", "lane": "order.v1/0", "state": "parked", "since": 2_000, "until": None, "came_back": 1, "held": 1,
    }  # fmt: skip


async def test_what_a_key_does_is_told_and_what_flows_is_not() -> None:
    """One that waits for its next try, one that waits for its consumer, and a record that is kept alone."""
    retry = Back((0, 7), 3, 9_000, parked=False)
    disk = MemoryDisk(
        entries(VIP, b"again", since=1, back=(retry,))
        | entries(VIP, b"flows", since=1, phase=Phase.FLOWING, back=())
        | entries(VIP, b"soon", since=1, phase=Phase.RELEASING)
        | {state_key(VIP, of_one(5)): encode_state(KeyState(phase=Phase.PARKED, back=(retry,)))}
        | {state_key(VIP, by_key(b"torn")): b"\xff"}
    )
    told = {each["key"]: (each["state"], each["until"]) for each in await listed(disk)}
    assert told == {
        "again": ("retry", 9_000), "soon": ("releasing", None), None: ("retry", 9_000), "torn": ("unreadable", None),
    }  # fmt: skip


async def test_a_topic_s_own_are_found_without_the_others() -> None:
    """Also where one topic's name begins another's."""
    disk = MemoryDisk(keeping(b"a").held | keeping(b"b", topic=ALL).held | keeping(b"c", topic=f"{VIP}x").held)
    assert [each["key"] for each in await listed(disk, topic=VIP)] == ["a"]
    assert len(await listed(disk)) == 3


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_pages_have_each_key_once(limit: int) -> None:
    """Whatever lies between."""
    disk = keeping(*(b"k%d" % number for number in range(5)))
    found: list[Any] = []
    after = None
    while True:
        page = await read_kept(disk, "order.v1/0", topic=None, after=after, limit=limit)
        assert len(page.keys) <= limit
        found += [each["key"] for each in page.keys]
        after = page.after
        if after is None:
            break
    assert found == ["k0", "k1", "k2", "k3", "k4"]


async def test_page_ends_after_so_many_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found or not."""
    monkeypatch.setattr("router.tables.kept._MOST_LOOKED", 2)
    flowing = {
        k: v for n in range(5) for k, v in entries(VIP, b"%d" % n, since=1, phase=Phase.FLOWING, back=()).items()
    }
    page = await read_kept(MemoryDisk(flowing), "order.v1/0", topic=None, after=None, limit=9)
    assert (page.keys, page.looked, page.after is None) == ((), 2, False)


def group() -> TableGroup:
    """Two workers with two partitions each, and one that nobody owns."""
    return TableGroup(5).deal({0: keeping(b"a", b"d"), 2: keeping(b"c")}, {1: keeping(b"b"), 3: MemoryDisk()})


async def kept(asked: TableGroup, worker: int, **parameters: str) -> dict[str, Any]:
    status, body, _ = await asked.get(worker, "/api/kept", parameters)
    assert status == 200, body
    return body


@pytest.mark.parametrize("worker", [0, 1])
async def test_any_worker_tells_of_all_lanes(worker: int) -> None:
    """Those first that have waited longest; and which lane does not answer."""
    told = await kept(group(), worker)
    assert [(each["key"], each["lane"]) for each in told["keys"]] == [
        ("a", f"{SOURCE}/0"), ("b", f"{SOURCE}/1"), ("c", f"{SOURCE}/2"), ("d", f"{SOURCE}/0"),
    ]  # fmt: skip
    assert [(each["partition"], each["reason"]) for each in told["unanswered"]] == [(4, "no-owner")]
    assert told["cursor"] is None
    assert (await kept(group(), worker, topic=ALL))["keys"] == []


@pytest.mark.parametrize("limit", ["1", "2", "3"])
async def test_pages_lead_from_lane_to_lane(limit: str) -> None:
    """Each key once."""
    found: list[str] = []
    cursor = ""
    while True:
        told = await kept(group(), 1, limit=limit, **({"cursor": cursor} if cursor else {}))
        found += [each["key"] for each in told["keys"]]
        if told["cursor"] is None:
            break
        cursor = told["cursor"]
    assert sorted(found) == ["a", "b", "c", "d"]


async def test_lanes_that_do_not_answer_are_named() -> None:
    """Another worker's once each, our own with why."""
    asked = group()
    asked.down[asked.members[1].owner] = NoAnswer("owner-unreachable", "it is off")
    asked.change(0, 0, restoring="3 of 9")
    asked.change(0, 2, disk=MemoryDisk(problem="no space"))
    told = await kept(asked, 0)
    assert {each["partition"]: each["reason"] for each in told["unanswered"]} == {
        0: "restoring", 1: "owner-unreachable", 2: "disk-failed", 3: "owner-unreachable", 4: "no-owner",
    }  # fmt: skip
    assert len(asked.asked) == 1
    asked.change(0, 2, disk=MemoryDisk(db=None), carrying=False)
    assert {each["reason"] for each in (await kept(asked, 0))["unanswered"]} >= {"opening"}
    assert (await asked.members[0].kept.here(SOURCE, 3, topic=None, after=None, limit=1))["reason"] == "moving"


async def test_lanes_that_stand_still_are_told_with_what_they_have() -> None:
    """Who looks for what is stuck wants to see just that."""
    asked = group()
    asked.change(0, 0, carrying=False, message="no broker")
    told = await kept(asked, 1)
    assert told["lanes"] == [{"source": SOURCE, "partition": 0, "problem": "no broker"}]
    assert len(told["keys"]) == 4


async def test_strange_answers_are_no_answers() -> None:
    """Of a worker of another version."""
    asked = group()

    async def ask(*_: Any) -> dict[str, Any]:
        return {"instance": "w-1", "answer": {"partition": 99}}

    asked.members[0].kept._peers = type("Strange", (), {"ask": staticmethod(ask)})()
    assert (await kept(asked, 0))["unanswered"][0]["reason"] == "owner-unreachable"


@pytest.mark.parametrize("cursor", ["x", "1", "-1.", "1.!", "99999999999."])
async def test_cursor_that_makes_no_sense_is_refused(cursor: str) -> None:
    """In words."""
    with pytest.raises(WrongQuestion, match="none that a page ended with"):
        await group().members[0].kept.keys(topic=None, cursor=cursor, limit=1)
    assert (await group().get(0, "/api/kept", {"cursor": cursor}))[0] == 400


async def test_worker_answers_for_its_own_lanes_only() -> None:
    """And for sources that it knows."""
    path = KEPT_HERE.format(source=SOURCE)
    status, body, _ = await group().get(1, path, {"partition": "1", "after": ""})
    assert (status, [each["key"] for each in body["answer"]["keys"]]) == (200, ["b"])
    assert (await group().get(1, KEPT_HERE.format(source="other"), {}))[0] == 404
