"""Asks workers over HTTP what they say of themselves, and of their tables. A worker that does not answer is a fact, and no error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import aiohttp

from router.console.measuring import Counted, counters_of
from router.console.trouble import WorkerFacts

__all__ = ["AskWorkers", "Workers"]

_WITHIN = 5.0
"""Seconds that a worker may take; for what it has to ask others, twice as long."""
_WITHIN_ACT = 60.0
"""The same for what has to read many dead letters first."""
_LARGEST = 32 << 20


class AskWorkers(Protocol):
    """A way to ask workers."""

    async def look(self, url: str) -> tuple[WorkerFacts, Counted | None]:
        """How it is, and what it counts."""

    async def api(
        self,
        urls: Sequence[str],
        path: str,
        parameters: Mapping[str, str],
        *,
        body: Mapping[str, Any] | None = None,
        whoever_knows: bool = False,
    ) -> tuple[int, Mapping[str, Any]]:
        """The answer of the first that answers; (0, why) where none does.

        With a body it is a POST, which only the first is sent that takes it. `whoever_knows` goes on to the next where one
        answers 404.
        """


class Workers:
    """Fulfils AskWorkers."""

    def __init__(self, token: str | None) -> None:
        """`token` is ROUTER_API_TOKEN; without it nothing is asked of tables."""
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def look(self, url: str) -> tuple[WorkerFacts, Counted | None]:
        """See AskWorkers."""
        try:
            (_, ready), (_, metrics) = await asyncio.gather(self._get(f"{url}/readyz"), self._get(f"{url}/metrics"))
            body = json.loads(ready)
            if not isinstance(body, dict):
                return WorkerFacts(url, problem="what answers there is no worker of this version"), None
            return WorkerFacts(url, str(body.get("instance", "")), body), counters_of(metrics)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return WorkerFacts(url, problem=str(error) or f"no answer in {_WITHIN:g} s"), None
        except ValueError:
            return WorkerFacts(url, problem="what answers there is no worker of this version"), None

    async def api(
        self,
        urls: Sequence[str],
        path: str,
        parameters: Mapping[str, str],
        *,
        body: Mapping[str, Any] | None = None,
        whoever_knows: bool = False,
    ) -> tuple[int, Mapping[str, Any]]:
        """See AskWorkers."""
        if self._token is None:
            what_to_do = "give the console and all workers the same ROUTER_API_TOKEN"
            return 0, {
                "reason": "no-token",
                "message": "the console has no token for workers",
                "what_to_do": what_to_do,
            }
        problems = []
        unknown: tuple[int, Mapping[str, Any]] | None = None
        seconds = 2 * _WITHIN if body is None else _WITHIN_ACT
        for url in urls:
            try:
                status, text = await self._get(f"{url}{path}", parameters, seconds=seconds, body=body)
                told = json.loads(text)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                problems.append(f"{url}: {str(error) or 'no answer in time'}")
                if body is not None and not isinstance(error, aiohttp.ClientConnectorError):
                    # It may have begun: nobody else is asked to do it once more.
                    break
            except ValueError:
                problems.append(f"{url}: what answers there is no worker of this version")
            else:
                if isinstance(told, dict):
                    if not (status == 404 and whoever_knows):
                        return status, told
                    unknown = status, told
        if unknown is not None:
            return unknown
        what_to_do = "see whether workers run; name them in ROUTER_CONSOLE_WORKERS"
        message = f"no worker answers ({'; '.join(problems) or 'none is known'})"
        return 0, {"reason": "no-worker", "message": message, "what_to_do": what_to_do}

    async def _get(
        self,
        url: str,
        parameters: Mapping[str, str] | None = None,
        *,
        seconds: float = _WITHIN,
        body: Mapping[str, Any] | None = None,
    ) -> tuple[int, str]:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False)
        headers = {} if self._token is None else {"Authorization": f"Bearer {self._token}"}
        timeout = aiohttp.ClientTimeout(total=seconds)
        # A token is for the worker that was asked, and for no other address that it may name.
        method = "GET" if body is None else "POST"
        async with self._session.request(
            method, url, params=parameters or {}, json=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as answer:
            content = bytearray()
            async for some in answer.content.iter_any():
                content += some
                if len(content) > _LARGEST:
                    raise ValueError(f"{url} answers with more than {_LARGEST:,} bytes")
            return answer.status, content.decode("utf-8", "replace")

    async def close(self) -> None:
        """Let go of all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
