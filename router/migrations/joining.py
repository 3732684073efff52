"""The way back from the subjects that a topic was split into, in the lane of the old topic's partition.

What producers write to several topics comes to one, and each key's events in the order in which they were written (`merging.py`). So
one lane has to write all of it: that of the old topic's partition of the same number, which writes the new topics, too. Beside its own
batches it gets what a reader of its own has read of all new topics, in runs. Copies, the old topic's offset and the new topics'
positions, each with its note (`crossing.py`), are one transaction: what was joined is exact after any restart, and `status` reads
it where it reads everything.

    new topics ──► reader ──► `Merge` ──► runs ──┐
    old topic  ──────────────────────────────────┴► lane ──► copies both ways, and all positions
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Copier, Refusals
from router.lanes.table import BatchCopier
from router.migrations.crossing import Crossing
from router.migrations.merging import Merge, Run
from router.records.headers import HOP, ORIGIN, decode_origin
from router.records.record import Headers, PlainRecord, Record

__all__ = ["Joining"]


class Joining:
    """What one lane joins. Stands in the copier's place, and beside the lane's carrier; all of it runs in the lane's loop."""

    def __init__(
        self,
        source: SourcePartition,
        inner: BatchCopier,
        *,
        copiers: Mapping[str, Copier],
        group: str,
        headers: Mapping[str, Headers],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`copiers` are by new topic; `headers` are what copies of each announce besides."""
        self.source = source
        self.topics: Sequence[str] = tuple(copiers)
        self.merge: Merge | None = None
        """None until the lane has resumed, and when it has to do so again."""
        self._inner = inner
        self._copiers = copiers
        self._headers = headers
        self._clock = clock
        self._crossings = {
            each: Crossing(source.partition, twins=[source.topic], writers=[group]) for each in self.topics
        }
        self._queue: deque[Run] = deque()
        self._pending: dict[int, dict[str, int]] = {}
        """By copies that are not sent yet, the position of each topic behind what was written to them."""
        self._sent: dict[str, int] = {}

    def partitions(self) -> list[SourcePartition]:
        """What is joined."""
        return [SourcePartition(each, self.source.partition) for each in self.topics]

    def resume(self, positions: Mapping[str, int], notes: Mapping[str, str]) -> None:
        """Go on from a commit."""
        self._queue.clear()
        self._pending.clear()
        # All are committed each time, moved or not: the group is subscribed to none of them, so that they would expire.
        self._sent = dict(positions)
        for topic, crossing in self._crossings.items():
            crossing.resume(notes[topic])
            if not notes[topic]:
                # A place without a note is none of ours.
                crossing.passed(positions[topic])
        self.merge = Merge([positions[each] for each in self.topics], apart=self._looks_copied)

    def _looks_copied(self, record: Record) -> bool:
        """Whether a record says that it is a copy of the old topic's; whether it is one, `Crossing` says."""
        headers = record.headers
        if not headers or headers[-1][0] != HOP or len(headers) == 1 or headers[-2][0] != ORIGIN:
            return False
        origin = decode_origin(headers[-2][1])
        return origin is not None and origin.topic == self.source.topic

    def feed(self, runs: Sequence[Run]) -> None:
        """These come next, and are written with the lane's next batch."""
        self._queue.extend(runs)

    # --- beside the carrier ----------------------------------------------------------------------------------------------

    def sent(self, copies: Copies) -> None:
        """These copies go into the transaction that is open."""
        self._sent |= self._pending.pop(id(copies), {})

    def offsets(self) -> Mapping[SourcePartition, tuple[int, str]]:
        """What is committed besides the lane's own offset: all new topics' positions as of what was sent."""
        number = self.source.partition
        return {
            SourcePartition(topic, number): (at, self._crossings[topic].note(at)) for topic, at in self._sent.items()
        }

    # --- in the copier's place -------------------------------------------------------------------------------------------

    def copy(self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> Tally:
        """Write what was read of the new topics, then copy the batch. Raises what the copiers raise."""
        written: dict[str, int] = {}
        while self._queue:
            run = self._queue.popleft()
            topic = self.topics[run.topic]
            self._write(topic, run, batch, into=into, new_batch=new_batch, refusals=refusals)
            written[topic] = run.position
        tally = self._inner.copy(batch, into=into, new_batch=new_batch, refusals=refusals)
        self._pending[id(into)] = self._pending.get(id(into), {}) | written
        return tally

    def _write(
        self,
        topic: str,
        run: Run,
        batch: Batch,
        *,
        into: Copies,
        new_batch: Callable[[str], CopyBatch],
        refusals: Refusals,
    ) -> None:
        crossing, copier = self._crossings[topic], self._copiers[topic]
        further = self._headers[topic]
        native = [_announcing(each, further) for each in run.records if crossing.is_native(each)]
        # Not the batch's own: that is counted as what came of the lane's topic.
        tally = Tally()
        if native:
            place = SourcePartition(topic, self.source.partition)
            piece = Batch(place, batch.epoch, native[0].offset, run.position, native, batch.received)
            decisions = copier.decisions(native)
            writer = copier.writer(piece, into=into, new_batch=new_batch, refusals=refusals, tally=tally)
            writer.write_all(native, decisions)
        at, lacking = int(self._clock() * 1000), tally.dead_letters.total() + tally.dropped
        crossing.passed(run.position, at=at, lacking=lacking)


def _announcing(record: Record, further: Headers) -> Record:
    if not further:
        return record
    return PlainRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
        headers=[*record.headers, *further],
    )
