"""Connections between processes and brokers, as TCP has them: in order, late, cut off half-way, refused.

A request that was written may still arrive after whoever wrote it has given up, was killed, or has closed the connection; of
what was under way when a connection broke, a prefix arrives, chosen by lot. Replies that nobody is there for are lost: what
they would have told has happened all the same.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from aiokafka import errors as kafka_errors
from aiokafka.conn import CloseReason
from aiokafka.util import wait_for

from simulation.loop import Process, SimulatedLoop, current_process

__all__ = ["PORT", "Connection", "Network", "Server", "Weather", "host_of"]

PORT = 9092

# The newest versions that both aiokafka 0.14 and the model have, by API key.
VERSIONS = {0: (3, 7), 3: (0, 5), 9: (1, 3), 10: (0, 1), 22: (0, 0), 24: (0, 0), 25: (0, 0), 26: (0, 0), 28: (0, 0)}


def host_of(node: int) -> str:
    """A broker's name."""
    return f"broker-{node}"


class Server(Protocol):
    """What answers."""

    def handle(self, node: int, request: Any, reply: Callable[[Any], None]) -> None:
        """A request arrived at a broker; `reply` is called once, at once or later."""


class _Nobody:
    """Answers nothing."""

    def handle(self, node: int, request: Any, reply: Callable[[Any], None]) -> None:
        """See Server."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How long things take that a network or a broker does, in seconds: from a fast network to a bad one."""

    usual: float
    """On average."""
    rarely: float
    """How often something takes long, of 1."""
    long: float
    """How long at most."""


class Network:
    """All connections of a run."""

    def __init__(self, loop: SimulatedLoop, random: Random, *, nodes: int, weather: Weather) -> None:
        self.loop = loop
        self.nodes = nodes
        self.weather = weather
        self.server: Server
        self._random = random
        self._connections: list[Connection] = []
        self._ended = False
        self._refused: dict[int, float] = {}
        self._stalled: dict[int, float] = {}
        # Brokers and wires are nobody's process: they go on when a process does not.
        self.context = Context()

    def delay(self) -> float:
        """How long the next thing takes that a network or a broker does."""
        weather, chance = self.weather, self._random.random
        if weather.rarely and chance() < weather.rarely:
            return chance() * weather.long
        return chance() * 2 * weather.usual

    def later(self, delay: float, callback: Callable[..., None], *facts: object) -> asyncio.TimerHandle:
        """Run a callback of the outside world."""
        return self.loop.call_at(self.loop.time() + delay, callback, *facts, context=self.context)

    def stalled_until(self, node: int) -> float:
        """When a broker that answers nobody now will do so again."""
        return max(self._stalled.get(node, 0.0), self._refused.get(node, 0.0))

    # --- faults ----------------------------------------------------------------------------------------------------------

    def stall(self, node: int, seconds: float) -> None:
        """What is sent to the broker, or by it, arrives only after so many seconds."""
        self._stalled[node] = max(self.loop.time() + seconds, self._stalled.get(node, 0.0))

    def take_away(self, node: int, seconds: float) -> None:
        """The broker breaks all connections and takes none for so many seconds."""
        self._refused[node] = max(self.loop.time() + seconds, self._refused.get(node, 0.0))
        # What it had not read dies with it.
        for connection in [one for one in self._connections if one.node == node]:
            connection.break_off(0)

    def end(self) -> None:
        """Nothing arrives any more, and nobody can connect."""
        self._ended = True
        for connection in tuple(self._connections):
            connection.close()
        self.server = _Nobody()

    def sever(self, process: Process) -> None:
        """A process was killed: the other end sees its connections break, sooner or later."""
        self.cut(lambda connection: connection.process is process)

    def cut(self, which: Callable[[Connection], bool]) -> None:
        """Break connections; each loses an end of what was under way."""
        for connection in [one for one in self._connections if which(one)]:
            connection.break_off(self._random.randint(0, connection.under_way))

    # --- connections -----------------------------------------------------------------------------------------------------

    async def connect(
        self,
        host: str,
        port: int,
        *,
        request_timeout_ms: int = 40_000,
        on_close: Callable[[Any, Any], None] | None = None,
        **_settings: Any,
    ) -> Connection:
        """In the place of aiokafka's `create_conn`. Raises KafkaConnectionError where the broker is away."""
        node = int(host.rpartition("-")[2])
        if self._ended:
            raise kafka_errors.KafkaConnectionError("the run is over")
        await asyncio.sleep(self.delay())
        wait = self._stalled.get(node, 0.0) - self.loop.time()
        if wait > 0:
            await asyncio.sleep(min(wait, request_timeout_ms / 1000))
        if self._refused.get(node, 0.0) > self.loop.time():
            raise kafka_errors.KafkaConnectionError(f"{host} refuses connections")
        connection = Connection(self, current_process(), node, timeout=request_timeout_ms / 1000, on_close=on_close)
        self._connections.append(connection)
        return connection

    def closed(self, connection: Connection) -> None:
        """Nothing more comes from it."""
        if connection in self._connections:
            self._connections.remove(connection)


