"""One worker process of a simulation: its lanes, put together as `router.worker` does, and what feeds them.

The lanes, the carriers, aiokafka's producers and the directory of topics are the real ones. Faust's part is played here:
joining, giving back, the loop that drains the consumer, the channel between it and the agent.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from router.errors import RouterError
from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import Carrier, Positions
from router.lanes.clock import MonotonicClock
from router.lanes.copying import Copier, Identity
from router.lanes.destinations import Destinations
from router.lanes.directory import KafkaDirectory
from router.lanes.joint_requests import JointRequests
from router.lanes.kafka import IdempotentCarrier, TransactionalCarrier
from router.lanes.lane import Lane, LaneObserver
from router.lanes.lanes import Lanes
from router.lanes.producer import OrderedProducer
from router.lanes.protocol import CommitBudget, Pace
from simulation.cluster import Cluster
from simulation.consumer import SimulatedConsumer
from simulation.deciding import decide
from simulation.loop import Process, SimulatedLoop
from simulation.network import PORT, Network, host_of
from simulation.story import Story

__all__ = ["GROUP", "Build", "LoopClock", "SimulatedWorker"]

GROUP = "router"
_FINISH_WITHIN = 3.0
_IDLE_FETCH = 1.0
_BUSY_FETCH = 0.2
_TRANSACTION_TIMEOUT_MS = 10_000


class LoopClock(MonotonicClock):
    """The lanes' clock, by the time of the loop."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self.now = loop.time


def _transactional(source: SourcePartition, *, worker: str, positions: Positions, **settings: Any) -> Carrier:
    return TransactionalCarrier(source, **settings)


def _idempotent(source: SourcePartition, *, worker: str, **settings: Any) -> Carrier:
    return IdempotentCarrier(source, **settings)


@dataclass(frozen=True, slots=True)
class Build:
    """What a worker is made of. A mutant has another part in some place, which may need to know more than the real one."""

    lane: Callable[..., Lane] = Lane
    idempotent: Callable[..., Carrier] = _idempotent
    transactional: Callable[..., Carrier] = _transactional
    consumer: type[SimulatedConsumer] = SimulatedConsumer
    producer: type = OrderedProducer


class _Teller(LaneObserver):
    """Tells what a lane does."""

    def __init__(self, worker: SimulatedWorker) -> None:
        self._worker = worker

    def failed(self, source: SourcePartition, error: RouterError) -> None:
        """The lane backs off."""
        self._worker.tell("lane %s stops: %s", source, error)
        self._worker.errors[error.reason] += 1

    def fatal(self, error: BaseException) -> None:
        """It contradicts itself."""
        self._worker.tell("contradicts itself: %s", error)
        self._worker.contradictions.append(error)


