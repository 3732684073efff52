"""Replays of one worker: notices what is asked for, and reads for its lanes what they are to send once more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from aiokafka.structs import TopicPartition

from router.errors import BrokerUnavailable, RouterError, TransientError
from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import Carrier, Places, Positions, Resuming, note_in
from router.lanes.connections import Connections, read_from
from router.lanes.copies import Copies
from router.lanes.copying import Copier
from router.lanes.lane import Lane
from router.lanes.protocol import LaneState
from router.lanes.table import BatchCopier
from router.observe.logs import get_logger
from router.records.record import Record
from router.replay.lane_replays import LaneReplays, Stretch, replays_in
from router.replay.log import ReplayLog
from router.replay.plan import Replay

__all__ = ["ReplayUnknown", "Replays"]

log = get_logger("router.replay")

_LOOK_EVERY = 1.0
"""Seconds between two looks at what is asked for."""
_FETCH_MS = 200
_AT_ONCE = 1_000
"""Records that are handed to a lane at a time: between two of its own batches."""
_PAUSE = 0.02
"""Seconds until a lane that has no room is looked at again."""


class ReplayUnknown(TransientError):
    """A lane is in the midst of a replay that is not in the log of replays."""

    reason = "replay-unknown"

    def __init__(self, *, replay: str) -> None:
        super().__init__(replay)
        self.replay = replay

    def __str__(self) -> str:
        return f"replay {self.replay} is under way, and 'router.replays' does not tell it (any more): nothing may be left out"


class _Sending:
    """A carrier that tells what goes into the transaction. Fulfils `Carrier`."""

    def __init__(self, carrier: Carrier, replays: LaneReplays) -> None:
        self.inner = carrier
        self._replays = replays
        self.new_batch = carrier.new_batch
        self.commit = carrier.commit
        self.open = carrier.open
        self.close = carrier.close

    async def send(self, copies: Copies) -> None:
        """See Carrier."""
        self._replays.sent(copies)
        await self.inner.send(copies)


class _GoingOn(Resuming):
    """The positions of a lane: its replays go on with the note of its last commit."""

    def __init__(self, usual: Positions, replays: LaneReplays, service: Replays) -> None:
        super().__init__(usual)
        self._replays = replays
        self._service = service

    async def first(self, source: SourcePartition, places: Places) -> None:
        """Take up the note. Raises ReplayUnknown."""
        note = note_in(places, source)
        await self._service.know(replays_in(note))
        self._replays.resume(note)


class Replays:
    """Of one worker."""

    def __init__(
        self,
        replays: ReplayLog,
        *,
        group: str,
        bootstrap: str,
        security: Callable[[], Mapping[str, Any]],
        asks: Callable[[Replay], Callable[[Record], bool]],
        there: Callable[[], bool],
    ) -> None:
        """`asks` makes what evaluates a replay's `where`; `there` says whether there is a log of replays at all."""
        self._log = replays
        self._group = group
        self._bootstrap = bootstrap
        self._security = security
        self._asks = asks
        self._there = there
        self._known: Mapping[str, Replay] = {}
        self._lanes: dict[SourcePartition, LaneReplays] = {}
        self._reading: dict[tuple[SourcePartition, str], asyncio.Task[None]] = {}

    def around(self, source: SourcePartition, inner: BatchCopier, *, copier: Copier) -> BatchCopier:
        """What stands in the copier's place in a lane that is about to be opened."""
        made = LaneReplays(source, inner, copier=copier, known=lambda: self._known, asks=self._asks)
        self._lanes[source] = made
        return made

    def positions(self, source: SourcePartition, usual: Positions) -> Positions:
        """Where that lane stands."""
        replays = self._lanes.get(source)
        return usual if replays is None else _GoingOn(usual, replays, self)

    def note(self, source: SourcePartition) -> Callable[[int], str] | None:
        """What that lane's carrier commits beside an offset."""
        replays = self._lanes.get(source)
        return None if replays is None else replays.note

    def carrier(self, source: SourcePartition, carrier: Carrier) -> Carrier:
        """That lane's carrier."""
        replays = self._lanes.get(source)
        return carrier if replays is None else _Sending(carrier, replays)

    async def know(self, names: Iterable[str]) -> None:
        """Have read what these replays are. Raises ReplayUnknown, BrokerUnavailable."""
        missing = [name for name in names if name not in self._known]
        if not missing:
            return
        await self._learn()
        for name in missing:
            if name not in self._known:
                raise ReplayUnknown(replay=name)

    async def run(self, lanes: Callable[[], Iterable[Lane]], should_stop: Callable[[], bool]) -> None:
        """Until told to stop: begin what is asked for, and read for what is on its way."""
        try:
            while not should_stop():
                try:
                    # Looking for a topic that is missing asks for all that there are: others have, and know.
                    if self._there():
                        await self._learn()
                        self._look(list(lanes()))
                except RouterError as error:
                    log.debug("nobody tells which replays are asked for", error=error)
                await asyncio.sleep(_LOOK_EVERY)
        finally:
            for task in self._reading.values():
                task.cancel()
            await asyncio.gather(*self._reading.values(), return_exceptions=True)
            await self._log.close()

    async def _learn(self) -> None:
        latest = await self._log.latest()
        self._known = {name: each for name, each in latest.items() if each.group == self._group}

    def _look(self, lanes: list[Lane]) -> None:
        for lane in lanes:
            replays = self._lanes.get(lane.source)
            if replays is None or lane.protocol.state is not LaneState.CARRYING:
                continue
            for asked in replays.missing(round(time.time() * 1000)):
                replays.begin(asked, lane.protocol.position)
                log.info("a replay begins", source=str(lane.source), replay=asked.id, topic=asked.topic)
            for stretch in replays.stretches:
                at = lane.source, stretch.replay.id
                task = self._reading.get(at)
                if task is None or task.done():
                    self._reading[at] = asyncio.create_task(self._read(lane, replays, stretch), name=f"replay {at}")

    async def _read(self, lane: Lane, replays: LaneReplays, stretch: Stretch) -> None:
        """Read for one stretch, until it has caught up or its lane is another's."""
        tp = TopicPartition(lane.source.topic, lane.source.partition)
        connections = Connections(self._bootstrap, self._security(), client_id="router-replay")
        try:
            async with connections.reader() as consumer:
                read_from(consumer, {tp: stretch.read_to})
                while stretch in replays.stretches and lane.protocol.state is LaneState.CARRYING:
                    if not lane.accepts:
                        await asyncio.sleep(_PAUSE)
                        continue
                    fetched = await consumer.getmany(tp, timeout_ms=_FETCH_MS, max_records=_AT_ONCE)
                    position = await consumer.position(tp)
                    self._hand(lane, replays, stretch, fetched.get(tp, ()), position)
                    if stretch.read_to < position:
                        consumer.seek(tp, stretch.read_to)
        except BrokerUnavailable as error:
            # Another look begins anew.
            log.warning("a replay cannot be read", source=str(lane.source), replay=stretch.replay.id, error=error)

    @staticmethod
    def _hand(lane: Lane, replays: LaneReplays, stretch: Stretch, records: Iterable[Any], position: int) -> None:
        """Give a lane what was read, at once: what it has not carried itself is not for it yet."""
        if stretch not in replays.stretches or lane.protocol.state is not LaneState.CARRYING or not lane.accepts:
            return
        carried = lane.protocol.position
        replays.feed(
            stretch.replay.id, [record for record in records if record.offset < carried], min(position, carried)
        )
        empty = Batch(lane.source, lane.protocol.epoch, carried, carried, (), time.time())
        lane.offered(empty)
        lane.carry(empty)
