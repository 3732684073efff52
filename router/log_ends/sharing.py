"""One question for all lanes that ask at the same time: each would ask all replicas by itself, ten times a second where waits are due."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.log_ends.asking import ends_of

__all__ = ["SharedEnds"]


_WITHIN = 2.0
"""Seconds that a question for several may take."""


@dataclass(slots=True, eq=False)
class _Round:
    """What is asked next, together."""

    tps: set[TopicPartition] = field(default_factory=set)
    ends: Mapping[TopicPartition, int] | None = None
    failed: bool = False


class SharedEnds:
    """Asks through one consumer, in its event loop. An answer was asked for after whoever gets it had come."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._next: dict[bool, _Round] = {}
        self._one_at_a_time = {committed: asyncio.Lock() for committed in (True, False)}

    async def of(self, tps: Collection[TopicPartition], *, committed: bool = True) -> dict[TopicPartition, int]:
        """See `ends_of`."""
        round_ = self._next.setdefault(committed, _Round())
        round_.tps.update(tps)
        async with self._one_at_a_time[committed]:
            if round_.ends is None and not round_.failed:
                if self._next.get(committed) is round_:
                    # Who comes from now on waits for the one after it.
                    del self._next[committed]
                try:
                    round_.ends = await ends_of(self._consumer, round_.tps, committed=committed, within=_WITHIN)
                except kafka_errors.KafkaError:
                    round_.failed = True
        if round_.ends is None:
            # Of another's partition it may not be certain; that must not hold this one up.
            return await ends_of(self._consumer, tps, committed=committed)
        return {tp: round_.ends[tp] for tp in tps}
