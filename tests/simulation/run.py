"""One run: a scenario played to its end, and what came of it."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import aiokafka.client
import aiokafka.conn
import aiokafka.producer.message_accumulator
import structlog

import router.lanes.deliveries
import router.lanes.kafka
from router.lanes.batch import SourcePartition
from router.records.record import PlainRecord
from simulation.books import DEAD, UNROUTABLE, Books
from simulation.cluster import Cluster
from simulation.deciding import POISON, SOURCE
from simulation.faults import (
    BatchLost,
    BrokerAway,
    BrokerStalls,
    ConnectionsCut,
    Fault,
    FetchFails,
    IdsExpire,
    LeadersMove,
    SourceExpires,
    TopicAway,
    TopicForbidden,
    WorkerKilled,
    WorkerLeaves,
    WorkerPaused,
)
from simulation.loop import SimulatedLoop, Stuck
from simulation.network import Network
from simulation.partition_log import Entry, PartitionLog, Transaction
from simulation.scenario import DESTINATIONS, REFUSING, SMALL, Scenario
from simulation.story import Story
from simulation.worker import GROUP, Build, SimulatedWorker

__all__ = ["Outcome", "play"]

_CAUGHT_UP_WITHIN = 240.0
"""Seconds, after the last fault has passed, in which everything must have been carried."""
_LOOK_EVERY = 0.5
_SMALL_BYTES = 1000
_STOP_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run."""

    scenario: Scenario
    problems: tuple[str, ...]
    story: Story
    steps: int
    seconds: float
    """By the run's own clock."""
    copies: int
    commits: int
    errors: Mapping[str, int]
    """Of lanes, by their reason."""

    @property
    def failed(self) -> bool:
        """Some promise was not kept."""
        return bool(self.problems)


def play(scenario: Scenario, build: Build | None = None) -> Outcome:
    """Play a scenario with real lanes, or with a mutant's."""
    random = Random(scenario.seed ^ 0x5EED)
    loop = SimulatedLoop(random, shuffled=scenario.shuffled)
    collecting = gc.isenabled()
    gc.disable()
    try:
        build = build or Build()
        with _replaced(loop, random, build):
            run = _Run(scenario, build, loop, random)
            try:
                loop.run_until_complete(run.whole())
            except Stuck as error:
                run.problems.append(str(error))
            run.bury()
    finally:
        loop.close()
        if collecting:
            gc.enable()
    return Outcome(
        scenario,
        tuple(dict.fromkeys(run.problems + run.books.problems)),
        run.story,
        loop.steps,
        loop.time(),
        run.copies,
        run.commits,
        run.errors,
    )


@contextmanager
def _replaced(loop: SimulatedLoop, random: Random, build: Build) -> Iterator[None]:
    """The client opens connections, tells the time and draws lots by names of its modules: it takes none as arguments."""

    class Time:
        monotonic = staticmethod(loop.time)
        time = staticmethod(loop.wall)

    class Lots:
        """Drawn from what comes out of sets, whose order is another in each process."""

        @staticmethod
        def choice(options: list[Any]) -> Any:
            return random.choice(sorted(options))

        @staticmethod
        def shuffle(options: list[Any]) -> None:
            options.sort(key=str)
            random.shuffle(options)

    network_at = (aiokafka.client, "create_conn")
    places: list[tuple[Any, str, Any]] = [
        (*network_at, getattr(*network_at)),
        (aiokafka.client, "time", Time),
        (aiokafka.client, "random", Lots),
        (aiokafka.conn, "random", Lots),
        (aiokafka.producer.message_accumulator, "time", Time),
        (router.lanes.deliveries, "time", Time),
        (router.lanes.kafka, "OrderedProducer", build.producer),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in places]
    configured = structlog.get_config()
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent, cache_logger_on_first_use=False)
    try:
        for module, name, value in places:
            setattr(module, name, value)
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
        structlog.configure(**configured)
        logging.disable(disabled)


