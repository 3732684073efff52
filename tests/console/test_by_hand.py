"""What else an operator may ask workers to do, for programs."""

from __future__ import annotations

import json

import pytest
from support.console import SECRET, MemoryWorkers, bearer, busy_sight, served

from router.console.access import Role
from router.console.by_hand import edit, offsets, progress, replay, skip_letters, skip_record
from router.console.sight import Absent, Sight
from router.tables.questions import WrongQuestion

WHO = {"author": "ann (operator)", "reason": " it is time "}
TOLD = {"author": "ann (operator)", "reason": "it is time"}
DRY = {"author": "ann (operator)", "dry-run": "1"}


@pytest.fixture
async def sight() -> Sight:
    """With a worker that does what it is asked."""
    return await busy_sight()


def asked(sight: Sight) -> tuple[str, dict[str, object]]:
    """Where the worker was asked last, and what."""
    assert isinstance(sight.workers, MemoryWorkers)
    return sight.workers.asked[-1], dict(sight.workers.bodies[-1])


async def test_letters_are_skipped(sight: Sight) -> None:
    """First what would be, without what is masked; then by whom and why."""
    told = await skip_letters(sight, {**DRY, "topic": "order.v1.dead-letters", "cause": "0123abcd"})
    body = {"topics": ["order.v1"], "selection": {"cause": "0123abcd"}}
    assert asked(sight) == ("/api/dead-letters/plan", body | {"kind": "skip"})
    assert (told["command"], told["plan"]["letters"], SECRET in json.dumps(told)) == (None, 2, False)
    told = await skip_letters(sight, {**WHO, "topic": "order.v1.dead-letters", "cause": "0123abcd"})
    assert asked(sight) == ("/api/dead-letters/skip", body | TOLD)
    assert (told["command"]["kind"], told["goes_to"]) == ("skip", "/commands/0123abcd")


async def test_letter_is_edited(sight: Sight) -> None:
    """One, by its place."""
    change = {"at": "order.v1.dead-letters/0/1", "value": '{"n": 1}', "to": "paid.order.v1"}
    told = await edit(sight, {**DRY, **change})
    assert asked(sight) == ("/api/dead-letters/plan", change | {"kind": "edit"})
    assert (told["plan"]["letters"], SECRET in json.dumps(told)) == (2, False)
    await edit(sight, {**WHO, **change, "to": ""})
    assert asked(sight) == ("/api/dead-letters/edit", {"at": change["at"], "value": change["value"], **TOLD})


async def test_record_is_skipped_for_a_group(sight: Sight) -> None:
    """Where it stands, what would be done, and the deed."""
    assert (await offsets(sight, {"group": ""}))["standing"] is None
    at = {"group": "refunds", "topic": "order.v1", "partition": "0"}
    assert (await offsets(sight, at))["standing"]["state"] == "Empty"
    told = await skip_record(sight, {**DRY, **at, "offset": "7", "mark": "1"})
    assert asked(sight) == ("/api/offsets/plan", {**at, "offset": "7", "mark": True})
    assert (told["plan"]["to"], told["command"]) == (8, None)
    told = await skip_record(sight, {**WHO, **at, "offset": "7"})
    assert asked(sight) == ("/api/offsets/skip", {**at, "offset": "7", "mark": False, **TOLD})
    assert (told["command"], told["plan"]) == ("0123abcd", None)


async def test_stretch_is_replayed(sight: Sight) -> None:
    """Counted, begun, and watched by its id, and by nothing else that an address could say."""
    wish = {"topic": "all.order.v1", "from": "2h", "partition": "3"}
    told = await replay(sight, {**DRY, **wish, "until": ""})
    assert asked(sight) == ("/api/replays/plan", wish)
    assert (told["plan"]["meant"], told["replay"]) == (1, None)
    told = await replay(sight, {**WHO, **wish})
    assert asked(sight) == ("/api/replays", wish | TOLD)
    assert (told["replay"], told["goes_to"]) == ("0123abcd", "/replays/0123abcd")
    assert (await progress(sight, {"command": "0123abcd"}))["replay"]["state"] == "running"
    for name in ("../tables", "x", "a" * 33):
        with pytest.raises(Absent, match="no replay's id"):
            await progress(sight, {"command": name})
    with pytest.raises(Absent, match="no replay ff"):
        await progress(sight, {"command": "ff"})


async def test_nobody_counts_what_is_masked(sight: Sight) -> None:
    """An expression over a field that is hidden would tell it by how many records it holds of."""
    with pytest.raises(WrongQuestion, match="masked"):
        await replay(sight, {**DRY, "topic": "all.order.v1", "from": "0", "where": "email == 'a'"})


async def test_nothing_is_done_without_a_reason(sight: Sight) -> None:
    """Nobody is asked to."""
    assert isinstance(sight.workers, MemoryWorkers)
    for act in (skip_letters, edit, skip_record, replay):
        before = len(sight.workers.bodies)
        with pytest.raises(WrongQuestion, match="reason"):
            await act(sight, {"author": "ann", "reason": " ", "topic": "order.v1"})
        assert len(sight.workers.bodies) == before


async def test_what_a_worker_does_not_do_is_told(sight: Sight) -> None:
    """With its words, and a status that programs know."""
    assert isinstance(sight.workers, MemoryWorkers)
    active = {"reason": "group-active", "message": "only its own members", "what_to_do": ""}
    nobody = {"reason": "no-worker", "message": "none", "what_to_do": ""}
    sight.workers.answers |= {
        "/api/offsets/skip": (409, active),
        "/api/replays": (400, {"message": "no route leads there"}),
        "/api/offsets": (0, nobody),
        "/api/replays/0123abcd": (0, nobody),
        "/api/dead-letters/plan": (0, nobody),
    }
    assert (await offsets(sight, {"group": "g"}))["problem"] == nobody
    assert (await progress(sight, {"command": "0123abcd"}))["problem"] == nobody
    assert (await edit(sight, {**DRY}))["plan"] is None
    sight.workers.answers["/api/offsets"] = (400, {"message": "there is no topic"})
    with pytest.raises(WrongQuestion, match="there is no topic"):
        await offsets(sight, {"group": "g"})
    async with served(sight) as client:
        for path, status in (("offsets/skip", 409), ("replays", 400)):
            answer = await client.post(f"/api/v1/{path}", json={"reason": "x"}, headers=bearer(Role.OPERATOR))
            assert answer.status == status, await answer.text()
