"""What stands around a lane whose topic has twins: topics of other versions of its subject, with copies of what it holds.

    records ──► `OwnRecords`: only those that producers wrote here go on to be copied
    copies  ──► `Behind`: sent only once the earlier version's partition was routed up to where it ended
    commit  ──► the note that tells native records from copies, with the offset (`crossing.py`)

**Why copies wait.** A producer that moves to the next version writes there only after the former topic has acknowledged what
it wrote before. Two lanes carry the two topics, each at its own pace, so that the later event could be routed first. But when
it is read, the earlier one stands in its log. So before a lane sends copies, it asks for the end of the same partition of each
earlier version, as it is after the fetch, and waits until the group has committed that: of all that was ever written there,
since an open transaction of somebody else may hide from committed readers what was acknowledged behind it. Partitions of the same number hold the
same keys: the versions of a subject have equally many. In topics without native records nothing is sent, so nothing waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import Carrier, Places, Positions, Resuming, Waiting, note_in
from router.lanes.clock import Clock, MonotonicClock
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Refusals
from router.lanes.table import BatchCopier
from router.migrations.crossing import Crossing
from router.migrations.twins import Twins
from router.order.upstream import GroupPositions

__all__ = ["EARLIER_VERSION", "Behind", "NotedPositions", "OwnRecords", "TwinLanes"]

_ASK_EVERY = 0.02
"""Seconds between two looks at what the group has committed of an earlier version."""
_LONG = 2.0
"""Seconds from which on a wait is worth telling of."""
EARLIER_VERSION = "earlier-version"
"""The reason of a wait for what was written before to the topic of an earlier version."""


class OwnRecords:
    """Stands in a copier's place, and hands on what is native. Fulfils what a lane expects of a copier."""

    def __init__(self, inner: BatchCopier, crossing: Crossing) -> None:
        self._inner = inner
        self._crossing = crossing

    def copy(self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> Tally:
        """Copy the batch's native records; all of it counts as carried. Raises what the copier raises."""
        is_native = self._crossing.is_native
        native = [record for record in batch.records if is_native(record)]
        if len(native) < len(batch.records):
            batch = replace(batch, records=native)
        tally = self._inner.copy(batch, into=into, new_batch=new_batch, refusals=refusals)
        self._crossing.passed(
            batch.next, at=int(batch.received * 1000), lacking=tally.dead_letters.total() + tally.dropped
        )
        return tally


class NotedPositions(Resuming):
    """The positions of a lane with twins: it goes on with what the last commit's note knows."""

    def __init__(self, positions: Positions, crossing: Crossing) -> None:
        super().__init__(positions)
        self._crossing = crossing

    async def first(self, source: SourcePartition, places: Places) -> None:
        """Take up the note."""
        self._crossing.resume(note_in(places, source))


class Behind:
    """A carrier whose copies come behind everything that stands in these partitions when they are sent. Fulfils `Carrier`."""

    def __init__(
        self,
        carrier: Carrier,
        positions: GroupPositions,
        *,
        earlier: Callable[[], Sequence[SourcePartition]],
        waiting: Callable[[str], None],
        clock: Clock | None = None,
    ) -> None:
        """`earlier` gives the partitions of earlier versions, those that exist as of now."""
        self._carrier = carrier
        self._positions = positions
        self._earlier = earlier
        self._waiting = waiting
        self._clock = clock or MonotonicClock()
        self.new_batch = carrier.new_batch
        self.commit = carrier.commit
        self.open = carrier.open
        self.close = carrier.close

    async def send(self, copies: Copies) -> None:
        """Wait for the earlier versions where there is something to send, then hand it over. Raises BrokerUnavailable."""
        if copies.ready:
            await self._wait(self._earlier())
        await self._carrier.send(copies)

    async def _wait(self, earlier: Collection[SourcePartition]) -> None:
        written = self._positions.written_to
        awaited = dict(zip(earlier, await asyncio.gather(*map(written, earlier)), strict=True))
        begun, told = self._clock.now(), False
        while awaited:
            stands = await self._positions.standing(awaited)
            awaited = {each: end for each, end in awaited.items() if stands[each] < end}
            if awaited and not told and self._clock.now() - begun > _LONG:
                named = ", ".join(f"{each} up to {end}" for each, end in sorted(awaited.items()))
                words = f"what was written to the earlier version before has to be routed first: {named}"
                self._waiting(Waiting(words, reason=EARLIER_VERSION))
                told = True
            if awaited:
                await self._clock.wait(asyncio.Event(), until=self._clock.now() + _ASK_EVERY)
        if told:
            self._waiting("")


class TwinLanes:
    """What the lanes of a worker need because of twins; made once a worker. Lanes of other topics get nothing from here."""

    def __init__(self, twins: Mapping[str, Twins], *, count: Callable[[str], int]) -> None:
        """`count` gives the partitions of a topic, 0 where it does not exist."""
        self._twins = twins
        self._count = count
        self._crossings: dict[SourcePartition, Crossing] = {}

    @property
    def topics(self) -> Mapping[str, Twins]:
        """The topics that have twins."""
        return self._twins

    def around(self, source: SourcePartition, copier: BatchCopier) -> BatchCopier:
        """What stands in the copier's place in a lane that is about to be opened."""
        twins = self._twins.get(source.topic)
        if twins is None:
            return copier
        crossing = Crossing(source.partition, twins=twins.others, writers=twins.writers, former=twins.former)
        self._crossings[source] = crossing
        return OwnRecords(copier, crossing)

    def positions(self, source: SourcePartition, positions: GroupPositions, usual: Positions) -> Positions:
        """Where that lane stands; `usual` for lanes without twins."""
        crossing = self._crossings.get(source)
        return usual if crossing is None else NotedPositions(positions, crossing)

    def note(self, source: SourcePartition) -> Callable[[int], str] | None:
        """What that lane's carrier commits beside an offset."""
        crossing = self._crossings.get(source)
        return None if crossing is None else crossing.note

    def behind(
        self, source: SourcePartition, carrier: Carrier, positions: GroupPositions, waiting: Callable[[str], None]
    ) -> Carrier:
        """That lane's carrier, whose copies come behind those of earlier versions."""
        twins = self._twins.get(source.topic)
        if twins is None or not twins.earlier:
            return carrier

        def earlier() -> list[SourcePartition]:
            number = source.partition
            return [SourcePartition(topic, number) for topic in twins.earlier if self._count(topic) > number]

        return Behind(carrier, positions, earlier=earlier, waiting=waiting)
