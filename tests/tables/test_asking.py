"""Questions to a group of workers, which are values here."""

from __future__ import annotations

from typing import Any

import pytest
from support.table_group import SOURCE, TableGroup, keeps

from router.order.effects import Held
from router.order.sequence import SequenceState
from router.order.stored import encode_state, state_key
from router.tables.answers import Answer
from router.tables.here import OwnedPartition
from router.tables.owners import Owner
from router.tables.peers import NoAnswer
from router.tables.questions import Cursor, ListQuestion
from router.tables.view import Condition


def group() -> TableGroup:
    """Two workers, four partitions, two each, and one that nobody owns."""
    return TableGroup(5).deal(
        {0: keeps(b"a", b"b"), 2: keeps(b"e", waiting=[b"f"])}, {1: keeps(b"c", waiting=[b"d"]), 3: keeps(b"\xff")}
    )


async def pages(group: TableGroup, question: ListQuestion, *, worker: int = 0) -> list[Answer]:
    """All pages of an answer."""
    asking = group.members[worker].asking
    found = [await asking.keys(SOURCE, question, Cursor())]
    while (cursor := found[-1].body["cursor"]) is not None:
        found.append(await asking.keys(SOURCE, question, question.cursor(cursor)))
    return found


def keys(found: list[Answer]) -> list[Any]:
    return [next(iter(each["key"].values())) for page in found for each in page.body["keys"]]


@pytest.mark.parametrize("worker", [0, 1])
@pytest.mark.parametrize(("key", "partition", "holds"), [(b"b", 0, 0), (b"d", 1, 1), (b"f", 2, 1), (b"\xff", 3, 0)])
async def test_key_is_found_wherever_it_is(worker: int, key: bytes, partition: int, holds: int) -> None:
    """Whichever worker is asked, whatever bytes it has; what did not answer is named all the same."""
    asked = group()
    answer = await asked.members[worker].asking.key(SOURCE, key)
    assert answer.status == 200
    assert [(each["partition"], each["holds"], each["carried_to"]) for each in answer.body["found"]] == [
        (partition, holds, 42)
    ]
    assert [each["reason"] for each in answer.body["unanswered"]] == ["no-owner"]
    assert asked.asked == [(f"w-{1 - worker}", "key")]


async def test_history_comes_with_the_key_where_it_is_asked_for() -> None:
    """Out of the changelog of the partition that it was found in."""
    answer = await group().members[0].asking.key(SOURCE, b"d", history=7)
    assert answer.body["found"][0]["history"]["changes"][0]["what"] == "b'd' in shop-order.v1-changelog/1, 7"
    assert "history" not in (await group().members[0].asking.key(SOURCE, b"d")).body["found"][0]


async def test_key_is_unknown_only_where_all_have_answered() -> None:
    """Else nobody knows."""
    asked = group()
    answer = await asked.members[0].asking.key(SOURCE, b"x")
    assert (answer.status, answer.body["reason"]) == (503, "undecided")
    assert answer.body["message"] == (
        "key 'x' is in no partition that answered, and order.v1/4 did not: nobody owns order.v1/4 now, as far as this worker was told"
    )
    asked.count = 4
    answer = await asked.members[0].asking.key(SOURCE, b"x")
    assert (answer.status, answer.body["reason"]) == (404, "unknown-key")
    assert answer.body["message"] == "nothing is known of key 'x' in any of the 4 partitions of 'order.v1'"


async def test_worker_that_does_not_answer_is_named_once_a_partition() -> None:
    """And asked once a page."""
    asked = group()
    asked.count = 4
    asked.down[asked.members[1].owner] = NoAnswer("owner-unreachable", "worker 'w-1' does not answer")
    answer = await asked.members[0].asking.key(SOURCE, b"d")
    assert (answer.status, answer.body["reason"]) == (503, "undecided")
    assert [(each["partition"], each["reason"]) for each in answer.body["unanswered"]] == [
        (1, "owner-unreachable"),
        (3, "owner-unreachable"),
    ]
    assert "order.v1/1 and 3 did not: worker 'w-1' does not answer" in answer.body["message"]
    asked.asked.clear()
    found = await pages(asked, ListQuestion())
    assert keys(found) == ["a", "b", "e", "f"]
    assert [each["partition"] for each in found[0].body["unanswered"]] == [1, 3]
    assert asked.asked == [("w-1", "keys")]


