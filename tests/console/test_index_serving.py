"""The index's answers over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from console.test_indexing import NARROW, Disk, caught_up, put, reading
from support.console import MemoryKafka

from router.console.index_serving import COPIES, index_app, serve_index
from router.console.serving import CannotServe
from router.settings import Settings

TOKEN = "0123456789abcdef"
Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def kafka() -> MemoryKafka:
    kafka = MemoryKafka({NARROW: 1})
    put(kafka, 1)
    put(kafka, 2, key=b"\xff")
    return kafka


@pytest.fixture
async def client(kafka: MemoryKafka) -> AsyncIterator[Client]:
    """Of an index that has read what there is."""
    async with reading(kafka, Disk()) as index:
        await caught_up(index)
        async with TestClient(TestServer(index_app(index, token=TOKEN))) as made:
            yield made


async def get(client: Client, token: str = TOKEN, **asked: str) -> tuple[int, dict[str, object]]:
    answer = await client.get(COPIES, params=asked, headers={"Authorization": f"Bearer {token}"})
    return answer.status, await answer.json()


async def test_copies_are_told_by_key_and_by_origin(client: Client) -> None:
    """Keys of any bytes."""
    for asked in ({"key": "k"}, {"key-base64": "/w=="}, {"origin": "order.v1/0/1"}):
        status, told = await get(client, **asked)
        assert (status, len(told["copies"])) == (200, 1)  # type: ignore[arg-type]  # a list
    assert (await client.get("/healthz")).status == 200


@pytest.mark.parametrize(
    "asked", [{}, {"key": "a", "origin": "b"}, {"key-base64": "!"}], ids=["nothing", "both", "not base64"]
)
async def test_what_makes_no_sense_is_refused(client: Client, asked: dict[str, str]) -> None:
    """In words."""
    status, told = await get(client, **asked)
    assert (status, told["reason"]) == (400, "wrong-question")


async def test_nobody_is_answered_without_the_token(client: Client) -> None:
    """But about its health, which names nothing."""
    assert (await get(client, token="another"))[0] == 401
    assert (await client.get(COPIES, params={"key": "k"})).status == 401


async def test_without_a_broker_it_is_not_well(client: Client, kafka: MemoryKafka) -> None:
    """And says why."""
    kafka.down = "refused"
    status, told = await get(client, key="k")
    assert (status, told["reason"]) == (503, "broker-unavailable")


async def test_it_does_not_begin_without_a_token() -> None:
    """Nobody could ask it."""
    with pytest.raises(CannotServe, match="ROUTER_API_TOKEN"):
        await serve_index(Settings.from_environment({}), host="127.0.0.1", port=0, say=print)
