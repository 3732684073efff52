"""Tables of all workers as one, and one key in time."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from support.console import SOURCE, MemoryKafka, MemoryWorkers, busy_sight, new_sight
from support.table_group import TableGroup, keeps

from router.console.keys import CSV_COLUMNS, export, key, table, tables
from router.console.sight import Absent, Sight
from router.tables.questions import WrongQuestion


def shown(told: dict[str, Any]) -> list[str]:
    """The keys of an answer that are text."""
    return [each["key"]["text"] for each in told["keys"] if "text" in each["key"]]


async def test_the_tables_are_listed_with_their_owners() -> None:
    """And what they hold; without a worker, why there are none."""
    told = await tables(await busy_sight(), {})
    assert (told["problem"], told["tables"][0]["held"], len(told["tables"][0]["partitions"])) == (None, (1.0, 3.0), 2)
    assert (await tables(new_sight(), {}))["problem"]["reason"] == "no-worker"


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        pytest.param({"prefix": "ord-"}, ["ord-1", "ord-2", "ord-3"], id="prefix"),
        pytest.param({"state": "waiting"}, ["ord-2"], id="state"),
        pytest.param({"where": "partition == 1"}, ["ord-3"], id="condition"),
        pytest.param({"where": "key == 'ord-1' || holds > 0"}, ["ord-1", "ord-2"], id="key and what it holds"),
        pytest.param({"where": "nothing > 1"}, [], id="a field that no key has"),
        pytest.param({"sort": "waiting"}, ["ord-2"], id="sorted by what waits"),
    ],
)
async def test_keys_are_chosen(asked: dict[str, str], keys: list[str]) -> None:
    """Of all partitions, in order."""
    told = await table(await busy_sight(), {"source": SOURCE, **asked})
    assert (shown(told), told["unanswered"], told["problem"]) == (keys, [], None)


async def test_pages_lead_on_and_have_each_key_once() -> None:
    """However small they are."""
    sight = await busy_sight()
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        told = await table(sight, {"source": SOURCE, "prefix": "ord-", "limit": "1", "cursor": cursor})
        found += shown(told)
        cursor = told["cursor"]
    assert found == ["ord-1", "ord-2", "ord-3"]


async def test_a_partition_that_does_not_answer_is_named() -> None:
    """It does not look empty: in lists, in exports, for one key."""
    sight = await busy_sight()
    assert isinstance(sight.workers, MemoryWorkers)
    assert sight.workers.group is not None
    sight.workers.group.change(0, 1, restoring="its table is read: 3 of 9")
    sight.workers.group.change(0, 0, carrying=False, message="no broker")
    told = await table(sight, {"source": SOURCE})
    assert [(each["partition"], each["reason"]) for each in told["unanswered"]] == [(1, "restoring")]
    assert told["lanes"][0]["partition"] == 0
    assert (
        "restoring"
        in [json.loads(line) async for line in export(sight, {"source": SOURCE})][-1]["unanswered"][0]["reason"]
    )
    assert "not whole" in [line async for line in export(sight, {"source": SOURCE, "as": "csv"})][-1]
    found = await key(sight, {"key": "ord-3"})
    assert "restoring" in [each["reason"] for each in found["unanswered"]]


async def test_without_a_worker_a_table_says_why() -> None:
    """And an export ends with it."""
    sight = new_sight()
    assert (await table(sight, {"source": SOURCE}))["problem"]["reason"] == "no-worker"
    assert (
        json.loads([line async for line in export(sight, {"source": SOURCE})][-1])["unanswered"][0]["reason"]
        == "no-worker"
    )
    assert (await key(sight, {"key": "a"}))["problems"][0]["where"] == SOURCE


async def test_a_wrong_question_is_refused() -> None:
    """As the workers' API refuses it, or before it is asked."""
    sight = await busy_sight()
    with pytest.raises(Absent, match="no table"):
        await table(sight, {"source": "nothing"})
    with pytest.raises(Absent, match="no table"):
        await table(sight, {"source": "../keys"})
    for asked in ({"sort": "size"}, {"state": "asleep"}, {"where": "holds +"}, {"cursor": "x"}):
        with pytest.raises(WrongQuestion):
            await table(sight, {"source": SOURCE, **asked})


