"""What the console makes of an index's answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from support.console import SCHEMA, SOURCE, MemoryWorkers, busy_sight, new_sight, today

from router.console.copies import copies_of_key, copies_of_record
from router.console.keys import key
from router.console.records import record
from router.console.sight import Sight

COPY: dict[str, Any] = {
    "topic": "all.order.v1",
    "partition": 0,
    "offset": 3,
    "at": "2026-01-01T00:00:00.000Z",
    "origin": "order.v1/0/3",
}
TOLD: dict[str, Any] = {
    "copies": [COPY], "cut": True, "problem": "", "behind": [{"topic": "paid.order.v1", "partition": 0, "read_to": 1, "end": 9}],
}  # fmt: skip


def indexed(sight: Sight, status: int = 200, told: dict[str, Any] = TOLD) -> Sight:
    """With an index that answers so."""
    assert isinstance(sight.workers, MemoryWorkers)
    sight.workers.answers["/api/copies"] = (status, told)
    return replace(sight, index="http://index")


async def test_copies_are_events_of_a_key() -> None:
    """Each leads to its record and says what it was made of; what is not known is said with them."""
    told = await key(indexed(await busy_sight()), {"key": "ord-1"})
    (copied,) = [each for each in told["events"] if each["kind"] == "narrow"]
    assert (copied["what"], copied["page"]) == ("copied from order.v1/0/3", "/topics/all.order.v1/0/3")
    assert told["index"] == {"problem": "", "cut": True, "behind": TOLD["behind"]}


async def test_a_copy_that_was_looked_for_is_told_once() -> None:
    """By what was found in the topic."""
    sight = indexed(await busy_sight(), told={**TOLD, "copies": [{**COPY, "offset": 0}]})
    told = await key(sight, {"key": "ord-1", "look": "1"})
    copies = [
        each for each in told["events"] if each["kind"] == "narrow" and each["offset"] == 0 and each["partition"] == 0
    ]
    assert [each["what"] for each in copies] == ["copied"]


async def test_without_an_index_nobody_is_asked() -> None:
    """And that is said."""
    sight = await busy_sight()
    assert (await key(sight, {"key": "ord-1"}))["index"] is None
    assert await copies_of_record(sight, "order.v1/0/3") is None
    assert isinstance(sight.workers, MemoryWorkers)
    assert "/api/copies" not in sight.workers.asked


async def test_an_index_that_does_not_answer_is_said_to() -> None:
    """The rest is told all the same."""
    sight = indexed(await busy_sight(), 0, {"reason": "no-worker", "message": "nobody is there"})
    told = await key(sight, {"key": "ord-1"})
    assert told["index"]["problem"] == "the index of origins does not answer: nobody is there"
    assert told["found"]


async def test_an_index_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than for a moment: all else that is known of the key is told then."""
    monkeypatch.setattr("router.console.copies._WITHIN_SECONDS", 0.01)
    sight = indexed(await busy_sight())
    monkeypatch.setattr(sight.workers, "api", hangs)
    assert (await copies_of_key(sight, b"k"))["index"]["problem"].endswith("no answer in 0.01 s")


async def hangs(*_: Any, **__: Any) -> None:
    """Nothing comes of it."""
    await asyncio.Event().wait()


async def test_a_record_has_its_copies() -> None:
    """By its place."""
    told = await record(indexed(await busy_sight()), {"topic": SOURCE, "partition": "0", "offset": "0"})
    assert told["copies"]["copies"] == ["all.order.v1/0/3"]


@pytest.mark.parametrize(("asks", "seen"), [("ann@x.org", 0), ("", 1)], ids=["the key", "what stands for it"])
async def test_copies_of_a_masked_key_are_told_to_who_has_seen_it(asks: str, seen: int) -> None:
    """Not to whoever knows the key."""
    masked = today(schemas={"order/v1.avsc": SCHEMA, "order/subject.yaml": "mask-key: true\n"})
    sight = indexed(new_sight(workers=MemoryWorkers(), of=masked))
    wanted = asks or masked.shower.masks.seal.seal(b"ann@x.org")
    assert len((await copies_of_key(sight, wanted.encode()))["events"]) == seen
