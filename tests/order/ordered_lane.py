"""A lane that puts records in order, over a broker in memory: its values are places, and time passes by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from order.driving import policy

from router.errors import RouterError, Unreadable
from router.exchange.decision import Decision, Delivery, Walk
from router.failure.notes import REASON
from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import OrderTally, Tally
from router.lanes.lane import Lane, LaneObserver
from router.language.routes import SourceOrder
from router.language.topics import changelog_of
from router.order.ordering import Ordering
from router.order.policy import OrderPolicy, Sequence
from router.order.stored import SWEEP_ENTRY
from router.records.headers import ORIGIN
from router.records.reader import FieldReader
from router.records.record import PlainRecord, Record
from router.testing import MemoryBroker, MemoryDisk, MemoryWorker

BROAD = "orders.v1"
SOURCE = SourcePartition(BROAD, 0)
WAIT = 300.0
DEAD, NOWHERE, CHANGELOG = f"{BROAD}.dead-letters", f"{BROAD}.unroutable", changelog_of("router", BROAD)
TOPICS = ("a.v1", "b.v1", "now.v1", "other.v1")


def walk(exchange: str, *topics: str) -> Walk:
    """Return the way from an exchange to these topics."""
    return Walk(exchange, "x", (), tuple(Delivery(topic, ()) for topic in topics))


def to(*topics: str, other: Collection[str] = ()) -> Decision:
    """Return a decision of the ordering exchange, and of one beside it."""
    walks = (walk("orders", *topics), *([walk("others", *other)] if other else []))
    return Decision(walks, unroutable=() if topics else ("orders",))


def _place(value: bytes) -> tuple[Any, ...]:
    if value == b"?":
        raise Unreadable(field="n", position=0, problem="it is a question")
    text = value.decode()
    return (int(text) if text.lstrip("-").isdigit() else text,)


@dataclass
class Counts(LaneObserver):
    """What the lane says of itself, added up."""

    errors: list[RouterError] = field(default_factory=list)
    order: OrderTally = field(default_factory=OrderTally)
    outcomes: Counter[str] = field(default_factory=Counter)
    copies: Counter[str] = field(default_factory=Counter)

    def copied(self, source: SourcePartition, batch: Batch, tally: Tally) -> None:
        """Add a batch."""
        self.released(source, tally)

    def released(self, source: SourcePartition, tally: Tally) -> None:
        """Add what was released by time."""
        assert tally.order is not None
        for name in ("held", "gaps", "late", "duplicates", "illegal"):
            setattr(self.order, name, getattr(self.order, name) + getattr(tally.order, name))
        self.order.released.update(tally.order.released)
        self.outcomes.update(["routed"] * tally.routed + ["unroutable"] * tally.unroutable)
        self.outcomes.update(["aside"] * tally.set_aside + ["dropped"] * tally.dropped)
        self.copies.update(tally.copies)

    def failed(self, source: SourcePartition, error: RouterError) -> None:
        """Keep an error."""
        self.errors.append(error)


class Desk:
    """One broad topic of one partition, and its worker."""

    def __init__(
        self,
        ordering: OrderPolicy | None = None,
        *,
        decide: Callable[[Record], Decision] = lambda _: to("a.v1"),
        at_once: Collection[str] = (),
        **worker: Any,
    ) -> None:
        """Make all topics; nothing runs yet."""
        self.broker = MemoryBroker()
        self.decide = decide
        self.counts = Counts()
        for topic in (BROAD, *TOPICS, DEAD, NOWHERE):
            self.broker.create_topic(topic)
        self.at_once = frozenset(at_once)
        self.policy = ordering or policy(Sequence("n"), wait_ms=int(WAIT * 1000))
        self._settings = worker
        self.worker = self._new_worker()

    def _new_worker(self) -> MemoryWorker:
        order = SourceOrder("orders", self.policy, ("n",), self.at_once)
        reader = FieldReader(("n",), _place, lambda facts: facts)
        return MemoryWorker(
            self.broker,
            # Tests change it while the worker runs.
            {BROAD: lambda record: self.decide(record)},  # noqa: PLW0108
            orders={BROAD: (order, reader)},
            observer=self.counts,
            **self._settings,
        )

    @property
    def lane(self) -> Lane:
        """The only lane."""
        (lane,) = self.worker.lanes
        return lane

    @property
    def ordering(self) -> Ordering:
        """What puts its records in order."""
        ordering = self.lane._order
        assert isinstance(ordering, Ordering)
        return ordering

    def come(self, *places: int | str | None, key: bytes | None = b"k", **more: Any) -> None:
        """Publish records of a key."""
        for place in places:
            value = None if place is None else str(place).encode()
            self.broker.publish(BROAD, key=key, value=value, **more)

    async def comes(self, *places: int | str | None, key: bytes | None = b"k", **more: Any) -> None:
        """Publish records of a key, and let them be carried."""
        self.come(*places, key=key, **more)
        await self.worker.run()

    async def passes(self, seconds: float) -> None:
        """Let time pass."""
        self.broker.clock.advance(seconds)
        await self.worker.run()

    def copies(self, topic: str = "a.v1", key: bytes | None = None) -> list[str]:
        """Return the values in a topic, of all keys or of one; empty for a tombstone."""
        records = self.broker.records(topic)
        return [(each.value or b"").decode() for each in records if key is None or each.key == key]

    @property
    def dead(self) -> list[tuple[str, str]]:
        """The values and reasons of dead letters."""
        return [((each.value or b"").decode(), header(each, REASON)) for each in self.broker.records(DEAD)]

    @property
    def table(self) -> dict[bytes, bytes]:
        """What the table has that is committed, as its changelog tells it, but for when forgotten keys are looked for."""
        entries: dict[bytes, bytes] = {}
        for each in self.broker.records(CHANGELOG):
            assert each.key is not None
            entries.pop(each.key, None)
            if each.value is not None:
                entries[each.key] = each.value
        entries.pop(SWEEP_ENTRY, None)
        return entries

    async def restart(self, disk: MemoryDisk | None = None, *, finish: bool = False) -> None:
        """End the worker, and start another, with this disk or with an empty one."""
        await self.worker.stop(finish=finish)
        self.worker = self._new_worker()
        if disk is not None:
            self.worker.disks[SOURCE] = disk
        await self.worker.start()


def header(record: PlainRecord, name: str) -> str:
    """Return a header's text."""
    return (dict(record.headers)[name] or b"").decode()


def origin(record: PlainRecord) -> str:
    """Return where a copy came from."""
    return header(record, ORIGIN)


@asynccontextmanager
async def running(ordering: OrderPolicy | None = None, **more: Any) -> AsyncIterator[Desk]:
    """Run a desk."""
    desk = Desk(ordering, **more)
    await desk.worker.start()
    try:
        yield desk
    finally:
        desk.broker.heal()
        await desk.worker.stop(finish=False)
