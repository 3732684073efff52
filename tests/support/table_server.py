"""A worker of a `TableGroup` behind a real port, for whoever asks over HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from support.table_group import TableGroup


@contextmanager
def served(group: TableGroup, worker: int = 0) -> Iterator[str]:
    """Serves the worker's pages; gives their URL."""
    with answering({path: _page(page) for path, page in group.members[worker].api.pages.items()}) as url:
        yield url


@contextmanager
def answering(pages: dict[str, Callable[[web.Request], Awaitable[web.Response]]]) -> Iterator[str]:
    """Serves these pages, in a thread; gives their URL."""
    loop = asyncio.new_event_loop()
    app = web.Application()
    for path, page in pages.items():
        app.router.add_get(path, page)
    runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def start() -> str:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


class _View:
    """Faust's, as far as a page uses it."""

    @staticmethod
    def json(body: Any, *, status: int, headers: dict[str, str]) -> web.Response:
        return web.json_response(body, status=status, headers=headers)


def _page(page: Callable[..., Awaitable[Any]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def get(request: web.Request) -> web.Response:
        answer: web.Response = await page(_View(), request, **request.match_info)
        return answer

    return get
