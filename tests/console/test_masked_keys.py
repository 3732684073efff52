"""Keys that are masked: asked for in every view, export and answer, and followed by what stands for them."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from support.console import (
    ACTS,
    SCHEMA,
    SOURCE,
    MemoryKafka,
    MemoryWorkers,
    bearer,
    new_sight,
    order,
    served,
    today,
)
from support.table_group import TableGroup, keeps

from router.console.access import Role
from router.console.pages import QUESTIONS
from router.console.sealing import SEALED
from router.console.sight import Sight
from router.order.stored import record_key, state_key

KEY = "ann.smith@x.org"
OTHER = b"ben.jones@x.org"
TODAY = today(schemas={"order/v1.avsc": SCHEMA, "order/subject.yaml": "mask-key: true\n"})
CHANGELOG = "shop-order.v1-changelog"
TOPICS = (
    SOURCE,
    "all.order.v1",
    "paid.order.v1",
    "order.v1.dead-letters",
    "order.v1.unroutable",
    "paid.order.v1.parked",
)
HEADERS = (("router-origin", b"order.v1/0/0"), ("customer", KEY.encode()), (KEY, b"who"))
DIED = (("router-reason", b"unreadable"), ("router-error", f"no such customer: {KEY}".encode()), *HEADERS)


async def sight() -> Sight:
    """Records, table, changelog, dead letters and parked keys of somebody whose address is her key."""
    names = (*TOPICS, CHANGELOG, "plain.v1")
    kafka = MemoryKafka(dict.fromkeys(names, 2))
    for topic in TOPICS:
        died = DIED if topic.endswith("letters") else HEADERS
        kafka.put(topic, order(id=KEY, status="paid"), key=KEY.encode(), headers=died)
        kafka.put(topic, b"\xff" + KEY.encode(), key=KEY.encode(), headers=died)
        kafka.put(topic, None, key=KEY.encode(), headers=died)
        kafka.put(topic, order(id=OTHER.decode()), key=OTHER, headers=())
    for key in (state_key(KEY.encode()), record_key(KEY.encode(), 41)):
        kafka.put(CHANGELOG, b"\x01\x01" + KEY.encode(), key=key)
    parked = {
        "topic": "paid.order.v1",
        "lane": "order.v1/0",
        "state": "parked",
        "since": 1_000,
        "until": None,
        "came_back": 1,
        "held": 2,
    }
    keys = [{**parked, "key": KEY}, {**parked, "key": None}]
    answers: dict[str, Any] = {
        **ACTS, "/api/kept": (200, {"keys": keys, "cursor": f"0.{KEY}", "unanswered": [], "looked": 2}), "/api/parked/release": (202, {"command": "0123abcd", "keys": keys[:1]}),
        "/api/parked/give-up": (202, {"command": "0123abcd", "keys": keys[:1]}),
    }  # fmt: skip
    group = TableGroup(2).deal({0: keeps(b"idle@x.org", waiting=[KEY.encode(), OTHER]), 1: keeps(b"zoe@x.org")})
    made = new_sight(kafka, MemoryWorkers(group, answers=answers), of=TODAY)
    await made.watching.look()
    return made


STANDS = TODAY.shower.masks.seal.seal(KEY.encode())
BETRAYING = (
    "ann.smith",
    "ben.jones",
    "idle@x",
    "zoe@x",
    *(base64.b64encode(b"x" * n + KEY.encode()).decode()[4:-8] for n in range(3)),
)
MESSAGE = quote('{"id": "a", "n": 1, "status": "paid"}')
ADDRESSES = [
    "/", "/troubles", "/flows", "/workers", "/topics", f"/topics/{SOURCE}", "/tables", "/dead-letters", "/parked", "/migrations",
    *(f"/topics/{topic}/records" for topic in (*TOPICS, CHANGELOG)),
    *(f"/topics/{topic}/0/{offset}" for topic in (*TOPICS, CHANGELOG) for offset in (0, 1)),
    f"/topics/{SOURCE}/download", f"/topics/{CHANGELOG}/download", f"/topics/{SOURCE}/records?key={STANDS}",
    f"/topics/{SOURCE}/records?where={quote('key != ' + repr('a'))}", f"/topics/{SOURCE}/tail?from=oldest",
    f"/tables/{SOURCE}", f"/tables/{SOURCE}?sort=waiting", f"/tables/{SOURCE}?limit=1", f"/tables/{SOURCE}?sort=waiting&limit=1",
    f"/tables/{SOURCE}?where=holds%20%3E%200", f"/tables/{SOURCE}/export", f"/tables/{SOURCE}/export?as=csv",
    f"/keys/{STANDS}", f"/keys/{STANDS}?look=1", f"/dead-letters?key={STANDS}", f"/dead-letters?topic={SOURCE}.dead-letters",
    f"/dead-letters/redrive?topic={SOURCE}.dead-letters&key={STANDS}", "/commands/0123abcd",
    f"/why?at={SOURCE}/0/0", f"/why?at={SOURCE}/0/2", f"/why?topic={SOURCE}&key={STANDS}&value={MESSAGE}", "/migrations/order/v1-v2",
]  # fmt: skip
ACTED = [
    ("/parked/release", {"topic": "paid.order.v1", "key": STANDS, "reason": "why"}),
    ("/parked/give-up", {"topic": "paid.order.v1", "key": STANDS, "reason": "why"}),
    ("/dead-letters/redrive", {"topic": f"{SOURCE}.dead-letters", "key": STANDS, "reason": "why"}),
    ("/why", {"topic": SOURCE, "key": STANDS, "value": '{"id": "a", "n": 1, "status": "paid"}', "routes": "version: 1"}),
]  # fmt: skip


@pytest.mark.parametrize("form", ["", "/api/v1"], ids=["page", "json"])
async def test_no_answer_has_a_masked_key(form: str) -> None:
    """Neither as it is nor as base64, in any cursor, link, message or header; every question is asked."""
    asked = set()
    async with served(await sight()) as client:
        for address in ADDRESSES:
            if address.endswith("tail?from=oldest"):
                answer = await client.get(f"{form}{address}", headers=bearer(Role.OPERATOR))
                text = (await answer.content.readuntil(b"\n\n")).decode()
                answer.close()
            else:
                path = "/api/v1/overview" if form and address == "/" else f"{form}{address}"
                if not form and address in {"/troubles", "/flows"}:
                    continue
                answer = await client.get(path, headers=bearer(Role.OPERATOR))
                text = await answer.text()
            assert answer.status in {200, 404}, (address, text)
            assert not [each for each in BETRAYING if each in text], (address, text)
            asked.add(address)
        for address, body in ACTED:
            answer = await client.post(
                f"{form}{address}", json=body, headers=bearer(Role.OPERATOR), allow_redirects=False
            )
            text = await answer.text()
            assert answer.status in {200, 303}, (address, text)
            assert not [each for each in BETRAYING if each in text], (address, text)
            asked.add(address)
    assert len(asked) >= len(QUESTIONS)


async def test_what_stands_for_a_key_leads_to_it() -> None:
    """To its records, its table's entry, its history, its dead letters; and it is what the pages have."""
    async with served(await sight()) as client:

        async def get(path: str) -> Any:
            answer = await client.get(f"/api/v1{path}", headers=bearer())
            return json.loads(await answer.text())

        listed = (await get(f"/tables/{SOURCE}?sort=waiting"))["keys"]
        assert STANDS in [each["key"]["text"] for each in listed]
        assert all(each["key"]["text"].startswith(SEALED) for each in listed)
        told = await get(f"/keys/{STANDS}?look=1")
        assert [each["holds"] for each in told["found"]] == [1]
        assert {each["topic"] for each in told["events"]} >= {SOURCE, "all.order.v1", "order.v1.dead-letters"}
        found = await get(f"/topics/{SOURCE}/records?key={STANDS}")
        assert {each["key"]["text"] for each in found["records"]} == {STANDS}
        assert [each["value"]["id"] for each in found["records"] if each["value"]] == [STANDS]
        assert (await get(f"/dead-letters?key={STANDS}"))["deaths"] == 3


