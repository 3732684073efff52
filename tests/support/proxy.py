"""A network between a client and a server on loopback, with weather: it cuts, delays, falls silent, loses answers, breaks off.

It knows nothing of what it carries. What a silent network holds back arrives late, as TCP would have it; only a connection
that ends loses anything. It runs in a thread of its own, so that the weather can change while a test does something else.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

__all__ = ["CLEAR", "Proxy", "Sky", "Weather"]

_PIECE = 1 << 16


class Sky(StrEnum):
    """What a network does to what passes."""

    CLEAR = "clear"
    """All goes through."""
    SLOW = "slow"
    """Each piece is late."""
    CUT = "cut"
    """All connections are reset, and no new one comes about."""
    SILENT = "silent"
    """Connections stay, and nothing arrives, in neither direction, until it is over."""
    DEAF = "deaf"
    """Half-open: questions arrive, answers do not. When it is over these connections are reset: the answers are lost."""
    BREAKING = "breaking"
    """Every so often an answer ends in the middle, and its connection with it."""


@dataclass(frozen=True, slots=True)
class Weather:
    """A sky, and how bad it is."""

    sky: Sky
    delay: float = 0.0
    """SLOW: how late each piece is, in seconds."""
    every: int = 20
    """BREAKING: one piece of so many."""


CLEAR = Weather(Sky.CLEAR)


class Proxy:
    """One listening port that leads to another, from `start` to `close`."""

    def __init__(self) -> None:
        self.port = 0
        self.counts: Counter[str] = Counter()
        """What became of connections and pieces."""
        self._weather = CLEAR
        self._target = 0
        self._loop = asyncio.new_event_loop()
        self._changed = asyncio.Event()
        self._connections: set[_Connection] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def start(self) -> Self:
        """Listen on a free port of 127.0.0.1."""
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result()
        self.port = server.sockets[0].getsockname()[1]
        return self

    def lead_to(self, port: int) -> None:
        """What is behind it; before, it takes no connection."""
        self._target = port

    def behave(self, weather: Weather) -> None:
        """Change the weather, for connections that are there, too."""
        asyncio.run_coroutine_threadsafe(self._behave(weather), self._loop).result()

    def close(self) -> None:
        """End all connections and listen no more."""
        self.behave(Weather(Sky.CUT))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    @property
    def weather(self) -> Weather:
        """The weather now."""
        return self._weather

    async def _behave(self, weather: Weather) -> None:
        before, self._weather = self._weather, weather
        self.counts[str(weather.sky)] += 1
        if weather.sky is Sky.CUT or before.sky is Sky.DEAF:
            for connection in tuple(self._connections):
                connection.reset()
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._weather.sky is Sky.CUT or not self._target:
            self.counts["refused"] += 1
            writer.transport.abort()
            return
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            self.counts["nobody there"] += 1
            writer.transport.abort()
            return
        connection = _Connection(writer, inner_writer)
        self._connections.add(connection)
        self.counts["connections"] += 1
        ways = [
            asyncio.ensure_future(self._carry(reader, inner_writer, connection, answers=False)),
            asyncio.ensure_future(self._carry(inner_reader, writer, connection, answers=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            connection.reset()
            self._connections.discard(connection)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: _Connection, *, answers: bool
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(_PIECE):
                while self._held(answers=answers):
                    await self._changed.wait()
                weather = self._weather
                if weather.sky is Sky.SLOW:
                    await asyncio.sleep(weather.delay)
                if weather.sky is Sky.BREAKING and answers:
                    self.counts["answers"] += 1
                    if self.counts["answers"] % weather.every == 0:
                        self.counts["broken off"] += 1
                        writer.write(piece[: len(piece) // 2])
                        await writer.drain()
                        return
                if connection.is_reset:
                    return
                writer.write(piece)
                await writer.drain()

    def _held(self, *, answers: bool) -> bool:
        return self._weather.sky is Sky.SILENT or (self._weather.sky is Sky.DEAF and answers)


class _Connection:
    """Both ends of what goes through."""

    def __init__(self, *ends: asyncio.StreamWriter) -> None:
        self._ends = ends
        self.is_reset = False

    def reset(self) -> None:
        """End it at once, losing what is under way."""
        self.is_reset = True
        for end in self._ends:
            end.transport.abort()