class Connection:
    """One connection: what aiokafka's client needs of its `AIOKafkaConnection`, over the model."""

    def __init__(
        self,
        network: Network,
        process: Process,
        node: int,
        *,
        timeout: float,
        on_close: Callable[[Any, Any], None] | None,
    ) -> None:
        self.process = process
        self.node = node
        self._network = network
        self._timeout = timeout
        self._on_close = on_close
        self._open = True
        self._reachable = True
        """What is written still arrives."""
        self._sent: deque[tuple[Any, asyncio.Future[Any]]] = deque()
        self._arrived: deque[tuple[Any, asyncio.Future[Any]]] = deque()
        self._answered: deque[tuple[Any, asyncio.Future[Any]]] = deque()
        self._busy = False
        self._last_arrival = 0.0
        self._last_answer = 0.0
        self._waiting: dict[asyncio.Future[Any], None] = {}
        self._may_arrive: int | None = None
        self._closing: asyncio.Future[None] = network.loop.create_future()

    @property
    def under_way(self) -> int:
        """Requests that were written and have not arrived."""
        return len(self._sent)

    # --- the client's side -----------------------------------------------------------------------------------------------

    def connected(self) -> bool:
        """See aiokafka."""
        return self._open

    def send(self, request: Any, expect_response: bool = True) -> Any:
        """See aiokafka: something to await that gives the response."""
        if not self._open:
            raise kafka_errors.KafkaConnectionError(f"no connection to {host_of(self.node)}")
        prepare = getattr(request, "prepare", None)
        written = request if prepare is None else prepare(VERSIONS)
        network = self._network
        future: asyncio.Future[Any] = network.loop.create_future()
        self._waiting[future] = None
        self._sent.append((written, future))
        now = network.loop.time()
        arrival = max(now, network.stalled_until(self.node)) + network.delay()
        self._last_arrival = max(self._last_arrival, arrival)
        network.loop.call_at(self._last_arrival, self._arrive, context=network.context)
        return wait_for(future, self._timeout)

    def close(self, reason: Any = None, exc: BaseException | None = None) -> asyncio.Future[None]:
        """See aiokafka. What was written arrives all the same."""
        if self._open:
            self._open = False
            self._network.closed(self)
            self._fail_waiting()
            self._closing.set_result(None)
            on_close, self._on_close = self._on_close, None
            if on_close is not None:
                on_close(self, reason)
        return self._closing

    def _fail_waiting(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for future in waiting:
            if not future.done():
                future.set_exception(kafka_errors.KafkaConnectionError(f"{host_of(self.node)} closed the connection"))

    # --- the wire --------------------------------------------------------------------------------------------------------

    def break_off(self, arriving: int) -> None:
        """It breaks; of what is under way only so many requests arrive, and no reply any more."""
        self._may_arrive = arriving
        self._answered.clear()
        self._network.closed(self)
        # The process finds out when it next reads; a paused one, when it goes on.
        self._network.later(self._network.delay(), self._broken)

    def _broken(self) -> None:
        self.close(reason=CloseReason.CONNECTION_BROKEN)

    def _arrive(self) -> None:
        if not self._sent:
            return
        if self._may_arrive is not None:
            if self._may_arrive <= 0:
                self._sent.clear()
                return
            self._may_arrive -= 1
        self._arrived.append(self._sent.popleft())
        self._serve()

    def _serve(self) -> None:
        """Brokers take one request of a connection at a time."""
        if self._busy or not self._arrived:
            return
        self._busy = True
        request, future = self._arrived.popleft()
        self._network.server.handle(self.node, request, lambda response: self._reply(response, future))

    def _reply(self, response: Any, future: asyncio.Future[Any]) -> None:
        self._busy = False
        network = self._network
        if self._open and self._may_arrive is None:
            self._answered.append((response, future))
            arrival = max(network.loop.time(), network.stalled_until(self.node)) + network.delay()
            self._last_answer = max(self._last_answer, arrival)
            network.loop.call_at(self._last_answer, self._answer, context=network.context)
        self._serve()

    def _answer(self) -> None:
        if not self._answered:
            return
        response, future = self._answered.popleft()
        self._waiting.pop(future, None)
        if not future.done():
            future.set_result(response)