async def test_who_knows_a_key_learns_nothing_by_it() -> None:
    """Not that it is there, nor how it begins; conditions see what stands for it."""
    asked = await sight()
    async with served(asked) as client:

        async def get(path: str, *, status: int = 200) -> Any:
            answer = await client.get(f"/api/v1{path}", headers=bearer(Role.OPERATOR))
            assert answer.status == status, await answer.text()
            return json.loads(await answer.text())

        told = await get(f"/keys?key={KEY}&look=1")
        assert (told["found"], told["events"]) == ([], [])
        assert (await get(f"/topics/{SOURCE}/records?key={KEY}"))["records"] == []
        assert (await get(f"/dead-letters?key={KEY}"))["deaths"] == 0
        await get(f"/tables/{SOURCE}?prefix=ann", status=400)
        await get(f"/tables/{SOURCE}/export?prefix-base64=YW5u", status=400)
        await get(f"/tables/{SOURCE}?cursor=x", status=400)
        guess = quote("key.startsWith('ann')")
        assert (await get(f"/tables/{SOURCE}?where={guess}"))["keys"] == []
        assert (await get(f"/topics/{SOURCE}/records?where={guess}"))["records"] == []
        await get(f"/dead-letters/redrive?topic={SOURCE}.dead-letters&key={KEY}", status=400)
        await get(f"/dead-letters/redrive?key={STANDS}", status=400)
        body = {"topic": "paid.order.v1", "key": KEY, "reason": "why"}
        answer = await client.post("/api/v1/parked/release", json=body, headers=bearer(Role.OPERATOR))
        assert answer.status == 400