async def test_partition_that_is_restored_says_so_by_name() -> None:
    """At another worker, too."""
    asked = group()
    asked.change(1, 1, restoring="its table is restored to 40%", carrying=False)
    answer = await asked.members[0].asking.key(SOURCE, b"d")
    reasons = {each["partition"]: (each["reason"], each["message"]) for each in answer.body["unanswered"]}
    assert answer.status == 503
    assert reasons[1] == ("restoring", "order.v1/1: its table is restored to 40%")


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("worker", [0, 1])
async def test_pages_of_all_workers_have_each_key_once(worker: int, limit: int) -> None:
    """Partition by partition; none exceeds its limit."""
    found = await pages(group(), ListQuestion(limit=limit), worker=worker)
    assert keys(found) == ["a", "b", "c", "d", "e", "f", "/w=="]
    assert max(len(page.body["keys"]) for page in found) <= limit
    assert sum(len(page.body["unanswered"]) for page in found) == 1


async def test_lists_are_filtered_at_their_owners() -> None:
    """By state and by prefix."""
    waiting = ListQuestion(conditions=frozenset({Condition.WAITING}), whole=True)
    found = await pages(group(), waiting)
    assert keys(found) == ["d", "f"]
    assert [each["held"][0]["offset"] for page in found for each in page.body["keys"]] == [41, 41]
    assert keys(await pages(group(), ListQuestion(prefix=b"\xff"))) == ["/w=="]


async def test_lanes_that_stand_still_are_told_with_the_keys() -> None:
    """What a list shows may be older than it looks."""
    asked = group()
    asked.change(1, 1, carrying=False, reason="x", message="topic 'y' does not exist")
    answer = await asked.members[0].asking.keys(SOURCE, ListQuestion(), Cursor())
    assert answer.body["lanes"] == [{"partition": 1, "problem": "topic 'y' does not exist"}]


async def test_page_asks_so_many_partitions_and_goes_on_with_the_next() -> None:
    """An empty table of a thousand partitions is no reason to keep a caller waiting."""
    asked = TableGroup(150).deal({partition: keeps() for partition in range(150)})
    assert [len(page.body["keys"]) for page in await pages(asked, ListQuestion())] == [0, 0, 0]


