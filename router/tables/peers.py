"""Asks another worker of the group what it knows of its partitions, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from router.tables.owners import Owner

__all__ = ["AskPeers", "HttpPeers", "NoAnswer"]

_WITHIN = 5.0
"""Seconds that another worker may take."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Another worker cannot be asked."""

    reason: str
    message: str


class AskPeers(Protocol):
    """A way to ask other workers."""

    async def ask(self, owner: Owner, path: str, parameters: Mapping[str, str]) -> Mapping[str, Any] | NoAnswer:
        """What it answers."""


class HttpPeers:
    """Over HTTP, with the group's token."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, owner: Owner, path: str, parameters: Mapping[str, str]) -> Mapping[str, Any] | NoAnswer:
        """See AskPeers."""
        if not owner.url:
            return NoAnswer("owner-silent", f"{owner} answers nobody over HTTP (ROUTER_HTTP_PORT=0)")
        try:
            # A token is for the worker that was asked, and for no other address that it may name.
            async with self._opened().get(f"{owner.url}{path}", params=parameters, allow_redirects=False) as answer:
                return await _content(owner, answer)
        except TimeoutError:
            return NoAnswer("owner-unreachable", f"{owner} did not answer at {owner.url} in {_WITHIN:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return NoAnswer("owner-unreachable", f"{owner} does not answer at {owner.url}: {error}")

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {self._token}"}, timeout=aiohttp.ClientTimeout(total=_WITHIN)
            )
        return self._session

    async def close(self) -> None:
        """Let go of all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _content(owner: Owner, answer: aiohttp.ClientResponse) -> Mapping[str, Any] | NoAnswer:
    if answer.status in {401, 403}:
        return NoAnswer("owner-refuses", f"{owner} does not take this worker's token at {owner.url}")
    if answer.status != 200:
        return NoAnswer(
            "owner-unreachable", f"{owner} answers {answer.status} at {owner.url}: is it of another version?"
        )
    told = await answer.json(content_type=None)
    if not isinstance(told, dict):
        return NoAnswer("owner-unreachable", f"{owner} answers something else at {owner.url}: is it a router's worker?")
    if owner.instance and told.get("instance") != owner.instance:
        said = f"worker '{told.get('instance')}' answers at {owner.url}, where {owner} says that it is"
        return NoAnswer("owner-mistaken", said)
    return told
