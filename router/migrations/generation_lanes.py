"""What stands around a lane that reads, or writes, a topic of which there are several generations.

    reads     It begins where `router migrate move` has put its group: a group that has places in the former generation and none in this
              one waits for that, and would else read again all that it has carried. One that has gone on may not read the former again.
    writes    Its first copies for a new generation wait until the mirror has copied the former up to where it ended when they were ready:
              what the lane's former owner wrote there, by routes that named it, comes first. So each key's order is kept, and workers
              with other routes can be started one after another.

Topics whose names say no generation cost nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol

from router.errors import TransientError
from router.lanes.batch import SourcePartition
from router.lanes.carrier import Carrier, Places, Positions, Resuming, Waiting
from router.lanes.clock import Clock, MonotonicClock
from router.lanes.copies import Copies
from router.records.generations import generation_of, of_generation

__all__ = [
    "FORMER_GENERATION",
    "AfterFormer",
    "GenerationLanes",
    "GenerationPlaces",
    "MovedOn",
    "NotMoved",
    "Standing",
]

FORMER_GENERATION = "former-generation"
"""The reason of a wait for what was written before to a topic's former generation."""
_ASK_EVERY = 0.2
_LONG = 2.0
"""Seconds from which on a wait is worth telling of."""


class NotMoved(TransientError):
    """A group has read a topic's former generation, and nobody has said where it goes on in this one."""

    reason = "not-moved"

    def __init__(self, *, topic: str, former: str, group: str) -> None:
        super().__init__(topic, former, group)
        self.topic = topic
        self.former = former
        self.group = group

    def __str__(self) -> str:
        return (
            f"group '{self.group}' has read {self.former}, and has no place in {self.topic}, its next generation: stop its members, and "
            f"`router migrate move {generation_of(self.topic)[0]} {self.group}` has it go on there"
        )


class MovedOn(TransientError):
    """A group goes on in a topic's next generation, and would carry again what it gets there."""

    reason = "moved-on"

    def __init__(self, *, topic: str, new: str, group: str) -> None:
        super().__init__(topic, new, group)
        self.topic = topic
        self.new = new
        self.group = group

    def __str__(self) -> str:
        return f"group '{self.group}' has moved from {self.topic} to {self.new}: write that in the `sources:` that name the former"


class Standing(Protocol):
    """Asks how a cluster's groups and mirrors stand. Each raises BrokerUnavailable."""

    async def committed(self, group: str) -> Mapping[SourcePartition, int]:
        """All places of a group."""

    async def left(self, topic: str) -> Callable[[], Awaitable[int]] | None:
        """What tells how many records that a topic's former generation has by now are still to be copied into it.

        None where nobody copies there.
        """


class GenerationPlaces(Resuming):
    """The positions of a lane, which begins where its group was moved to."""

    def __init__(self, positions: Positions, standing: Standing, *, group: str, count: Callable[[str], int]) -> None:
        """`count` gives the partitions of a topic, 0 where it does not exist."""
        super().__init__(positions)
        self._standing = standing
        self._group = group
        self._count = count

    async def first(self, source: SourcePartition, places: Places) -> None:
        """Look where its group is. Raises NotMoved and MovedOn."""
        name, generation = generation_of(source.topic)
        former = of_generation(name, generation - 1) if generation > 1 else ""
        new = of_generation(name, generation + 1)
        if (former and self._count(former)) or self._count(new):
            topics = {at.topic for at in (*places, *await self._standing.committed(self._group))}
            if new in topics:
                raise MovedOn(topic=source.topic, new=new, group=self._group)
            if former in topics and source.topic not in topics:
                raise NotMoved(topic=source.topic, former=former, group=self._group)


class AfterFormer:
    """A carrier whose first copies for a new generation come behind those that the former one has. Fulfils `Carrier`."""

    def __init__(
        self,
        carrier: Carrier,
        standing: Standing,
        *,
        waiting: Callable[[str], None],
        clock: Clock | None = None,
    ) -> None:
        self._carrier = carrier
        self._standing = standing
        self._waiting = waiting
        self._clock = clock or MonotonicClock()
        self._behind: set[str] = set()
        """Topics whose former generation holds nothing of this lane's partition that has not been copied."""
        self.new_batch = carrier.new_batch
        self.commit = carrier.commit
        self.open = carrier.open
        self.close = carrier.close

    async def send(self, copies: Copies) -> None:
        """Wait where copies go to a new generation for the first time, then hand them over. Raises BrokerUnavailable."""
        topics = {topic for topic, *_ in copies.ready if topic not in self._behind}
        for topic in sorted(topics):
            if generation_of(topic)[1] > 1:
                await self._wait(topic)
        self._behind |= topics
        await self._carrier.send(copies)

    async def _wait(self, topic: str) -> None:
        left = await self._standing.left(topic)
        begun, told = self._clock.now(), False
        while left is not None and (count := await left()):
            if not told and self._clock.now() - begun > _LONG:
                words = f"{count:,} records of the former generation of {topic} have to be copied there first"
                self._waiting(Waiting(words, reason=FORMER_GENERATION))
                told = True
            await self._clock.wait(asyncio.Event(), until=self._clock.now() + _ASK_EVERY)
        if told:
            self._waiting("")


class GenerationLanes:
    """What the lanes of a worker need because of generations; made once a worker."""

    def __init__(self, standing: Standing, *, group: str, topics: Collection[str], count: Callable[[str], int]) -> None:
        """`topics` are all that its routes lead to; `count` gives the partitions of a topic, 0 where it does not exist."""
        self._standing = standing
        self._group = group
        self._count = count
        self._writes = any(generation_of(topic)[1] > 1 for topic in topics)

    def positions(self, positions: Positions) -> Positions:
        """Where a lane stands, once its group may read its topic."""
        return GenerationPlaces(positions, self._standing, group=self._group, count=self._count)

    def carrier(self, carrier: Carrier, waiting: Callable[[str], None]) -> Carrier:
        """A lane's carrier, whose copies come behind what their topic's former generation has."""
        return AfterFormer(carrier, self._standing, waiting=waiting) if self._writes else carrier