@pytest.mark.parametrize(
    "strange",
    [{}, {"answers": [], "answer": {}}, {"answers": [{"partition": 3}, 7], "answer": {"partition": 2}}],
    ids=["nothing", "nobody", "others"],
)
async def test_answer_of_another_version_is_no_answer(strange: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for an absent key, or an empty page."""
    asked = group()

    async def ask(*_: Any) -> dict[str, Any]:
        return strange

    monkeypatch.setattr(asked, "ask", ask)
    answer = await asked.members[0].asking.key(SOURCE, b"d")
    assert (answer.status, {each["reason"] for each in answer.body["unanswered"]}) == (
        503, {"owner-unreachable", "no-owner"},
    )  # fmt: skip
    page = await asked.members[0].asking.keys(SOURCE, ListQuestion(), Cursor(1))
    assert page.body["unanswered"][0]["message"] == (
        "worker 'w-1' answers something else at http://127.0.0.1:6067: is it of another version?"
    )


async def test_table_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    """To both questions."""
    asking = group().members[0].asking
    for answer in (await asking.key("order.v2", b"k"), await asking.keys("order.v2", ListQuestion(), Cursor())):
        assert (answer.status, answer.body["reason"]) == (404, "unknown-table")
        assert answer.body["message"] == (
            "'order.v2' has no table: did you mean 'order.v1'?; sources that are put in order: order.v1"
        )


async def test_source_that_is_missing_is_no_empty_table() -> None:
    """Nor one that this worker may not see."""
    asked = group()
    asked.count = 0
    answer = await asked.members[0].asking.key(SOURCE, b"k")
    assert (answer.status, answer.body["reason"]) == (503, "source-unavailable")


async def test_tables_are_told_with_their_orders_and_owners() -> None:
    """A lane that has just come counts before what was dealt."""
    asked = group()
    asked.members[0].parts[3] = OwnedPartition(keeps(), carrying=False)
    told = asked.members[0].asking.tables().body
    assert told["instance"] == "w-0"
    table = told["tables"][0]
    assert (table["source"], table["order"]) == (
        SOURCE, {"by": "id", "kind": "sequence", "field": "n", "wait_ms": 5_000},
    )  # fmt: skip
    assert [each["instance"] for each in table["partitions"]] == ["w-0", "w-1", "w-0", "w-0", None]
    assert table["partitions"][1]["url"] == "http://127.0.0.1:6067"


async def test_partition_that_is_just_being_dealt_to_us_is_moving() -> None:
    """It was dealt to this worker, and its lane is not here yet: asked by its own address, it says so."""
    asked = group()
    asked.dealt[4] = Owner(asked.members[0].owner.url, "w-0")
    answer = await asked.members[0].asking.key(SOURCE, b"x")
    assert [each["reason"] for each in answer.body["unanswered"]] == ["moving"]


def crowded() -> TableGroup:
    """Keys that wait in four partitions of two workers, in no order of partition or key."""
    made = TableGroup(4)
    disks = []
    for partition in range(4):
        names = [b"%d-%d" % (partition, number) for number in range(6)]
        disk = keeps(b"idle", waiting=names)
        disk.timers = []
        for number, name in enumerate(names):
            since = 90_000 + (number * 4 + partition) * 7 % 24
            disk.held[state_key(name)] = encode_state(SequenceState(5, 0, held=(Held(6, 41, since),)))
            disk.timers.append((since + 5_000, name))
        disk.timers.sort()
        disks.append(disk)
    return made.deal({0: disks[0], 2: disks[2]}, {1: disks[1], 3: disks[3]})


@pytest.mark.parametrize("worker", [0, 1])
@pytest.mark.parametrize("limit", [1, 5, 24, 25])
async def test_those_that_wait_longest_come_first_of_all_workers(worker: int, limit: int) -> None:
    """Page by page, each once, whoever is asked."""
    asking = crowded().members[worker].asking
    question = ListQuestion(limit=limit)
    found: list[Any] = []
    after = None
    while True:
        page = (await asking.longest(SOURCE, question, after)).body
        assert len(page["keys"]) <= limit
        found += page["keys"]
        if page["cursor"] is None:
            break
        after = question.waited(page["cursor"])
    assert len(found) == len({each["key"]["text"] for each in found}) == 24
    assert [each["since"] for each in found] == sorted(each["since"] for each in found)


async def test_lists_can_say_where_to_go_on_behind_each_key() -> None:
    """For callers that take only some of a page."""
    asking = crowded().members[0].asking
    for ask, read in ((asking.keys, ListQuestion.cursor), (asking.longest, ListQuestion.waited)):
        question = ListQuestion(marked=True, conditions=frozenset({Condition.WAITING}))
        whole = (await ask(SOURCE, question, read(question, ""))).body["keys"]  # type: ignore[operator]
        rest = (await ask(SOURCE, question, read(question, whole[9]["cursor"]))).body["keys"]  # type: ignore[operator]
        assert [each["key"] for each in rest] == [each["key"] for each in whole[10:]]


async def test_what_waits_where_nobody_answers_is_named() -> None:
    """The others are told."""
    asked = crowded()
    asked.down[asked.members[1].owner] = NoAnswer("owner-unreachable", "it is off")
    page = (await asked.members[0].asking.longest(SOURCE, ListQuestion(), None)).body
    assert [(each["partition"], each["reason"]) for each in page["unanswered"]] == [
        (1, "owner-unreachable"),
        (3, "owner-unreachable"),
    ]
    assert (len(page["keys"]), page["looked"]) == (12, 12)
    assert (await asked.members[0].asking.longest("nothing", ListQuestion(), None)).status == 404
