"""A proxy before a broker on 127.0.0.1 that makes some of the batches fail which are produced through it.

    python -m bench.proxy --broker 127.0.0.1:9092 [--share 0.01] [--seed 7] [--failures refuse,cut,lose]

Its first line of output is its port; SIGTERM ends it, and then it says as JSON what it did. It makes batches fail in the three ways in
which a client can tell them apart, in turn at random:

    refuse   the batch does not reach the broker, and is answered with UNKNOWN_SERVER_ERROR; others of the same request get through
    cut      the connection is cut before the request reaches the broker
    lose     the connection is cut after the broker has done what it was asked: the answer is lost

Nothing in the router knows of it: its lanes see what they would see of a broken broker or network.
"""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import click

from bench.wire import (
    NAMING_BROKERS,
    PRODUCE,
    Batch,
    Produce,
    api_of,
    read_produce,
    redirected,
    with_refusals,
    without,
)

__all__ = ["FAILURES", "Proxy"]

FAILURES = ("refuse", "cut", "lose")
_HOST = "127.0.0.1"
_BUFFER = 1 << 22


@dataclass(frozen=True, slots=True)
class _Awaited:
    """An answer that the client waits for."""

    names_brokers: bool = False
    request: Produce | None = None
    refused: Sequence[Batch] = ()
    asked: bool = True
    """The broker will answer it, too."""
    lost: bool = False


@dataclass(slots=True)
class Proxy:
    """One listening socket, and what went through it."""

    broker: tuple[str, int]
    share: float
    failures: Sequence[str]
    chance: random.Random
    counts: Counter[str] = field(default_factory=Counter)
    _port: int = 0

    async def start(self) -> asyncio.Server:
        """Listen on a free port."""
        server = await asyncio.start_server(self._serve, _HOST, 0, limit=_BUFFER)
        self._port = server.sockets[0].getsockname()[1]
        return server

    @property
    def port(self) -> int:
        """Where it listens, once it does."""
        return self._port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_broker, to_broker = await asyncio.open_connection(*self.broker, limit=_BUFFER)
        except OSError:
            writer.close()
            return
        awaited: asyncio.Queue[_Awaited] = asyncio.Queue()
        ways = [
            asyncio.ensure_future(self._forth(reader, to_broker, awaited)),
            asyncio.ensure_future(self._back(from_broker, writer, awaited)),
        ]
        try:
            # Whichever ends first ends both: so connections are cut.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for one in (writer, to_broker):
                one.close()

    async def _forth(
        self, reader: asyncio.StreamReader, to_broker: asyncio.StreamWriter, awaited: asyncio.Queue[_Awaited]
    ) -> None:
        while True:
            frame = await _read(reader)
            answer = _Awaited(names_brokers=api_of(frame) in NAMING_BROKERS)
            if api_of(frame) == PRODUCE:
                request = read_produce(frame)
                batches = request.batches if request else [Batch(b"", 0, frame)]
                self.counts["batches"] += len(batches)
                failing = [batch for batch in batches if self.chance.random() < self.share]
                if failing:
                    how = self.chance.choice(self.failures)
                    if how == "refuse" and request is None:
                        # One that we cannot take apart can only be cut off.
                        how = "cut"
                    self.counts[how] += len(failing)
                    if how == "cut":
                        return
                    if how == "lose":
                        answer = _Awaited(lost=True)
                    elif request is not None:
                        asked = len(failing) < len(batches)
                        answer = _Awaited(request=request, refused=failing, asked=asked)
                        frame = without(request, failing) if asked else b""
            awaited.put_nowait(answer)
            if frame:
                _write(to_broker, frame)
                await to_broker.drain()

    async def _back(
        self, from_broker: asyncio.StreamReader, writer: asyncio.StreamWriter, awaited: asyncio.Queue[_Awaited]
    ) -> None:
        while True:
            # A broker answers in the order of the requests of a connection: so does the proxy.
            next_one = await awaited.get()
            answer = await _read(from_broker) if next_one.asked else None
            if next_one.lost:
                return
            if next_one.request is not None:
                answer = with_refusals(next_one.request, next_one.refused, answer)
            assert answer is not None
            if next_one.names_brokers:
                answer = redirected(answer, broker=self.broker, proxy=(_HOST, self._port))
            _write(writer, answer)
            await writer.drain()


async def _read(reader: asyncio.StreamReader) -> bytes:
    return await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))


def _write(writer: asyncio.StreamWriter, frame: bytes) -> None:
    writer.write(len(frame).to_bytes(4, "big") + frame)


async def _run(proxy: Proxy) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    server = await proxy.start()
    print(proxy.port, flush=True)
    await ended.wait()
    server.close()
    print(json.dumps(proxy.counts), flush=True)


@click.command()
@click.option("--broker", required=True, help="host:port, on 127.0.0.1.")
@click.option("--share", type=click.FloatRange(0, 1), default=0.01, show_default=True)
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--failures", default=",".join(FAILURES), show_default=True)
def main(*, broker: str, share: float, seed: int, failures: str) -> None:
    """Make some of the batches fail that are produced through it."""
    host, _, port = broker.rpartition(":")
    asyncio.run(_run(Proxy((host, int(port)), share, failures.split(","), random.Random(seed))))


if __name__ == "__main__":
    main()
