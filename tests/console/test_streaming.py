"""Server-sent events and downloads, through a real socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import ClientResponse
from support.console import bearer, busy_sight, served


async def event(answer: ClientResponse) -> dict[str, Any]:
    """The next event."""
    async with asyncio.timeout(10):
        while True:
            line = await answer.content.readline()
            if line.startswith(b"data: "):
                told: dict[str, Any] = json.loads(line[6:])
                return told


async def test_the_overview_is_told_at_each_look() -> None:
    """The same to all who watch, also to one who came later; whoever leaves is missed by nobody."""
    sight = await busy_sight()
    async with served(sight) as client:
        first = await client.get("/live", headers=bearer())
        told = await event(first)
        assert (first.headers["Content-Type"], told["look"], "dead letters" in told["troubles"]) == (
            "text/event-stream",
            2,
            True,
        )
        second = await client.get("/live", headers=bearer())
        assert await event(second) == told
        second.close()
        for look in (3, 4, 5):
            await sight.watching.look()
            assert (await event(first))["look"] == look
        first.close()


async def test_records_are_told_as_they_come() -> None:
    """Each once, with how many were looked at; what is asked wrongly is refused before anything is sent."""
    sight = await busy_sight()
    async with served(sight) as client:
        path = "/topics/order.v1/tail"
        answer = await client.get(path, params={"from": "offset", "offset": "8", "partition": "0"}, headers=bearer())
        told = await event(answer)
        assert ([each["offset"] for each in told["records"]], told["looked"]) == ([8, 9], 2)
        answer.close()
        wrong = await client.get(path, params={"where": "nothing("}, headers=bearer())
        assert wrong.status == 400


async def test_a_download_says_what_file_it_is() -> None:
    """In a name that no system takes for anything else."""
    async with served(await busy_sight()) as client:
        answer = await client.get("/topics/order.v1/download", headers=bearer())
        assert answer.headers["Content-Disposition"] == 'attachment; filename="order.v1.jsonl"'
        assert all(json.loads(line) for line in (await answer.text()).splitlines())
        table = await client.get("/tables/order.v1/export?as=csv", headers=bearer())
        assert table.headers["Content-Type"].startswith("text/csv")
