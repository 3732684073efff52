"""Records from a real Kafka, for the commands that look at what is there; reads without joining any group."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import aiokafka
import click
from aiokafka.structs import TopicPartition
from rich.console import Console
from rich.progress import Progress

from router.lanes.connections import Connections, read_from
from router.lanes.directory import KafkaDirectory
from router.records.headers import Origin
from router.records.record import PlainRecord
from router.settings import Settings

__all__ = ["PLACE", "read_newest", "read_record", "scan"]

_WITHIN = 10.0
_LOOK_AGAIN_MS = 200
_QUIET_FOR = 1.0
"""Seconds without a record after which no more are waited for: what is left may be markers of transactions alone."""


class PlaceType(click.ParamType):
    """A record's place as `topic/partition/offset`."""

    name = "topic/partition/offset"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Origin:
        """Parse a place; a usage error says what is wrong with it."""
        if isinstance(value, Origin):
            return value
        topic, _, rest = str(value).partition("/")
        partition, _, offset = rest.partition("/")
        if not (topic and partition.isdecimal() and offset.isdecimal()):
            self.fail(f"'{value}' is no place of a record: write topic/partition/offset, as orders.v1/0/17", param, ctx)
        return Origin(topic, int(partition), int(offset))


PLACE = PlaceType()


def read_record(settings: Settings, place: Origin) -> PlainRecord:
    """The record at this place. Raises BrokerUnavailable, or a ClickException that says what is there instead."""
    return asyncio.run(_read(settings, place))


def read_newest(settings: Settings, topic: str, count: int) -> list[PlainRecord]:
    """Up to `count` of the newest records of each partition. Raises as `read_record` does.

    Fewer come where compaction or transactions' markers have left holes, or where the brokers take too long.
    """
    return asyncio.run(_newest(settings, topic, count))


def scan(
    settings: Settings, choose: Callable[[Mapping[str, int]], Sequence[str]], each: Callable[[PlainRecord], None]
) -> None:
    """Hand over every committed record of some topics, from their beginnings to what are their ends now.

    `choose` says which topics, of all that there are. Memory holds what one fetch brings, and a bar on stderr shows how far
    it has got. Raises as `read_record` does.
    """
    asyncio.run(_scan(settings, choose, each))


async def _read(settings: Settings, place: Origin) -> PlainRecord:
    _check_place(place, await _partition_counts(settings))
    async with _connections(settings).reader(isolation_level="read_uncommitted") as consumer:
        return await _read_at(consumer, place)


async def _newest(settings: Settings, topic: str, count: int) -> list[PlainRecord]:
    partition_counts = await _partition_counts(settings)
    _check_topic(topic, partition_counts)
    partitions = [TopicPartition(topic, each) for each in range(partition_counts[topic])]
    async with _connections(settings).reader(isolation_level="read_uncommitted") as consumer:
        return await _read_ends(consumer, partitions, count)


async def _partition_counts(settings: Settings) -> Mapping[str, int]:
    """Of all topics: naming one to a broker may create it, so it is looked for among all of them first."""
    directory = KafkaDirectory(settings.broker, settings.aiokafka_security())
    try:
        return await directory.partition_counts()
    finally:
        await directory.close()


def _connections(settings: Settings) -> Connections:
    return Connections.of(settings, client_id="router-look")


def _check_topic(topic: str, partition_counts: Mapping[str, int]) -> None:
    if topic not in partition_counts:
        raise click.ClickException(f"there is no topic '{topic}', or you may not see it")


def _check_place(place: Origin, partition_counts: Mapping[str, int]) -> None:
    _check_topic(place.topic, partition_counts)
    if place.partition >= partition_counts[place.topic]:
        last = partition_counts[place.topic] - 1
        raise click.ClickException(f"topic '{place.topic}' has partitions 0 to {last}, not {place.partition}")


async def _read_at(consumer: aiokafka.AIOKafkaConsumer, place: Origin) -> PlainRecord:
    at = TopicPartition(place.topic, place.partition)
    first = (await consumer.beginning_offsets([at]))[at]
    end = (await consumer.end_offsets([at]))[at]
    if not first <= place.offset < end:
        held = f"offsets {first} to {end - 1}" if first < end else "nothing"
        raise click.ClickException(f"{place.topic}/{place.partition} holds {held}, not {place.offset}")
    read_from(consumer, {at: place.offset})
    try:
        async with asyncio.timeout(_WITHIN):
            found = await consumer.getone(at)
    except TimeoutError:
        raise click.ClickException(f"no record came from {place} within {_WITHIN:.0f} s") from None
    if found.offset != place.offset:
        # Compaction took it, or the offset is a transaction's marker.
        raise click.ClickException(f"there is no record at {place}; the next is at offset {found.offset}")
    return _plain(found)


async def _read_ends(
    consumer: aiokafka.AIOKafkaConsumer, partitions: Sequence[TopicPartition], count: int
) -> list[PlainRecord]:
    first = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    read_from(consumer, {each: max(first[each], ends[each] - count) for each in partitions})
    left = {each for each in partitions if first[each] < ends[each]}
    records: list[PlainRecord] = []
    wait = _WITHIN  # for the first; then they come in no time, or there are no more
    while left:
        fetched = await consumer.getmany(*left, timeout_ms=round(wait * 1000))
        if not fetched:
            break
        wait = _QUIET_FOR
        for each, found in fetched.items():
            records += [_plain(record) for record in found if record.offset < ends[each]]
            if found[-1].offset >= ends[each] - 1:
                left.discard(each)
    return records


async def _scan(
    settings: Settings, choose: Callable[[Mapping[str, int]], Sequence[str]], each: Callable[[PlainRecord], None]
) -> None:
    partition_counts = await _partition_counts(settings)
    topics = choose(partition_counts)
    partitions = [TopicPartition(topic, number) for topic in topics for number in range(partition_counts[topic])]
    if not partitions:
        return
    async with _connections(settings).reader() as consumer:
        first, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        read_from(consumer, first)
        at = dict(first)
        quiet_since = time.monotonic()
        left = [one for one in partitions if first[one] < ends[one]]
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("reading", total=sum(ends[one] - first[one] for one in left))
            while left:
                before = dict(at)
                # Where only markers are left no record comes, and what says so is the position alone.
                fetched = await consumer.getmany(*left, timeout_ms=_LOOK_AGAIN_MS)
                for one, records in fetched.items():
                    for record in records:
                        if record.offset < ends[one]:
                            each(_plain(record))
                for one in left:
                    at[one] = min(await consumer.position(one), ends[one])
                quiet_since = quiet_since if at == before else time.monotonic()
                if time.monotonic() - quiet_since > _WITHIN:
                    slow = ", ".join(f"{one.topic}/{one.partition}" for one in left)
                    raise click.ClickException(f"no record came from {slow} within {_WITHIN:.0f} s")
                progress.update(task, completed=sum(at[one] - first[one] for one in partitions))
                left = [one for one in left if at[one] < ends[one]]


def _plain(found: Any) -> PlainRecord:
    return PlainRecord(
        topic=found.topic,
        partition=found.partition,
        offset=found.offset,
        timestamp=found.timestamp,
        key=found.key,
        value=found.value,
        headers=tuple(found.headers),
    )
