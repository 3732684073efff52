"""The index of origins as a process: its disk, its reading, and its answers over HTTP, for whoever has the workers' token."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiohttp import web

from router.console.indexing import Index
from router.console.kafka import Kafka
from router.console.serving import CannotServe
from router.console.today import Routes
from router.errors import RouterError
from router.language.topics import TopicRole
from router.order.disk import DiskMemory, PartitionDisk
from router.settings import Settings
from router.tables.access import refused
from router.tables.questions import WrongQuestion, key_in

__all__ = ["COPIES", "index_app", "serve_index"]

COPIES = "/api/copies"
"""Asked with `key` or `key-base64`, or with `origin`: topic/partition/offset."""
_INDEX = web.AppKey("index", Index)
_TOKEN = web.AppKey("token", str)


def index_app(index: Index, *, token: str) -> web.Application:
    """Its pages; whoever runs them starts and stops the reading."""
    app = web.Application()
    app[_INDEX], app[_TOKEN] = index, token
    app.router.add_get("/healthz", _health)
    app.router.add_get(COPIES, _copies)
    return app


async def _health(request: web.Request) -> web.Response:
    problem = request.app[_INDEX].problem
    return web.json_response({"live": True, "problem": bool(problem)}, status=503 if problem else 200)


async def _copies(request: web.Request) -> web.Response:
    refusal = refused(request.app[_TOKEN], request.headers.get("Authorization"))
    if refusal is not None:
        return web.json_response(refusal.answer().body, status=refusal.status)
    try:
        return web.json_response(await _asked(request.app[_INDEX], request.query))
    except WrongQuestion as error:
        return _problem(400, error.reason, str(error), "ask for a key, or for an origin")
    except RouterError as error:
        return _problem(503, error.reason, str(error), "see whether the brokers run, and the index's disk is there")


async def _asked(index: Index, parameters: Mapping[str, str]) -> dict[str, Any]:
    key, origin = key_in(parameters, "key"), parameters.get("origin")
    if key is not None and origin is None:
        return await index.copies_of_key(key)
    if key is None and origin is not None:
        return await index.copies_of_record(origin)
    raise WrongQuestion(parameter="key", value="", problem="or origin is needed, and not both")


def _problem(status: int, reason: str, message: str, what_to_do: str) -> web.Response:
    return web.json_response({"reason": reason, "message": message, "what_to_do": what_to_do}, status=status)


async def serve_index(settings: Settings, *, host: str, port: int, say: Callable[[str], object]) -> None:
    """Serve until SIGTERM or SIGINT. Raises CannotServe, DiskFailed."""
    if settings.api_token is None:
        raise CannotServe(problem="nobody could ask", what_to_do="set ROUTER_API_TOKEN, the same as the workers'")
    routes = Routes(settings.routes, settings.schemas, settings.group)

    async def topics() -> Sequence[str]:
        await routes.look()
        plans = {} if routes.today is None else routes.today.plans
        return [name for name, plan in plans.items() if plan.role is TopicRole.NARROW]

    disk = PartitionDisk(settings.data_dir / f"{settings.group}-origins", DiskMemory(), name="origins")
    disk.open()
    kafka = Kafka(settings.broker, settings.aiokafka_security)
    index = Index(kafka, disk, topics)
    runner = web.AppRunner(index_app(index, token=settings.api_token), access_log=None, shutdown_timeout=1.0)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    reading = asyncio.create_task(index.follow())
    reading.add_done_callback(lambda _: ended.set())
    try:
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            problem = f"{host}:{port} cannot be bound: {error.strerror or error}"
            raise CannotServe(problem=problem, what_to_do="choose another --host or --port") from error
        say(f"The index answers at http://{host}:{runner.addresses[0][1]}{COPIES}")
        await ended.wait()
    finally:
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        await runner.cleanup()
        await kafka.close()
        disk.close()
