"""A lane that keeps what consumers reject, over a broker in memory, and consumers that fail: time passes by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from router.exchange.decision import Decision, Delivery, Walk
from router.failure.consuming import PartitionConsumer, Turn, decode_mark, encode_mark
from router.failure.keeping import Keeping
from router.failure.policy import FailurePolicy, Kept
from router.failure.rejections import acknowledgement_headers, rejection_headers, release_mark
from router.failure.topics import parked_of, rejected_of
from router.lanes.batch import SourcePartition
from router.language.topics import changelog_of, dead_letters_of
from router.records.record import PlainRecord, Record
from router.testing import MemoryBroker, MemoryDisk, MemoryWorker

BROAD, VIP, OTHER = "orders.v1", "vip.v1", "other.v1"
SOURCE = SourcePartition(BROAD, 0)
CHANGELOG = changelog_of("router", BROAD)
SECOND = 1_000


def to(*topics: str) -> Decision:
    """Return a decision for these topics."""
    return Decision((Walk("orders", "x", (), tuple(Delivery(topic, ()) for topic in topics)),))


class KeepingWorker(MemoryWorker):
    """A worker in memory whose lanes keep what is rejected."""

    def __init__(self, broker: MemoryBroker, kept: Kept, **more: Any) -> None:
        super().__init__(broker, {BROAD: lambda _: to(VIP, OTHER)}, kept={BROAD: kept}, **more)


class Consumer:
    """Of one partition of a topic: follows the protocol, and fails as it is told."""

    def __init__(
        self, broker: MemoryBroker, fails: Callable[[Record], bool], *, topic: str = VIP, parks: bool = True
    ) -> None:
        """Where it does not park, it knows nothing of the protocol but how to reject."""
        self.processed: list[bytes] = []
        self.met: list[PlainRecord] = []
        """All copies that it looked at."""
        self.parks = parks
        self.fails = fails
        self._broker = broker
        self._topic = topic
        self._offset = 0
        self.begin()

    def begin(self) -> None:
        """Start, or start again: all that it remembered is gone."""
        marks = self._broker.records(parked_of(self._topic), 0)
        self._known = PartitionConsumer(0)
        self._known.begin(committed=self._offset, marks_end=len(marks))
        for each in marks:
            assert each.key is not None
            self._known.marked(each.key, decode_mark(each.value))
        self._known.marks_read(len(marks))

    def consume(self, most: int = 1_000_000) -> int:
        """Meet what there is; returns how many records that was."""
        records = self._broker.topics[self._topic].logs[0][self._offset :][:most]
        for record in records:
            self._commit(record, self._meet(record))
        return len(records)

    def _meet(self, record: PlainRecord) -> Turn:
        release = release_mark(record.headers)
        if release is not None:
            first = None if release.first is None else (release.first.partition, release.first.offset)
            return self._known.meet_release(release.key, record.offset, epoch=release.epoch, first=first)
        skipped = self._known.meet(record.key, record.offset)
        if skipped is not None:
            return skipped
        self.met.append(record)
        if self.fails(record):
            return self._known.failed(record.key, record.offset, keep=self.parks)
        self.processed.append(record.value or b"")
        return self._known.processed(record.offset)

    def _commit(self, record: PlainRecord, turn: Turn) -> None:
        publish = self._broker.publish
        if turn.rejects:
            headers = rejection_headers(
                record, turn.rejects, error="out of range", error_class="DataError", place="value:n", parks=turn.parks
            )
            publish(rejected_of(self._topic), key=record.key, value=record.value, headers=headers, partition=0)
        if turn.mark is not None:
            publish(parked_of(self._topic), key=turn.mark.key, value=encode_mark(turn.mark.since), partition=0)
        if turn.acknowledges is not None:
            mark = release_mark(record.headers)
            assert mark is not None
            publish(rejected_of(self._topic), key=mark.key, headers=acknowledgement_headers(mark), partition=0)
        self._known.committed(turn)
        self._offset = turn.next


class Desk:
    """One broad topic of one partition, its worker, and the consumer of the topic that may reject."""

    def __init__(self, policy: FailurePolicy, *, retention_ms: int | None = None, **worker: Any) -> None:
        self._of_worker = worker
        self.broker = MemoryBroker()
        for topic in (BROAD, VIP, OTHER, dead_letters_of(BROAD), f"{BROAD}.unroutable"):
            self.broker.create_topic(topic)
        for topic in (rejected_of(VIP), dead_letters_of(VIP)):
            self.broker.create_topic(topic)
        for topic in (parked_of(VIP), CHANGELOG):
            self.broker.create_topic(topic, compacted=True)
        self.policies: dict[str, FailurePolicy] = {VIP: policy}
        self.retention_ms = retention_ms
        self.failing: set[bytes] = set()
        """Values that the consumer cannot process."""
        self.consumer = Consumer(self.broker, lambda record: record.value in self.failing)
        self.worker = self.new_worker()

    def new_worker(self, disk: MemoryDisk | None = None) -> KeepingWorker:
        """Return another worker, with this disk or an empty one."""
        renew = {} if self.retention_ms is None else dict.fromkeys(self.policies, self.retention_ms // 2)
        kept = Kept(
            policies=self.policies, retention_ms=dict.fromkeys(self.policies, self.retention_ms), renew_ms=renew
        )
        worker = KeepingWorker(self.broker, kept, **self._of_worker)
        if disk is not None:
            worker.disks[SOURCE] = disk
        return worker

    @property
    def keeping(self) -> Keeping:
        """What keeps, in the only lane."""
        (lane,) = self.worker.lanes
        keeping = lane._order
        assert isinstance(keeping, Keeping)
        return keeping

    async def come(self, *values: str, key: bytes | None = b"k") -> None:
        """Publish records of a key, and let them be carried."""
        for value in values:
            self.broker.publish(BROAD, key=key, value=value.encode())
        await self.worker.run()

    async def settle(self) -> None:
        """Let worker and consumer go on until nothing happens any more without time."""
        await self.worker.run()
        while self.consumer.consume():
            await self.worker.run()

    async def passes(self, seconds: float) -> None:
        """Let time pass, and all that follows from it."""
        self.broker.clock.advance(seconds)
        await self.worker.run()
        await self.settle()

    async def restart(self, disk: MemoryDisk | None = None) -> None:
        """Kill the worker, and start another."""
        await self.worker.stop(finish=False)
        self.worker = self.new_worker(disk)
        await self.worker.start()

    @property
    def processed(self) -> str:
        """What the consumer has processed, in its order."""
        return b" ".join(self.consumer.processed).decode()

    @property
    def copies(self) -> str:
        """What the topic holds, in its order; a release mark is a `|`."""
        values = [(each.value or b"|").decode() for each in self.broker.records(VIP)]
        return " ".join(values)

    @property
    def letters(self) -> list[tuple[str, Mapping[str, bytes | None]]]:
        """The topic's dead letters: value and headers."""
        found = self.broker.records(dead_letters_of(VIP))
        return [((each.value or b"").decode(), dict(each.headers)) for each in found]

    @property
    def table(self) -> dict[bytes, bytes]:
        """What the table has that is committed, as its changelog tells it."""
        entries: dict[bytes, bytes] = {}
        for each in self.broker.records(CHANGELOG):
            assert each.key is not None
            entries.pop(each.key, None)
            if each.value is not None:
                entries[each.key] = each.value
        return entries


@asynccontextmanager
async def running(policy: FailurePolicy, **more: Any) -> AsyncIterator[Desk]:
    """Run a desk."""
    desk = Desk(policy, **more)
    await desk.worker.start()
    try:
        yield desk
    finally:
        desk.broker.heal()
        await desk.worker.stop(finish=False)
