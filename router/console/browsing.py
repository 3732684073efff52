"""Looking for records: from where, how far, which of them; a page at a time, with what was looked at.

`newest` goes backwards through each partition, a stretch at a time, until enough was found; all others go forwards. Each stops after so
many records or seconds and says where: a page that is asked for must come.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from router.console.kafka import KafkaReads
from router.console.measuring import At
from router.console.showing import Shower
from router.language.cel.environment import Environment
from router.language.cel.failure import WhereFailed
from router.language.cel.plain import header_texts
from router.language.cel.problems import InvalidWhere
from router.language.cel.regex import Re2
from router.language.cel.where import compile_where
from router.records.record import PlainRecord
from router.tables.questions import WrongQuestion

__all__ = ["Browsing", "Found", "From", "Wanted", "moment"]

_MOST_LOOKED = 50_000
_WITHIN_SECONDS = 8.0
_STRETCH = 500
"""Offsets of a partition that are read backwards at first; more where little was found in them."""


@dataclass(frozen=True, slots=True)
class From:
    """Where to begin."""

    how: str = "newest"
    partition: int | None = None
    offset: int = 0
    time: int = 0
    """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, newest first where that was asked for, else as it lies."""

    records: tuple[PlainRecord, ...]
    looked: int
    """Records that were looked at."""
    whole: bool
    """Nothing is left to look at."""
    positions: Mapping[At, int]
    """Where to look on: backwards before these offsets, forwards from them."""
    unasked: int = 0
    """Records that the condition could not be asked of."""


class Wanted:
    """Which records are meant: those with a key, or for which a condition holds. What is masked is masked for conditions too."""

    def __init__(self, shower: Shower, topic: str, *, key: bytes | None, where: str) -> None:
        """Raises WrongQuestion where the condition makes no sense for the topic's records."""
        self.unasked = 0
        self.looked = 0
        self._shower = shower
        self._key = None if key is None else shower.meant(topic, key)
        self._nothing = key is not None and self._key is None
        self._where = None
        if where.strip():
            version = shower.version_of(topic)
            try:
                self._where = compile_where(
                    where, Environment.of_schema(None if version is None else version.schema), engine=Re2()
                )
            except InvalidWhere as invalid:
                raise WrongQuestion(parameter="where", value=where, problem=f"cannot be asked: {invalid}") from invalid

    def takes(self, record: PlainRecord) -> bool:
        """Whether a record is meant."""
        self.looked += 1
        if self._nothing or (self._key is not None and record.key != self._key):
            return False
        if self._where is None:
            return True
        seen, problem = self._shower.plain(record)
        if problem and (self._where.paths or self._where.whole):
            self.unasked += 1
            return False
        try:
            return self._where.evaluate(
                value=seen.value if seen.value is not None else {},
                headers={name: seen.text(text) for name, text in header_texts(self._shown_headers(record)).items()},
                key=self._shown_key(record),
            )
        except (WhereFailed, ValueError, RecursionError):
            self.unasked += 1
            return False

    def _shown_key(self, record: PlainRecord) -> str:
        key = record.key or b""
        hidden = self._shower.hides_key(record.topic)
        return self._shower.masks.seal.seal(key) if hidden else key.decode(errors="surrogateescape")

    def _shown_headers(self, record: PlainRecord) -> Sequence[tuple[str, bytes | None]]:
        version = self._shower.version_of(record.topic)
        subject = None if version is None else version.subject
        return [each for each in record.headers if not self._shower.masks.hides_header(subject, each[0])]


