"""Asking workers over HTTP: what they say, and that one that does not answer is a fact."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from router.console.workers import Workers

METRICS = 'router_records_in_total{source="a"} 5\n'


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A worker that tells which token it got."""

    async def ready(_: web.Request) -> web.Response:
        return web.json_response({"ready": False, "instance": "w-0", "problems": []}, status=503)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=METRICS)

    async def tables(request: web.Request) -> web.Response:
        return web.json_response({"token": request.headers["Authorization"], "asked": dict(request.query)})

    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://elsewhere.invalid/")

    async def strange(_: web.Request) -> web.Response:
        return web.Response(text=json.dumps([]))

    async def large(_: web.Request) -> web.Response:
        return web.json_response({"keys": ["x" * 1_000] * 2_000})

    app = web.Application()
    for path, page in {
        "/large": large,
        "/readyz": ready,
        "/metrics": metrics,
        "/api/tables": tables,
        "/away": away,
        "/strange/readyz": strange,
    }.items():
        app.router.add_get(path, page)
    app.router.add_get("/strange/metrics", metrics)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_a_worker_tells_how_it_is_and_what_it_counts(url: str) -> None:
    """Whether it is ready or not."""
    workers = Workers("token")
    facts, counted = await workers.look(url)
    assert facts.ready is not None
    assert (facts.instance, facts.ready["ready"]) == ("w-0", False)
    assert counted is not None
    assert counted.records == {"a": 5.0}
    await workers.close()
    await workers.close()


async def test_what_does_not_answer_or_is_no_worker_is_a_fact(url: str) -> None:
    """With why."""
    workers = Workers(None)
    refused, _ = await workers.look("http://127.0.0.1:1")
    strange, _ = await workers.look(f"{url}/strange")
    absent, _ = await workers.look(f"{url}/absent")
    assert refused.ready is strange.ready is absent.ready is None
    assert refused.problem
    assert "no worker of this version" in strange.problem
    assert "no worker of this version" in absent.problem
    await workers.close()


async def test_the_first_that_answers_is_asked_with_the_token(url: str) -> None:
    """Parameters go along; where none answers, why."""
    workers = Workers("token-of-the-group")
    status, body = await workers.api(["http://127.0.0.1:1", url], "/api/tables", {"key": "a b&c"})
    assert (status, body) == (200, {"token": "Bearer token-of-the-group", "asked": {"key": "a b&c"}})
    status, body = await workers.api(["http://127.0.0.1:1", f"{url}/absent"], "/api/tables", {})
    assert (status, body["reason"]) == (0, "no-worker")
    assert (await workers.api([], "/api/tables", {}))[1]["message"].endswith("(none is known)")
    await workers.close()


async def test_without_a_token_nothing_is_asked(url: str) -> None:
    """And the token goes to no other address that a worker may name."""
    assert (await Workers(None).api([url], "/api/tables", {}))[1]["reason"] == "no-token"
    workers = Workers("token")
    status, body = await workers.api([url], "/away", {})
    assert (status, body["reason"]) == (0, "no-worker")
    await workers.close()


async def test_an_answer_is_read_whole(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many packets it comes in, up to what nobody could show."""
    workers = Workers("token")
    status, body = await workers.api([url], "/large", {})
    assert (status, len(body["keys"])) == (200, 2_000)
    monkeypatch.setattr("router.console.workers._LARGEST", 1_000_000)
    assert (await workers.api([url], "/large", {}))[1]["reason"] == "no-worker"
    await workers.close()
