"""What a replay would send, and how far one is: asked of the brokers, for the command."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aiokafka.admin import NewTopic
from aiokafka.structs import TopicPartition

from router.errors import RecordError
from router.exchange.decision import Decision
from router.lanes.connections import Connections, partitions_of, read_from
from router.log_ends import ends_of
from router.records.record import Record
from router.redrive.selection import WrongSelection
from router.refused_offsets import REFUSALS
from router.replay.lane_replays import done_in, replays_in
from router.replay.log import REPLAYS
from router.replay.plan import Replay
from router.settings import Settings

__all__ = ["Counts", "Progress", "ReplaySurvey"]

_LOOK_MS = 500
_TURN = 250
"""Records between two turns of whoever else is in the event loop."""


@dataclass(slots=True)
class Counts:
    """What a dry run has found."""

    read: int = 0
    meant: int = 0
    """Records that are selected and go to the topic by today's routes."""
    elsewhere: int = 0
    """Those that are selected and go elsewhere."""
    undecided: int = 0
    """Those that are selected and cannot be decided: they are dead letters."""
    complete: bool = True
    """All was read; else there was no time for it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one is."""

    done: int
    """Lanes that have done it."""
    at: Mapping[int, int]
    """By partition, the offset that it has got to."""


class ReplaySurvey:
    """Of one cluster. Its errors are BrokerUnavailable and WrongSelection."""

    def __init__(self, settings: Settings) -> None:
        self._connections = Connections.of(settings, client_id="router-replay")

    async def starts(
        self, source: str, *, since: int | None, offset: int | None, partition: int | None
    ) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
        """By partition where reading begins, where the log begins, and where it ends. Partitions with nothing to read are missing."""
        async with self._connections.reader() as consumer:
            numbers = sorted(await partitions_of(consumer, source))
            if not numbers:
                raise WrongSelection(f"there is no topic '{source}', or you may not see it")
            if partition is not None and partition not in numbers:
                raise WrongSelection(f"topic '{source}' has partitions 0 to {len(numbers) - 1}, not {partition}")
            wanted = [TopicPartition(source, each) for each in numbers if partition is None or each == partition]
            first, ends = await consumer.beginning_offsets(wanted), await ends_of(consumer, wanted)
            found: dict[int, int] = {}
            if since is not None:
                times = await consumer.offsets_for_times(dict.fromkeys(wanted, since))
                found = {tp.partition: at.offset for tp, at in times.items() if at is not None}
            else:
                found = {tp.partition: first[tp] if offset is None else max(offset, first[tp]) for tp in wanted}
            return (
                {number: at for number, at in found.items() if at < ends[TopicPartition(source, number)]},
                {tp.partition: at for tp, at in first.items()},
                {tp.partition: at for tp, at in ends.items()},
            )

    async def count(
        self,
        asked: Replay,
        ends: Mapping[int, int],
        *,
        decide: Callable[[Record], Decision],
        holds: Callable[[Record], bool],
        progress: Callable[[int], object],
        within: float | None = None,
    ) -> Counts:
        """Read all that would be read, or what can be in so many seconds, and decide it by today's routes."""
        counts, ends_at = Counts(), None if within is None else time.monotonic() + within
        if not asked.starts:
            return counts
        async with self._connections.reader() as consumer:
            for number, start in sorted(asked.starts.items()):
                tp, end = TopicPartition(asked.source, number), min(ends[number], asked.ends.get(number, ends[number]))
                read_from(consumer, {tp: start})
                position = start
                while position < end:
                    # Lanes may be beside it in this event loop.
                    await asyncio.sleep(0)
                    fetched = await consumer.getmany(tp, timeout_ms=_LOOK_MS, max_records=_TURN)
                    for record in fetched.get(tp, ()):
                        if record.offset < end:
                            _count(record, asked, counts, decide, holds)
                    before, position = position, await consumer.position(tp)
                    progress(min(position, end) - before)
                    if ends_at is not None and position < end and time.monotonic() > ends_at:
                        counts.complete = False
                        return counts
        return counts

    async def progress(self, asked: Replay) -> Progress:
        """As of what lanes have committed."""
        async with self._connections.admin() as admin:
            try:
                offsets = await admin.list_consumer_group_offsets(asked.group)
            except REFUSALS:
                # A broker that has just begun, or lost another: nothing is known at this moment.
                return Progress(0, {})
        done, at = 0, {}
        for tp, committed in offsets.items():
            note = str(committed.metadata or "")
            if tp.topic != asked.source or tp.partition not in asked.starts:
                continue
            done += asked.id in done_in(note)
            if asked.id in (way := replays_in(note)):
                at[tp.partition] = way[asked.id][0]
        return Progress(done, at)

    async def make_log(self) -> None:
        """Make the topic in which replays are asked for, where it is missing."""
        await self._connections.make(NewTopic(REPLAYS, 1, -1, {}, {"cleanup.policy": "compact"}))


def _count(
    record: Record,
    asked: Replay,
    counts: Counts,
    decide: Callable[[Record], Decision],
    holds: Callable[[Record], bool],
) -> None:
    counts.read += 1
    if not asked.means(record, holds):
        return
    try:
        topics: Sequence[str] = decide(record).topics
    except RecordError:
        counts.undecided += 1
        return
    if asked.topic in topics:
        counts.meant += 1
    else:
        counts.elsewhere += 1