async def test_workers_are_told_the_key_itself() -> None:
    """They know no other."""
    asked = await sight()
    assert isinstance(asked.workers, MemoryWorkers)
    async with served(asked) as client:
        for address, body in ACTED[:3]:
            await client.post(f"/api/v1{address}", json=body, headers=bearer(Role.OPERATOR))
    told = [each.get("key") or each["selection"]["key"] for each in asked.workers.bodies]
    assert told == [KEY, KEY, KEY]


async def test_pages_of_a_table_lead_on_behind_masked_keys() -> None:
    """Each key once, by cursors that nobody can read."""
    async with served(await sight()) as client:
        for sort, count in (("", 4), ("waiting", 2)):
            found, cursor = [], ""
            while cursor is not None:
                path = f"/api/v1/tables/{SOURCE}?limit=1&sort={sort}&cursor={cursor}"
                told = json.loads(await (await client.get(path, headers=bearer())).text())
                found += [each["key"]["text"] for each in told["keys"]]
                cursor = told["cursor"]
            assert len(found) == len(set(found)) == count


async def test_keys_of_other_subjects_are_shown() -> None:
    """And nothing of the router's own topics is hidden where nothing is masked."""
    kafka = MemoryKafka({"plain.v1": 1, SOURCE: 1, CHANGELOG: 1})
    kafka.put("plain.v1", b"{}", key=KEY.encode())
    kafka.put(CHANGELOG, b"\x01", key=state_key(KEY.encode()))
    for of, topic, shown in (
        (TODAY, "plain.v1", True),
        (today(schemas={"order/v1.avsc": SCHEMA}), CHANGELOG, True),
        (TODAY, CHANGELOG, False),
    ):
        async with served(new_sight(kafka, of=of)) as client:
            text = await (await client.get(f"/api/v1/topics/{topic}/records", headers=bearer())).text()
        assert (KEY in text) is shown
