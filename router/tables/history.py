"""Reads what became of a key out of its table's changelog: backwards no further than it is worth, and one at a time.

A changelog lists changes in the order of time, of all keys together, so that a key's own can only be found by reading. It
is read in a thread of its own, from its end back for a moment, and says how far back that was.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.lanes.deliveries import said
from router.lanes.fetching import FetchedRecord, unpack_lightly
from router.tables.changes import History, concerns, history_of
from router.tables.view import Explainer

__all__ = ["ChangelogPast"]

_DEPTH = 100_000
"""Offsets before the end that are read at most."""
_STRETCH = 10_000
"""Of these at a time, the newest first."""
_WITHIN = 0.25
"""Seconds after which no further stretch is begun."""
_GRACE = 5.0
"""Seconds more, after which one that was begun is given up."""
_WAIT_MS = 100
_KEPT = 1_000
"""Changes of the key that are kept while reading."""


class ChangelogPast:
    """Fulfils `ReadHistory`."""

    def __init__(self, bootstrap: str, security: Callable[[], Mapping[str, Any]], *, depth: int = _DEPTH) -> None:
        """`depth` is how many offsets before the end are read."""
        self._bootstrap = bootstrap
        self._security = security
        self._depth = depth
        self._one_at_a_time = asyncio.Lock()

    async def read(self, changelog: str, partition: int, key: bytes, *, explainer: Explainer, most: int) -> History:
        """The latest `most` changes of a key; where no broker answers, a history that says so."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(
                lambda: asyncio.run(self._read(TopicPartition(changelog, partition), key, explainer, most))
            )

    async def _read(self, at: TopicPartition, key: bytes, explainer: Explainer, most: int) -> History:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            client_id="router-history",
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **self._security(),
        )
        try:
            await consumer.start()
            unpack_lightly(consumer._fetcher)  # noqa: SLF001 - a consumer does not show its fetcher
            start = (await consumer.beginning_offsets([at]))[at]
            end = (await consumer.end_offsets([at]))[at]
            begins = max(start, end - self._depth)
            found, begins = await _changes(consumer, at, key, begins, end)
        except (kafka_errors.KafkaError, OSError) as error:
            return History((), 0, whole=False, problem=f"{at.topic}/{at.partition} could not be read: {said(error)}")
        finally:
            await consumer.stop()
        if begins >= end > start:
            problem = f"{at.topic}/{at.partition} could not be read in {_WITHIN + _GRACE:g} s"
            return History((), begins, whole=False, problem=problem)
        return history_of(
            found, key=key, partition=at.partition, explainer=explainer, most=most, begins=begins, start=start
        )


async def _changes(
    consumer: AIOKafkaConsumer, at: TopicPartition, key: bytes, begins: int, end: int
) -> tuple[list[FetchedRecord], int]:
    """The latest records that concern the key, and from which offset on they are all there.

    A stretch after the other, the newest first: who asks waits for it, and the latest says most.
    """
    consumer.assign([at])
    found: list[FetchedRecord] = []
    until = time.monotonic() + _WITHIN
    upto = end
    while upto > begins and len(found) <= _KEPT:
        start = max(begins, upto - _STRETCH)
        some = await _stretch(consumer, at, key, start=start, end=upto, until=until)
        if some is None:
            break
        found = [*some, *found]
        upto = start
        if time.monotonic() > until:
            break
    # One more than can be asked for tells that there were more.
    return found[-_KEPT - 1 :], upto


async def _stretch(
    consumer: AIOKafkaConsumer, at: TopicPartition, key: bytes, *, start: int, end: int, until: float
) -> list[FetchedRecord] | None:
    """What concerns the key between two offsets; None where that took too long."""
    consumer.seek(at, start)
    found: list[FetchedRecord] = []
    while await consumer.position(at) < end:
        if time.monotonic() > until + _GRACE:
            return None
        fetched = await consumer.getmany(at, timeout_ms=_WAIT_MS, max_records=5_000)
        found += [each for each in fetched.get(at, ()) if each.offset < end and concerns(key, each.key)]
    return found