async def test_an_export_has_every_key() -> None:
    """As JSON, one a line, or as CSV that no spreadsheet takes for formulas."""
    sight = await busy_sight()
    lines = [json.loads(line) async for line in export(sight, {"source": SOURCE, "where": "partition == 0"})]
    assert {"ord-1", "ord-2"} <= {each["key"].get("text") for each in lines}
    rows = list(
        csv.reader(io.StringIO("".join([line async for line in export(sight, {"source": SOURCE, "as": "csv"})])))
    )
    assert rows[0] == list(CSV_COLUMNS)
    assert len(rows) == len(lines) + 2
    assert "'=1+1" in {row[0] for row in rows}
    assert ["ord-2", "", "0", "waiting"] in [row[:4] for row in rows]


async def test_a_key_is_told_in_time() -> None:
    """From its table, its history, and what was set aside; from the topics where that is asked for."""
    sight = await busy_sight()
    told = await key(sight, {"key": "ord-2"})
    assert (told["found"][0]["source"], told["found"][0]["holds"]) == (SOURCE, 1)
    assert {each["kind"] for each in told["events"]} == {"table", "unroutable", "dead-letters"}
    assert [each["at"] or "" for each in told["events"]] == sorted(each["at"] or "" for each in told["events"])
    more = await key(sight, {"key": "ord-2", "look": "1"})
    assert {(each["kind"], each["what"]) for each in more["events"]} >= {("source", "arrived"), ("narrow", "copied")}
    assert {each["topic"] for each in more["looked"]} >= {SOURCE, "all.order.v1", "paid.order.v1"}


async def test_a_key_of_any_bytes_can_be_looked_up() -> None:
    """One that nobody knows is said to be unknown, and without a key nothing is asked."""
    sight = await busy_sight()
    assert len((await key(sight, {"key-base64": "//4A"}))["found"]) == 1
    unknown = await key(sight, {"key": "no such key"})
    assert (unknown["found"], unknown["events"], unknown["unanswered"]) == ([], [], [])
    assert (await key(sight, {}))["key"] is None


async def test_without_kafka_the_tables_still_tell() -> None:
    """And what could not be looked at is named."""
    sight = await busy_sight()
    assert isinstance(sight.kafka, MemoryKafka)
    sight.kafka.down = "refused"
    told = await key(sight, {"key": "ord-2"})
    assert (len(told["found"]), told["problems"][0]["where"]) == (1, "Kafka")


async def test_those_that_wait_longest_are_paged_too() -> None:
    """By a cursor of their own."""
    sight = await crowded_sight()
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        told = await table(sight, {"source": SOURCE, "sort": "waiting", "limit": "7", "cursor": cursor})
        found += shown(told)
        cursor = told["cursor"]
    assert sorted(found) == [f"w-{number:03}" for number in range(40)]


@pytest.mark.parametrize("sort", ["", "waiting"])
async def test_a_condition_is_asked_of_more_keys_than_are_shown(sort: str) -> None:
    """Pages lead on exactly behind the last that was shown, and say how many were looked at."""
    sight = await crowded_sight()
    found: list[str] = []
    looked = 0
    cursor: str | None = ""
    while cursor is not None:
        asked = {"source": SOURCE, "where": "key.endsWith('3') && holds > 0", "limit": "1", "sort": sort}
        told = await table(sight, {**asked, "cursor": cursor})
        assert len(told["keys"]) <= 1
        assert all("cursor" not in each for each in told["keys"])
        found += shown(told)
        looked += told["looked"]
        cursor = told["cursor"]
    assert found == ["w-003", "w-013", "w-023", "w-033"]
    assert looked == (40 if sort else 42)


async def test_a_page_that_takes_long_ends_with_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """And leads on from there."""
    sight = await crowded_sight()
    monkeypatch.setattr("router.console.keys._ENOUGH_SECONDS", 0.0)
    monkeypatch.setattr("router.console.keys._ASKED_AT_ONCE", 10)
    told = await table(sight, {"source": SOURCE, "where": "key == 'w-039'", "state": "waiting"})
    assert (shown(told), told["looked"], told["cursor"] is None) == ([], 10, False)


async def crowded_sight() -> Sight:
    """Forty keys that wait, and two that do not."""
    names = [b"w-%03d" % number for number in range(40)]
    group = TableGroup(2).deal({0: keeps(b"a", waiting=names[:25]), 1: keeps(b"z", waiting=names[25:])})
    return new_sight(workers=MemoryWorkers(group))
