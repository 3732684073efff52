"""Asking another worker, over HTTP on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from support.worker import free_port

from router.tables.owners import Owner
from router.tables.peers import HttpPeers, NoAnswer

TOKEN = "0123456789abcdef"


@asynccontextmanager
async def worker(answer: Any) -> AsyncIterator[tuple[HttpPeers, Owner, list[web.Request]]]:
    """A worker that answers so, and who asks it."""
    requests: list[web.Request] = []

    async def get(request: web.Request) -> Any:
        requests.append(request)
        return answer() if callable(answer) else await answer

    app = web.Application()
    app.router.add_get("/api/x", get)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    peers = HttpPeers(TOKEN)
    try:
        yield peers, Owner(f"http://127.0.0.1:{runner.addresses[0][1]}", "w-1"), requests
    finally:
        await peers.close()
        await runner.cleanup()


async def test_worker_is_asked_with_the_token() -> None:
    """And its parameters, whatever they hold; the connection is kept for the next question."""
    async with worker(lambda: web.json_response({"instance": "w-1", "n": 1})) as (peers, owner, requests):
        assert await peers.ask(owner, "/api/x", {"key-base64": "-_8="}) == {"instance": "w-1", "n": 1}
        assert await peers.ask(owner, "/api/x", {}) == {"instance": "w-1", "n": 1}
        assert requests[0].headers["Authorization"] == f"Bearer {TOKEN}"
        assert requests[0].query == {"key-base64": "-_8="}


@pytest.mark.parametrize(
    ("answer", "reason", "said"),
    [
        pytest.param(lambda: web.Response(status=401), "owner-refuses", "worker 'w-1' does not take this worker's token", id="token"),
        pytest.param(lambda: web.Response(status=403), "owner-refuses", "worker 'w-1' does not take this worker's token", id="off"),
        pytest.param(lambda: web.Response(status=404), "owner-unreachable", "worker 'w-1' answers 404 at", id="version"),
        pytest.param(lambda: web.Response(status=302, headers={"Location": "/api/x"}), "owner-unreachable", "answers 302", id="redirect"),
        pytest.param(lambda: web.Response(text="<html>"), "owner-unreachable", "worker 'w-1' does not answer at", id="no-json"),
        pytest.param(lambda: web.json_response([1]), "owner-unreachable", "answers something else", id="no-object"),
        pytest.param(lambda: web.json_response({"instance": "w-9"}), "owner-mistaken", "worker 'w-9' answers at", id="somebody-else"),
    ],
)  # fmt: skip
async def test_other_answers_are_told_apart(answer: Any, reason: str, said: str) -> None:
    """A token that is not taken, another version, another worker: each has another way out."""
    async with worker(answer) as (peers, owner, requests):
        told = await peers.ask(owner, "/api/x", {})
        assert isinstance(told, NoAnswer)
        assert (told.reason, len(requests)) == (reason, 1)
        assert said in told.message
        assert owner.url in told.message


async def test_worker_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that is paused: its port still takes connections."""
    monkeypatch.setattr("router.tables.peers._WITHIN", 0.1)
    async with worker(asyncio.Event().wait()) as (peers, owner, _):
        told = await peers.ask(owner, "/api/x", {})
        assert isinstance(told, NoAnswer)
        assert (told.reason, told.message) == (
            "owner-unreachable",
            f"worker 'w-1' did not answer at {owner.url} in 0.1 s",
        )


async def test_worker_that_is_gone_is_named_with_its_address() -> None:
    """Nobody listens there."""
    peers = HttpPeers(TOKEN)
    owner = Owner(f"http://127.0.0.1:{free_port()}", "w-1")
    told = await peers.ask(owner, "/api/x", {})
    await peers.close()
    assert isinstance(told, NoAnswer)
    assert told.reason == "owner-unreachable"
    assert told.message.startswith(f"worker 'w-1' does not answer at {owner.url}: ")


async def test_worker_without_http_is_not_asked() -> None:
    """It has said so to the group."""
    peers = HttpPeers(TOKEN)
    told = await peers.ask(Owner("", "w-1"), "/api/x", {})
    await peers.close()
    assert told == NoAnswer("owner-silent", "worker 'w-1' answers nobody over HTTP (ROUTER_HTTP_PORT=0)")


async def test_worker_of_another_version_need_not_say_who_it_is() -> None:
    """It announces no instance."""
    async with worker(lambda: web.json_response({"n": 1})) as (peers, owner, _):
        assert await peers.ask(Owner(owner.url, ""), "/api/x", {}) == {"n": 1}