class Browsing:
    """Looks into the topics of a Kafka."""

    def __init__(self, kafka: KafkaReads) -> None:
        self._kafka = kafka

    async def partitions(self, topic: str, partition: int | None = None) -> list[At]:
        """Of a topic. Raises LookupError for one that is not there; naming it to a broker might make it."""
        count = (await self._kafka.partition_counts()).get(topic)
        if count is None:
            raise LookupError(f"there is no topic '{topic}', or the console may not see it")
        if partition is not None and partition >= count:
            raise LookupError(f"topic '{topic}' has partitions 0 to {count - 1}, not {partition}")
        return [(topic, each) for each in (range(count) if partition is None else [partition])]

    async def record(self, topic: str, partition: int, offset: int) -> PlainRecord:
        """One record. Raises LookupError with what is there instead."""
        (at,) = await self.partitions(topic, partition)
        first, end = (await self._kafka.begins([at]))[at], (await self._kafka.ends([at]))[at]
        if not first <= offset < end:
            held = f"offsets {first} to {end - 1}" if first < end else "nothing"
            raise LookupError(f"{topic}/{partition} holds {held}, not {offset}")
        async for records, _ in self._kafka.read({at: offset}, {at: offset + 1}):
            for record in records:
                return record
        raise LookupError(
            f"there is no record at {topic}/{partition}/{offset}: compaction took it, or it is a transaction's marker"
        )

    async def find(self, topic: str, begin: From, wanted: Wanted, *, limit: int, most: int = _MOST_LOOKED) -> Found:
        """Records that are meant, at most `limit`, of `most` that are looked at. Raises LookupError."""
        partitions = await self.partitions(topic, begin.partition)
        first, ends = await self._kafka.begins(partitions), await self._kafka.ends(partitions)
        if begin.how == "newest":
            return await self._backwards(first, ends, wanted, limit=limit, most=most)
        starts = await self._starts(begin, partitions, first, ends)
        found: list[PlainRecord] = []
        positions: Mapping[At, int] = dict(starts)
        deadline = time.monotonic() + _WITHIN_SECONDS
        async for records, position in self._kafka.read(starts, ends):
            found += [each for each in records if wanted.takes(each)]
            positions = {**positions, **position}
            if len(found) >= limit or wanted.looked >= most or time.monotonic() > deadline:
                break
        found.sort(key=lambda each: (each.timestamp, each.partition, each.offset))
        whole = len(found) <= limit and all(positions[at] >= ends[at] for at in partitions)
        return Found(tuple(found[:limit]), wanted.looked, whole, positions, wanted.unasked)

    async def _starts(
        self, begin: From, partitions: Sequence[At], first: Mapping[At, int], ends: Mapping[At, int]
    ) -> dict[At, int]:
        if begin.how == "offset":
            return {at: min(max(begin.offset, first[at]), ends[at]) for at in partitions}
        if begin.how == "time":
            return dict(await self._kafka.at_time(partitions, begin.time))
        return dict(first)

    async def _backwards(
        self, first: Mapping[At, int], ends: Mapping[At, int], wanted: Wanted, *, limit: int, most: int
    ) -> Found:
        found: list[PlainRecord] = []
        upto = dict(ends)
        stretch = max(1, min(_STRETCH, limit * 2))
        deadline = time.monotonic() + _WITHIN_SECONDS
        while any(upto[at] > first[at] for at in upto):
            starts = {at: max(first[at], upto[at] - stretch) for at in upto}
            async for records, _ in self._kafka.read(starts, upto):
                found += [each for each in records if wanted.takes(each)]
                if time.monotonic() > deadline:
                    break
            upto = starts
            if len(found) >= limit or wanted.looked >= most or time.monotonic() > deadline:
                break
            stretch = min(stretch * 4, 20_000)
        found.sort(key=lambda each: (each.timestamp, each.partition, each.offset), reverse=True)
        whole = len(found) <= limit and all(upto[at] <= first[at] for at in upto)
        return Found(tuple(found[:limit]), wanted.looked, whole, upto, wanted.unasked)

    async def follow(self, topic: str, begin: From, wanted: Wanted) -> AsyncIterator[tuple[list[PlainRecord], int]]:
        """Records that are meant, as they come, with how many were looked at so far; nothing now and then. Raises LookupError."""
        partitions = await self.partitions(topic, begin.partition)
        if begin.how == "newest":
            starts = dict(await self._kafka.ends(partitions))
        else:
            first, ends = await self._kafka.begins(partitions), await self._kafka.ends(partitions)
            starts = await self._starts(begin, partitions, first, ends)
        async for records, _ in self._kafka.read(starts, None):
            found = []
            for number, each in enumerate(records):
                if wanted.takes(each):
                    found.append(each)
                if number % 200 == 199:
                    await asyncio.sleep(0)
            yield found, wanted.looked


def moment(text: str) -> int:
    """A time as milliseconds since the epoch: ISO 8601, without a zone in UTC. Raises WrongQuestion."""
    try:
        told = datetime.fromisoformat(text)
        return round((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise WrongQuestion(parameter="time", value=text, problem="is no time: write 2026-03-01T12:00") from None
