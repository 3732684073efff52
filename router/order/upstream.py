"""Where an internal topic ends: behind what its sources had when that was asked.

A wait must not run out before the lane has read what came in time. Of a source, that is what its log held; of an internal
topic, also what lies in its sources still, and their lanes may be far behind. So its end is asked for in three steps:

    1. the ends of all partitions of all its sources
    2. until the group has committed up to each of them: what was there then has been sent through, in the same transactions
    3. the internal topic's own end, with what is not yet visible of those transactions

The answer is good for the time at which the first was asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from router.lanes.batch import SourcePartition
from router.lanes.carrier import Positions
from router.lanes.clock import Clock, MonotonicClock

__all__ = ["GroupPositions", "UpstreamPositions"]

_ASK_EVERY = 0.1
"""Seconds between two looks at what the group has committed."""


class GroupPositions(Positions, Protocol):
    """Positions that can tell of partitions that other members carry, too. Each raises BrokerUnavailable."""

    async def ends(self, sources: Collection[SourcePartition]) -> Mapping[SourcePartition, int]:
        """As `end`, of several at once."""

    async def standing(self, sources: Collection[SourcePartition]) -> Mapping[SourcePartition, int]:
        """What the group has committed of each; the start of its log where that is nothing."""

    async def written_to(self, source: SourcePartition) -> int:
        """Where the log ends with all that was ever written, committed or not."""


class UpstreamPositions:
    """The positions of an internal topic. Fulfils `Positions`."""

    def __init__(
        self,
        positions: GroupPositions,
        *,
        sources: Callable[[], Collection[SourcePartition]],
        clock: Clock | None = None,
    ) -> None:
        """`sources` gives every partition that the internal topic gets records of, as of now."""
        self._positions = positions
        self._sources = sources
        self._clock = clock or MonotonicClock()
        self.places = positions.places
        self.seek_to_committed = positions.seek_to_committed
        self.commit = positions.commit
        self.owns = positions.owns

    async def end(self, source: SourcePartition) -> int:
        """See Positions: told once all that its sources had has got there."""
        awaited = dict(await self._positions.ends(self._sources()))
        while True:
            stands = await self._positions.standing(awaited)
            awaited = {each: end for each, end in awaited.items() if stands[each] < end}
            if not awaited:
                return await self._positions.written_to(source)
            await self._clock.wait(asyncio.Event(), until=self._clock.now() + _ASK_EVERY)