class _Run:
    """A run as it goes; sees what the cluster makes true."""

    def __init__(self, scenario: Scenario, build: Build, loop: SimulatedLoop, random: Random) -> None:
        self.story = Story(loop.time)
        self.problems: list[str] = []
        self.copies = 0
        self.commits = 0
        self.errors: Counter[str] = Counter()
        self._scenario = scenario
        self._build = build
        self._loop = loop
        self._network = Network(loop, random, nodes=scenario.nodes, weather=scenario.weather)
        aiokafka.client.create_conn = self._network.connect
        self._cluster = Cluster(
            self._network,
            self.story,
            self,
            group=GROUP,
            sources=[SOURCE],
            rebalance=12.0,
            verifies=scenario.verifies,
        )
        counts = {SOURCE: scenario.partitions, DEAD: scenario.partitions, UNROUTABLE: scenario.partitions}
        counts |= {"same.v1": scenario.partitions, "other.v1": 2, REFUSING: scenario.partitions, SMALL: 1}
        self._counts: Mapping[str, int] = counts
        for name, count in counts.items():
            self._create(name, count)
        self.books = Books(exactly_once=scenario.exactly_once, partitions=counts)
        self._workers: list[SimulatedWorker] = []
        self._places: dict[int, SimulatedWorker] = {}
        self._born = 0
        self._over = False

    def _create(self, name: str, count: int) -> None:
        if name == REFUSING:
            self._cluster.create(name, count, refuses=POISON)
        elif name == SMALL:
            self._cluster.create(name, count, max_bytes=_SMALL_BYTES)
        else:
            self._cluster.create(name, count)

    # --- as it happens ---------------------------------------------------------------------------------------------------

    def copied(self, log: PartitionLog, entries: Sequence[Entry]) -> None:
        """See Watcher."""
        copies = self.books.copied(log, entries)
        self.copies += len(copies)
        transaction = entries[0].transaction
        offsets = ", ".join(f"{copy.partition}/{copy.offset}" for copy in copies)
        self.story.tell(
            "broker", "%s gets the copies of %s%s", log, offsets, f" in {transaction}" if transaction else ""
        )

    def before_commit(self, transaction: Transaction, offsets: Mapping[SourcePartition, int]) -> None:
        """See Watcher."""
        self.books.before_commit(transaction, offsets)

    def offset_committed(self, source: SourcePartition, offset: int, by: str) -> None:
        """See Watcher."""
        self.commits += 1
        self.story.tell("broker", "the group stands at %d in %s, by %s", offset, source, by)
        self.books.offset_committed(source, offset)

    # --- the play --------------------------------------------------------------------------------------------------------

    async def whole(self) -> None:
        """From the first worker's start to the closing of the books."""
        scenario = self._scenario
        for place in range(scenario.workers):
            self._start_worker(place)
        for each in scenario.published:
            self._network.later(each.at, self._publish, each)
        for fault in scenario.faults:
            self._network.later(fault.at, self._strike, fault)
        calm = max(
            (each.at + getattr(each, "seconds", 0.0) + getattr(each, "back_after", 0.0) for each in scenario.faults),
            default=0.0,
        )
        calm = max(calm, max((each.at for each in scenario.published), default=0.0))
        await asyncio.sleep(calm + 0.1)
        self.story.tell("", "nothing goes wrong any more")
        self._network.weather = replace(scenario.weather, rarely=0.0)
        until = self._loop.time() + _CAUGHT_UP_WITHIN
        while waiting := self._waiting():
            if self._loop.time() >= until:
                self.problems += waiting
                break
            await asyncio.sleep(_LOOK_EVERY)
        await self._stop_workers()
        self._close_books()

    def _publish(self, each: Any) -> None:
        topic = self._cluster.topics[SOURCE]
        log = topic.logs[each.partition]
        if each.kind == "hole":
            log.entries.append(None)
        elif each.kind == "aborted":
            record = PlainRecord(topic=SOURCE, partition=each.partition, offset=log.end, key=each.key, value=each.value)
            aborted = Transaction("a producer", 0, committed=False)
            log.entries += [Entry(record, aborted), Entry(None, aborted)]
        else:
            record = PlainRecord(
                topic=SOURCE,
                partition=each.partition,
                offset=log.end,
                timestamp=int(self._loop.wall() * 1000),
                key=each.key,
                value=each.value,
                headers=(("event", b"%d" % log.end),),
            )
            log.entries.append(Entry(record))
            self.books.published(record)
        topic.changed()

    def _start_worker(self, place: int) -> None:
        if self._over:
            return
        self._born += 1
        scenario = self._scenario
        worker = SimulatedWorker(
            f"worker-{self._born}",
            loop=self._loop,
            network=self._network,
            cluster=self._cluster,
            story=self.story,
            exactly_once=scenario.exactly_once,
            build=self._build,
            fetch_records=scenario.fetch_records,
            errors=self.errors,
        )
        self._workers.append(worker)
        self._places[place] = worker
        worker.start()

    def _strike(self, fault: Fault) -> None:
        worker = self._places.get(getattr(fault, "worker", -1))
        if worker is None:
            self._strike_outside(fault)
        elif not worker.ended:
            self._strike_worker(fault, worker)

    def _strike_worker(self, fault: Fault, worker: SimulatedWorker) -> None:
        tell, network, name = self.story.tell, self._network, worker.name
        if isinstance(fault, WorkerKilled):
            tell("FAULT", "%s is killed", name)
            worker.kill()
            network.later(fault.back_after, self._start_worker, fault.worker)
        elif isinstance(fault, WorkerLeaves):
            tell("FAULT", "%s is told to end", name)
            worker.stop()
            network.later(fault.back_after, self._start_worker, fault.worker)
        elif isinstance(fault, WorkerPaused) and not worker.process.paused:
            tell("FAULT", "%s is paused for %g s", name, fault.seconds)
            self._loop.pause(worker.process)
            network.later(fault.seconds, self._resume, worker)
        elif isinstance(fault, ConnectionsCut):
            tell("FAULT", "the connections of %s break", name)
            network.cut(lambda connection: connection.process is worker.process)
        elif isinstance(fault, BatchLost):
            worker.losing += 1
        elif isinstance(fault, FetchFails):
            tell("FAULT", "the next fetch of %s fails half-way", name)
            worker.fail_a_fetch()

    def _strike_outside(self, fault: Fault) -> None:
        tell, network, cluster = self.story.tell, self._network, self._cluster
        if isinstance(fault, BrokerAway):
            tell("FAULT", "broker %d is away for %g s", fault.node, fault.seconds)
            network.take_away(fault.node, fault.seconds)
            network.later(fault.seconds, cluster.came_back, fault.node)
        elif isinstance(fault, BrokerStalls):
            tell("FAULT", "nothing reaches broker %d, or comes from it, for %g s", fault.node, fault.seconds)
            network.stall(fault.node, fault.seconds)
        elif isinstance(fault, LeadersMove):
            tell("FAULT", "other brokers lead")
            cluster.move_leaders()
        elif isinstance(fault, TopicAway) and fault.topic in cluster.topics:
            tell("FAULT", "%s is deleted for %g s", fault.topic, fault.seconds)
            cluster.delete(fault.topic)
            network.later(fault.seconds, self._create, fault.topic, self._counts[fault.topic])
        elif isinstance(fault, TopicForbidden) and fault.topic in cluster.topics:
            tell("FAULT", "nobody may write to %s for %g s", fault.topic, fault.seconds)
            cluster.topics[fault.topic].forbidden = True
            network.later(fault.seconds, self._allow, fault.topic)
        elif isinstance(fault, SourceExpires):
            self._expire(SourcePartition(SOURCE, fault.partition), fault.seconds)
        elif isinstance(fault, IdsExpire):
            cluster.forget_ids()

    def _allow(self, name: str) -> None:
        if name in self._cluster.topics:
            self._cluster.topics[name].forbidden = False

    def _expire(self, source: SourcePartition, seconds: float) -> None:
        log = self._cluster.log(source)
        log.start = max(log.start, log.last_stable // 2)
        self.story.tell("FAULT", "retention removes all before offset %d of %s", log.start, source)
        self.books.expired(source, log.start)
        self._network.later(seconds, self._set_offset, source)

    def _set_offset(self, source: SourcePartition) -> None:
        group, log = self._cluster.group, self._cluster.log(source)
        if group.offsets.get(source, log.start) < log.start:
            self.story.tell("", "somebody sets the group's offset in %s to %d", source, log.start)
            group.offsets[source] = log.start
        if not self._over:
            # A transaction that was under way may put it back.
            self._network.later(5.0, self._set_offset, source)

    def _resume(self, worker: SimulatedWorker) -> None:
        if worker.process.alive and worker.process.paused:
            self.story.tell(worker.name, "goes on")
            self._loop.resume(worker.process)

    def _waiting(self) -> list[str]:
        """What has not been carried yet, in words."""
        cluster, found = self._cluster, []
        for source in cluster.source_partitions():
            end, at = cluster.log(source).last_stable, self._stands_at(source)
            if at < end:
                found.append(f"{source} stands at {at} of {end}{self._why(source)}")
        found += [f"the transaction of {name} is still open" for name in cluster.transactions.busy]
        for topic in cluster.topics.values():
            found += [f"readers of {log} wait at offset {log.last_stable} for ever" for log in topic.logs if log.open]
        found += [f"{worker.name} fell over: {worker.error!r}" for worker in self._workers if worker.error is not None]
        return found

    def _stands_at(self, source: SourcePartition) -> int:
        at = self._cluster.group.offsets.get(source, 0)
        if not self._scenario.exactly_once:
            # A commit that arrives late takes the group's offset back, and its lane knows nothing of it: with the next
            # record it is put right, and if the lane ends before that, some copies come twice.
            lanes = (lane for worker in self._workers if not worker.ended for lane in worker.lanes)
            at = max([at, *(lane.protocol.committed for lane in lanes if lane.source == source)])
        return at

    def _why(self, source: SourcePartition) -> str:
        for worker in self._workers:
            for lane in [] if worker.ended else worker.lanes:
                if lane.source == source:
                    why = lane.protocol.error or lane.waiting or "it does not say why"
                    return f": the lane of {worker.name} is {lane.protocol.state}, {why}"
        return ": nobody has a lane for it"

    async def _stop_workers(self) -> None:
        self._over = True
        for worker in self._workers:
            worker.stop()
        until = self._loop.time() + _STOP_WITHIN
        while any(not worker.ended for worker in self._workers):
            if self._loop.time() >= until:
                self.problems += [f"{worker.name} does not end" for worker in self._workers if not worker.ended]
                return
            await asyncio.sleep(_LOOK_EVERY)

    def bury(self) -> None:
        """Let what is left of killed workers end, unheard."""
        self.story.closed = True
        self._network.end()
        killed = [worker for worker in self._workers if not worker.process.alive]

        async def tidy() -> None:
            for worker in killed:
                await worker.close_lanes()

        self._loop.bury((worker.process for worker in killed), tidy, within=60.0)

    def _close_books(self) -> None:
        cluster = self._cluster
        topics = (*cluster.gone, *cluster.topics.values())
        self.books.close(topic.logs for topic in topics if topic.name != SOURCE)
        for worker in self._workers:
            self.problems += [f"{worker.name} contradicts itself: {error}" for error in worker.contradictions]
            if worker.error is not None:
                self.problems.append(f"{worker.name} fell over: {worker.error!r}")
        assert set(DESTINATIONS) <= cluster.topics.keys(), "every topic that was deleted is there again"
