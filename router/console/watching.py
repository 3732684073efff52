"""Looks at Kafka and at the workers again and again, once for all who watch; whoever is slow misses looks, and slows nobody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from router.console.kafka import KafkaReads
from router.console.measuring import At, Counted, Past, Sample
from router.console.today import Routes
from router.console.trouble import Facts, Trouble, WorkerFacts, troubles
from router.console.workers import AskWorkers
from router.errors import RouterError
from router.language.topics import TopicRole
from router.observe.logs import get_logger

__all__ = ["Snapshot", "Watching"]

log = get_logger("router.console")

EVERY_SECONDS = 2.0
_GROUPS_EVERY = 2
"""Looks between two questions about consumer groups, and about which workers there are."""
_BEGINS_EVERY = 15


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known now; the same for all who look."""

    number: int = 0
    at: float = 0.0
    """Seconds since the epoch."""
    counts: Mapping[str, int] | None = None
    """Partitions by topic; None while Kafka has never answered."""
    kafka: str = "not asked yet"
    """Why Kafka does not answer; empty where it does."""
    workers: tuple[WorkerFacts, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)
    """Records a second, by topic: as workers tell where they do."""
    exact: frozenset[str] = frozenset()
    """Topics whose rate is workers' count of records."""
    held: Mapping[str, tuple[float, float]] = field(default_factory=dict)


class Watching:
    """The one who looks."""

    def __init__(
        self,
        kafka: KafkaReads,
        workers: AskWorkers,
        routes: Routes,
        *,
        urls: Sequence[str],
        every: float = EVERY_SECONDS,
    ) -> None:
        """`urls` are the workers that are known; those that own a partition of a table are found by themselves."""
        self.past = Past()
        self.snapshot = Snapshot()
        self.routes = routes
        self._kafka = kafka
        self._workers = workers
        self._known = tuple(urls)
        self.urls: tuple[str, ...] = tuple(urls)
        self._every = every
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._begins: Mapping[At, int] = {}
        self._committed: Mapping[str, Mapping[At, int]] = {}
        self._looks = 0

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def changes(self) -> AsyncIterator[Snapshot]:
        """The snapshot as it is, and each later one that there is when the last was taken."""
        seen = self.snapshot
        yield seen
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self.snapshot.number != seen.number)  # noqa: B023 - asked before it changes
                seen = self.snapshot
            yield seen

    async def _run(self) -> None:
        while True:
            began = time.monotonic()
            try:
                await self.look()
            except Exception:
                log.exception("a look at Kafka and the workers failed")
            await asyncio.sleep(max(self._every / 4, self._every - (time.monotonic() - began)))

    async def look(self) -> Snapshot:
        """Look once."""
        await self.routes.look()
        workers, (counts, problem) = await asyncio.gather(self._look_at_workers(), self._look_at_kafka())
        self._looks += 1
        facts = tuple(each for each, _ in workers)
        counted = {each.url: told for each, told in workers if told is not None}
        if counts is not None:
            await self._sample(counts, counted)
        rates, exact = self._rates()
        held = _held(counted)
        self.snapshot = Snapshot(
            number=self._looks,
            at=time.time(),
            counts=self.snapshot.counts if counts is None else counts,
            kafka=problem,
            workers=facts,
            troubles=troubles(self._facts(facts, counts, problem, rates, held)),
            rates=rates,
            exact=exact,
            held=held,
        )
        async with self._changed:
            self._changed.notify_all()
        return self.snapshot

    async def _look_at_workers(self) -> list[tuple[WorkerFacts, Counted | None]]:
        told = list(await asyncio.gather(*(self._workers.look(url) for url in self.urls)))
        if self._looks % _GROUPS_EVERY == 0:
            self.urls = await self._found({each.instance for each, _ in told if each.url in self._known})
        return told

    async def _found(self, instances: set[str]) -> tuple[str, ...]:
        """The workers that are named, and those that the first of them knows to own a part of a table."""
        status, body = await self._workers.api(self._known, "/api/tables", {})
        if status != 200:
            return self.urls
        # A worker whose address is written otherwise than the group has it is the same worker by its instance.
        found = {
            str(each["url"]): None
            for table in body.get("tables", ())
            for each in table.get("partitions", ())
            if each.get("url") and each.get("instance") not in instances
        }
        return tuple(dict.fromkeys((*self._known, *found)))

    async def _look_at_kafka(self) -> tuple[Mapping[str, int] | None, str]:
        try:
            return await self._kafka.partition_counts(), ""
        except RouterError as error:
            return None, str(error)

    async def _sample(self, counts: Mapping[str, int], counted: Mapping[str, Counted]) -> None:
        partitions = [
            (topic, each) for topic, count in counts.items() if not topic.startswith("__") for each in range(count)
        ]
        try:
            ends = await self._kafka.ends(partitions)
            if self._looks % _BEGINS_EVERY == 1 or not self._begins:
                self._begins = await self._kafka.begins(partitions)
            if self._looks % _GROUPS_EVERY == 1 or not self._committed:
                self._committed = await self._kafka.committed()
        except RouterError as error:
            log.warning("Kafka's offsets could not be read", problem=str(error))
            return
        self.past.add(Sample(time.monotonic(), ends, self._begins, self._committed, counted))

    def _rates(self) -> tuple[dict[str, float], frozenset[str]]:
        rates = self.past.rates()
        told: dict[str, float] = {}
        for (_, destination), rate in self.past.copy_rates().items():
            told[destination] = told.get(destination, 0.0) + rate
        # What workers read is what they get through; what comes in is told by the topic's end, and has no markers of ours.
        return {**rates, **told}, frozenset(told)

    def _facts(
        self,
        workers: tuple[WorkerFacts, ...],
        counts: Mapping[str, int] | None,
        problem: str,
        rates: Mapping[str, float],
        held: Mapping[str, tuple[float, float]],
    ) -> Facts:
        today = self.routes.today
        plans = {} if today is None else today.plans
        aside = [name for name, plan in plans.items() if plan.role in {TopicRole.DEAD_LETTERS, TopicRole.UNROUTABLE}]
        read = [name for name, plan in plans.items() if plan.role in {TopicRole.SOURCE, TopicRole.NARROW}]
        return Facts(
            workers=workers,
            kafka=problem,
            routes="" if today is None else today.route_set.fingerprint,
            faults=self.routes.faults,
            declared=tuple(plans),
            present=counts,
            lags={topic: self.past.lags(topic) for topic in read},
            held=held,
            set_aside={topic: (self.count(topic), rates.get(topic, 0.0)) for topic in aside},
        )

    def count(self, topic: str) -> int:
        """How many offsets a topic has: records, and the markers of transactions."""
        latest = self.past.latest
        if latest is None:
            return 0
        return sum(end - latest.begins.get(at, end) for at, end in latest.ends.items() if at[0] == topic)


def _held(counted: Mapping[str, Counted]) -> dict[str, tuple[float, float]]:
    held: dict[str, tuple[float, float]] = {}
    for told in counted.values():
        for source, count in told.waiting.items():
            before = held.get(source, (0.0, 0.0))
            held[source] = (before[0] + count, max(before[1], told.oldest.get(source, 0.0)))
    return held
