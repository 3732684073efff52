"""What is told as it happens, or is too long for one answer: server-sent events, downloads."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from typing import Any

from aiohttp import web

from router.console import keys, records
from router.console.overview import flows
from router.console.sight import Parameters, Sight
from router.console.templating import render
from router.errors import RouterError
from router.observe.logs import get_logger

__all__ = ["STREAMS", "live"]

log = get_logger("router.console")

_QUIET_SECONDS = 2.0
"""After which something is sent anyway: nobody in between hangs up, and whoever has gone is missed soon."""
Stream = Callable[[web.Request, Sight, Parameters], Awaitable[web.StreamResponse]]


def live(sight_of: web.AppKey[Sight]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The numbers of the overview, at each look; the same bytes for all who watch."""
    told: dict[int, bytes] = {}

    async def get(request: web.Request) -> web.StreamResponse:
        sight = request.app[sight_of]
        response = await _begin(request)
        with suppress(ConnectionResetError):  # whoever watched has gone
            async for snapshot in sight.watching.changes():
                if snapshot.number not in told:
                    facts = await flows(sight, {})
                    list_ = render("troubles.html", {"troubles": [each.to_json() for each in snapshot.troubles]})
                    told.clear()
                    told[snapshot.number] = _event({**facts, "troubles": list_, "wrong": len(snapshot.troubles)})
                await response.write(told[snapshot.number])
        return response

    return get


async def _tail(request: web.Request, sight: Sight, parameters: Parameters) -> web.StreamResponse:
    """Records as they come; the first look comes before anything is sent, so that a wrong question is answered as such."""
    async with aclosing(records.follow(sight, parameters)) as coming:
        first = await anext(coming, None)
        response = await _begin(request)
        with suppress(ConnectionResetError):  # whoever watched has gone
            if first is not None:
                await response.write(_event(first))
            told = time.monotonic()
            async for each in coming:
                # How far a search has got is told while it goes on; while nothing comes, only that one is there.
                if each["records"] or each["looked"] != (first or {}).get("looked"):
                    await response.write(_event(each))
                    told, first = time.monotonic(), each
                elif time.monotonic() - told > _QUIET_SECONDS:
                    await response.write(b": nothing yet\n\n")
                    told = time.monotonic()
        return response


async def _download(request: web.Request, sight: Sight, parameters: Parameters) -> web.StreamResponse:
    return await _lines(
        request, records.download(sight, parameters), "application/x-ndjson", f"{parameters['topic']}.jsonl"
    )


async def _export(request: web.Request, sight: Sight, parameters: Parameters) -> web.StreamResponse:
    form, ending = ("text/csv", "csv") if parameters.get("as") == "csv" else ("application/x-ndjson", "jsonl")
    return await _lines(request, keys.export(sight, parameters), form, f"{parameters['source']}.{ending}")


STREAMS: Mapping[str, Stream] = {"tail": _tail, "download": _download, "export": _export}


async def _begin(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    return response


async def _lines(request: web.Request, lines: AsyncIterator[str], form: str, name: str) -> web.StreamResponse:
    first = await anext(lines, "")
    safe = "".join(each if each.isalnum() or each in "._-" else "_" for each in name)
    headers = {"Content-Type": f"{form}; charset=utf-8", "Content-Disposition": f'attachment; filename="{safe}"'}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    try:
        await response.write(first.encode("utf-8", "replace"))
        async for line in lines:
            await response.write(line.encode("utf-8", "replace"))
            await asyncio.sleep(0)
        await response.write_eof()
    except (RouterError, LookupError) as error:
        # Half of it is sent: an answer that breaks off is no whole file to anybody.
        log.warning("a download broke off", path=request.path, problem=str(error))
        if request.transport is not None:
            request.transport.abort()
    except ConnectionResetError:
        pass
    return response


def _event(facts: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(facts, ensure_ascii=False).encode("utf-8", "replace") + b"\n\n"
