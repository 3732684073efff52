"""The proxy makes batches fail in the three ways that it promises, and lets everything else through."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiokafka.protocol import produce

from bench.proxy import Proxy

WITHIN = 10.0


@dataclass
class Broker:
    """Answers every request with its correlation id and `done`."""

    seen: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                frame = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
                self.seen.append(frame)
                answer = frame[4:8] + b"done"
                writer.write(len(answer).to_bytes(4, "big") + answer)
        except asyncio.IncompleteReadError:
            writer.close()


@asynccontextmanager
async def proxied(share: float, *failures: str) -> AsyncIterator[tuple[Proxy, Broker]]:
    broker = Broker()
    async with await asyncio.start_server(broker.serve, "127.0.0.1", 0) as server:
        proxy = Proxy(("127.0.0.1", server.sockets[0].getsockname()[1]), share, failures, random.Random(1))
        async with await proxy.start():
            yield proxy, broker


def produced(correlation: int) -> bytes:
    body: bytes = produce.ProduceRequest_v7(None, -1, 30_000, [("a.v1", [(0, b"records")])]).encode()
    return struct.pack(">hhih", 0, 7, correlation, -1) + body


async def ask(proxy: Proxy, *frames: bytes) -> list[bytes]:
    """The answers to requests that are sent all at once; fewer, where the connection is cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    answers: list[bytes] = []
    try:
        writer.write(b"".join(len(frame).to_bytes(4, "big") + frame for frame in frames))
        async with asyncio.timeout(WITHIN):
            for _ in frames:
                # One by one: those before a cut have arrived.
                answers.append(  # noqa: PERF401
                    await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
                )
    except (asyncio.IncompleteReadError, ConnectionResetError):
        pass
    finally:
        writer.close()
    return answers


async def test_nothing_fails_that_need_not() -> None:
    """With a share of none every request reaches the broker, and every answer comes back in order."""
    async with proxied(0.0, "refuse") as (proxy, broker):
        frames = [produced(1), struct.pack(">hhih", 18, 0, 2, -1), produced(3)]
        assert await ask(proxy, *frames) == [frame[4:8] + b"done" for frame in frames]
        assert broker.seen == frames
        assert proxy.counts["batches"] == 2


async def test_a_refused_batch_never_reaches_the_broker() -> None:
    """It is answered with an error in its turn, and what comes before and after it gets through."""
    async with proxied(1.0, "refuse") as (proxy, broker):
        other = struct.pack(">hhih", 18, 0, 2, -1)
        first, refused, last = await ask(proxy, other, produced(7), other)
        assert first == last == other[4:8] + b"done"
        assert struct.unpack(">iih4siih", refused[:24]) == (7, 1, 4, b"a.v1", 1, 0, -1)
        assert broker.seen == [other, other]
        assert proxy.counts["refuse"] == 1


@pytest.mark.parametrize(("how", "reaches"), [("cut", 0), ("lose", 1)])
async def test_a_connection_is_cut_before_the_broker_or_after_it(how: str, reaches: int) -> None:
    """The client learns nothing in both cases; only the broker knows whether it has the batch."""
    async with proxied(1.0, how) as (proxy, broker):
        assert await ask(proxy, produced(1)) == []
        assert len(broker.seen) == reaches
        assert proxy.counts[how] == 1
