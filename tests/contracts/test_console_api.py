"""The console's API keeps what its OpenAPI document promises, whatever it is asked: schemathesis makes the questions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from aiohttp import web
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from support.console import TOKENS, bearer, busy_sight

from router.console.access import Gate, Role
from router.console.openapi import openapi
from router.console.server import new_app

_EXAMPLES = 12
_DOCUMENT = openapi()
# A stream that never ends is followed elsewhere.
_DOCUMENT["paths"] = {path: told for path, told in _DOCUMENT["paths"].items() if not path.endswith("/tail")}
SCHEMA = schemathesis.openapi.from_dict(_DOCUMENT)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A console with much in it, served in a thread of its own."""
    loop = asyncio.new_event_loop()
    runners: list[web.AppRunner] = []

    async def start() -> str:
        runner = web.AppRunner(new_app(await busy_sight(), Gate(TOKENS)), max_line_size=65_536, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    asyncio.run_coroutine_threadsafe(runners[0].cleanup(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@SCHEMA.parametrize()
@settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_question_makes_it_fail(url: str, case: Any) -> None:
    """Every answer is one that the document names, of the form that it says, and none is the console's own failure."""
    answer = case.call(base_url=url, headers=bearer(Role.OPERATOR))
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    case.validate_response(answer, checks=[status_code_conformance, response_schema_conformance])
