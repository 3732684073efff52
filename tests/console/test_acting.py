"""What an operator may ask workers to do."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.console import SCRIPT, SECRET, TOKENS, MemoryWorkers, bearer, busy_sight, served

from router.console.access import Role
from router.console.acting import command, give_up, parked, plan, redrive, release, stop
from router.console.sight import Absent, Sight
from router.console.workers import Workers
from router.tables.questions import WrongQuestion

WHO = {"author": "ann (operator)", "reason": " it is time "}


@pytest.fixture
async def sight() -> Sight:
    """With a worker that does what it is asked."""
    return await busy_sight()


def asked(sight: Sight) -> dict[str, object]:
    """What the worker was asked last."""
    assert isinstance(sight.workers, MemoryWorkers)
    return dict(sight.workers.bodies[-1])


async def test_a_plan_is_shown_before_anything_is_done(sight: Sight) -> None:
    """Of just what was chosen, and without what is masked."""
    told = await plan(sight, {"topic": "order.v1.dead-letters", "cause": "0123abcd", "key": ""})
    assert asked(sight) == {"topics": ["order.v1"], "selection": {"cause": "0123abcd"}}
    assert (told["plan"]["letters"], told["problem"], SECRET in json.dumps(told)) == (2, None, False)
    everything = await plan(sight, {})
    assert (asked(sight)["topics"], SECRET in json.dumps(everything)) == ([], False)


async def test_a_redrive_is_told_who_and_why(sight: Sight) -> None:
    """Who is whom the console let in; without a why nothing is asked of anybody."""
    told = await redrive(sight, {**WHO, "topic": "order.v1.dead-letters", "rate": "7"})
    assert told["goes_to"] == "/commands/0123abcd"
    assert asked(sight) == {
        "topics": ["order.v1"],
        "selection": {},
        "author": "ann (operator)",
        "reason": "it is time",
        "rate": 7.0,
    }
    for wrong in ({"reason": " "}, {"rate": "0"}, {"rate": "-1"}, {"rate": "٣"}):
        with pytest.raises(WrongQuestion):
            await redrive(sight, {**WHO, **wrong})


async def test_a_command_is_watched_and_stopped(sight: Sight) -> None:
    """By its id, and by nothing else that an address could say."""
    assert (await command(sight, {"command": "0123abcd"}))["command"]["state"] == "ended"
    assert (await stop(sight, {**WHO, "command": "0123abcd"}))["goes_to"] == "/commands/0123abcd"
    for name in ("../tables", "", "x", "a" * 33):
        with pytest.raises(Absent, match="no command's id"):
            await command(sight, {"command": name})
    assert isinstance(sight.workers, MemoryWorkers)
    sight.workers.answers |= {"/api/commands/ff": (404, {}), "/api/commands/ff/stop": (404, {})}
    for asks in (command, stop):
        with pytest.raises(Absent, match="no worker"):
            await asks(sight, {"command": "ff"})


async def test_parked_keys_are_let_go_one_by_one_or_all(sight: Sight) -> None:
    """All only where that is said."""
    assert len((await parked(sight, {}))["keys"]) == 2
    assert (await release(sight, {**WHO, "topic": "paid.order.v1", "key": "a"}))[
        "goes_to"
    ] == "/parked?topic=paid.order.v1"
    assert asked(sight) == {"topic": "paid.order.v1", "author": "ann (operator)", "reason": "it is time", "key": "a"}
    await give_up(sight, {**WHO, "topic": "paid.order.v1", "all": "1"})
    assert asked(sight)["all"] is True
    for wrong in ({"topic": "t"}, {"key": "a"}, {"topic": "t", "key": "a", "all": "1"}):
        with pytest.raises(WrongQuestion):
            await release(sight, {**WHO, **wrong})


async def test_what_a_worker_does_not_do_is_told(sight: Sight) -> None:
    """With its words: it is busy, it does not understand, it does not answer."""
    assert isinstance(sight.workers, MemoryWorkers)
    busy = {"reason": "busy", "message": "another command runs", "what_to_do": ""}
    sight.workers.answers |= {
        "/api/dead-letters/redrive": (409, busy),
        "/api/parked/release": (400, {"message": "no such topic"}),
        "/api/kept": (0, {"reason": "no-worker", "message": "none", "what_to_do": ""}),
        "/api/commands/0123abcd": (0, {"reason": "no-worker", "message": "none", "what_to_do": ""}),
        "/api/dead-letters/plan": (0, {"reason": "no-worker", "message": "none", "what_to_do": ""}),
    }
    assert (await redrive(sight, WHO))["problem"] == busy
    with pytest.raises(WrongQuestion, match="no such topic"):
        await release(sight, {**WHO, "topic": "t", "key": "a"})
    assert (await parked(sight, {}))["problem"]["reason"] == "no-worker"
    assert (await command(sight, {"command": "0123abcd"}))["problem"]["reason"] == "no-worker"
    assert (await plan(sight, {}))["plan"] is None
    async with served(sight) as client:
        for path in ("/dead-letters/redrive", "/api/v1/dead-letters/redrive"):
            answer = await client.post(path, json={"reason": "x"}, headers=bearer(Role.OPERATOR))
            assert (answer.status, "another command runs" in await answer.text()) == (409, True)


async def test_acts_are_for_operators(sight: Sight) -> None:
    """A viewer sees no button for what she may not do; an operator's form says who he is, whatever it carries."""
    async with served(sight) as client:
        await client.get("/enter", params={"token": TOKENS[Role.VIEWER]})
        for path in ("/dead-letters", "/parked"):
            page = await (await client.get(path)).text()
            assert "/dead-letters/redrive" not in page
            assert "/parked/release" not in page
        await client.get("/enter", params={"token": TOKENS[Role.OPERATOR]})
        page = await (await client.get("/dead-letters/redrive")).text()
        form = page.split('name="form" value="')[1].split('"')[0]
        told = {"form": form, "reason": "it is time", "author": "somebody else", "topic": "order.v1.dead-letters"}
        answer = await client.post("/dead-letters/redrive", data=told, allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/commands/0123abcd")
        assert asked(sight)["author"] == "operator"
        shown = await (await client.get("/commands/0123abcd")).text()
        assert SCRIPT not in shown


async def test_a_command_that_runs_has_a_page(sight: Sight) -> None:
    """It has done nothing yet, and no lane has got anything; whoever may can stop it."""
    assert isinstance(sight.workers, MemoryWorkers)
    begun = {
        "command": "0123abcd",
        "kind": "redrive",
        "author": "ann",
        "reason": "why",
        "state": "running",
        "letters": 0,
        "problem": "",
    }
    sight.workers.answers["/api/commands/0123abcd"] = (200, begun)
    async with served(sight) as client:
        answer = await client.get("/commands/0123abcd", headers=bearer(Role.OPERATOR))
        assert (answer.status, "Stop it" in await answer.text()) == (200, True)


@pytest.fixture
async def two() -> AsyncIterator[list[str]]:
    """A worker that knows nothing, and one that knows a command; each counts what it is asked."""
    counts = {"slow": 0, "known": 0}

    async def unknown(_: web.Request) -> web.Response:
        return web.json_response({"reason": "unknown-command"}, status=404)

    async def known(request: web.Request) -> web.Response:
        counts["known"] += 1
        return web.json_response({"state": "running", "method": request.method, "count": counts["known"]})

    async def hang_up(request: web.Request) -> web.Response:
        counts["slow"] += 1
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    first, second = web.Application(), web.Application()
    first.router.add_get("/c", unknown)
    first.router.add_post("/act", hang_up)
    second.router.add_get("/c", known)
    second.router.add_post("/act", known)
    async with TestServer(first) as one, TestServer(second) as other:
        yield [str(one.make_url("")).rstrip("/"), str(other.make_url("")).rstrip("/")]


async def test_a_command_is_asked_of_whoever_knows_it_and_told_to_one_alone(two: list[str]) -> None:
    """Where one may have begun and does not say, nobody else is asked to do it once more."""
    workers = Workers("token")
    assert (await workers.api(two, "/c", {}, whoever_knows=True))[1]["state"] == "running"
    assert (await workers.api(two, "/c", {}))[0] == 404
    assert (await workers.api(two[:1], "/c", {}, whoever_knows=True))[0] == 404
    assert (await workers.api(two, "/act", {}, body={}))[1]["reason"] == "no-worker"
    status, told = await workers.api(["http://127.0.0.1:1", two[1]], "/act", {}, body={})
    assert (status, told["method"]) == (200, "POST")
    await workers.close()