class SimulatedWorker:
    """A worker from its start to its end. One that comes back is another."""

    def __init__(
        self,
        name: str,
        *,
        loop: SimulatedLoop,
        network: Network,
        cluster: Cluster,
        story: Story,
        exactly_once: bool,
        build: Build,
        fetch_records: int,
        errors: Counter[str],
    ) -> None:
        """`errors` counts what lanes stop for, by reason."""
        self.name = name
        self.process = Process(name)
        self.contradictions: list[BaseException] = []
        self.losing = 0
        """So many batches more are lost between the consumer and their lane."""
        self._loop = loop
        self._network = network
        self._cluster = cluster
        self._story = story
        self._exactly_once = exactly_once
        self._build = build
        self._fetch_records = fetch_records
        self.errors = errors
        self._stopping = asyncio.Event()
        self._flowing = False
        self._channel: deque[Batch] = deque()
        self._handed = asyncio.Event()
        self._consumer: SimulatedConsumer | None = None
        self._lanes: Lanes | None = None
        self._main: asyncio.Task[Any] | None = None

    def tell(self, what: str, *facts: object) -> None:
        """Add to the story."""
        self._story.tell(self.name, what, *facts)

    # --- from outside ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin, as a process of its own."""
        self._main = self._loop.start(self.process, self._run)

    def kill(self) -> None:
        """End at once, wherever it stands."""
        self._loop.kill(self.process)
        self._network.sever(self.process)

    def stop(self) -> None:
        """As on SIGTERM: commit what was carried, leave, end."""
        self._stopping.set()

    async def close_lanes(self) -> None:
        """What Python would otherwise complain of, once the run is over."""
        if self._lanes is not None:
            await self._lanes.close()

    def fail_a_fetch(self) -> None:
        """The next fetch that brings something moves the positions, and raises."""
        if self._consumer is not None:
            self._consumer.failing = True

    @property
    def lanes(self) -> Iterable[Lane]:
        """Those that it has now."""
        return self._lanes or ()

    @property
    def ended(self) -> bool:
        """Nothing of it runs any more."""
        return not self.process.alive or (self._main is not None and self._main.done())

    @property
    def error(self) -> BaseException | None:
        """What it fell over, where it did."""
        return self._main.exception() if self._main is not None and self._main.done() else None

    # --- the process -----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        self.tell("starts")
        bootstrap = ",".join(f"{host_of(node)}:{PORT}" for node in range(self._network.nodes))
        directory = KafkaDirectory(bootstrap, {})
        destinations = Destinations(directory)
        consumer = self._consumer = self._build.consumer(self._network, self._cluster, self.name)
        lanes = self._lanes = self._new_lanes(consumer, bootstrap, destinations)
        feeding = [
            asyncio.create_task(self._drain(consumer, lanes), name=f"drain {self.name}"),
            asyncio.create_task(self._agent(lanes), name=f"agent {self.name}"),
        ]
        stopping = asyncio.create_task(self._stopping.wait())
        while not self._stopping.is_set():
            joining = asyncio.create_task(consumer.join())
            await asyncio.wait({joining, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not joining.done():
                joining.cancel()
                break
            assigned = joining.result().partitions
            consumer.assign(assigned)
            await lanes.close()
            lanes.open(assigned)
            self._flowing = True
            rejoin = asyncio.create_task(consumer.rejoin.wait())
            await asyncio.wait({rejoin, stopping}, return_when=asyncio.FIRST_COMPLETED)
            rejoin.cancel()
            await self._give_back(consumer, lanes)
        self.tell("ends in peace")
        for task in feeding:
            task.cancel()
        await consumer.leave()
        await directory.close()

    async def _give_back(self, consumer: SimulatedConsumer, lanes: Lanes) -> None:
        self._flowing = False
        self._channel.clear()
        if consumer.assignment:
            self.tell("gives back %s", ", ".join(map(str, consumer.assignment)))
        if not await lanes.finish(_FINISH_WITHIN):
            self.tell("its lanes did not finish in time")
        await lanes.close()
        consumer.assign(())

    async def _drain(self, consumer: SimulatedConsumer, lanes: Lanes) -> None:
        while True:
            if not self._flowing:
                await asyncio.sleep(0.05)
                continue
            accepting = sorted(lanes.accepting())
            if not accepting:
                await lanes.wait_for_room(_IDLE_FETCH)
                continue
            within = _IDLE_FETCH if len(accepting) == len(lanes) else _BUSY_FETCH
            for batch in await consumer.fetch(accepting, within, self._fetch_records):
                lanes.offered(batch)
                if self._flowing:
                    self._channel.append(batch)
                    self._handed.set()
                await asyncio.sleep(0)

    async def _agent(self, lanes: Lanes) -> None:
        while True:
            while self._channel:
                batch = self._channel.popleft()
                if self.losing and batch.records:
                    self.losing -= 1
                    self.tell(
                        "loses the batch of %s after offset %d on its way to its lane", batch.source, batch.follows
                    )
                    continue
                lanes.carry(batch)
                await asyncio.sleep(0)
            self._handed.clear()
            await self._handed.wait()

    def _new_lanes(self, consumer: SimulatedConsumer, bootstrap: str, destinations: Destinations) -> Lanes:
        build = self._build
        budget = CommitBudget(200.0)
        joint = JointRequests()
        clock = LoopClock(self._loop)
        observer = _Teller(self)

        def new_lane(source: SourcePartition, room: Callable[[], None]) -> Lane:
            return build.lane(
                source,
                copier=Copier(
                    source.topic,
                    decide=decide,
                    destinations=destinations,
                    identity=Identity(service=GROUP, instance=self.name, route_set="00000000"),
                    clock=self._loop.wall,
                ),
                destinations=destinations,
                positions=consumer,
                new_carrier=new_carrier,
                pace=Pace(commit_when_caught_up=self._exactly_once, wary=0 if self._exactly_once else 10),
                budget=budget,
                observer=observer,
                room=room,
                clock=clock,
            )

        def new_carrier(source: SourcePartition, waiting: Callable[[str], None]) -> Carrier:
            common: dict[str, Any] = {
                "worker": self.name,
                "positions": consumer,
                "bootstrap": bootstrap,
                "security": {},
                "destinations": destinations,
                "waiting": waiting,
            }
            if not self._exactly_once:
                return build.idempotent(source, joint=joint, **common)
            timeout = _TRANSACTION_TIMEOUT_MS
            return build.transactional(source, group=GROUP, transaction_timeout_ms=timeout, **common)

        return Lanes(new_lane)
