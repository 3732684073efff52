"""One record from a real Kafka, for the commands that look at what is there; reads without joining any group."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiokafka
import click
from aiokafka import errors as kafka_errors
from aiokafka.structs import TopicPartition

from router.errors import BrokerUnavailable
from router.lanes.kafka import KafkaDirectory
from router.records.headers import Origin
from router.records.record import PlainRecord
from router.settings import Settings

__all__ = ["PLACE", "read_record"]

_WITHIN = 10.0


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


async def _read(settings: Settings, place: Origin) -> PlainRecord:
    security = settings.aiokafka_security()
    directory = KafkaDirectory(settings.broker, security)
    try:
        # Naming a topic to a broker may create it, so it is looked for among all topics first.
        _check_place(place, await directory.partition_counts())
    finally:
        await directory.close()
    consumer = aiokafka.AIOKafkaConsumer(bootstrap_servers=settings.broker, enable_auto_commit=False, **security)
    try:
        await consumer.start()
        return await _read_at(consumer, place)
    except kafka_errors.KafkaError as error:
        raise BrokerUnavailable(brokers=settings.broker, problem=str(error)) from error
    finally:
        await consumer.stop()


def _check_place(place: Origin, partition_counts: Mapping[str, int]) -> None:
    if place.topic not in partition_counts:
        raise click.ClickException(f"there is no topic '{place.topic}', or you may not see it")
    if place.partition >= partition_counts[place.topic]:
        last = partition_counts[place.topic] - 1
        raise click.ClickException(f"topic '{place.topic}' has partitions 0 to {last}, not {place.partition}")


async def _read_at(consumer: aiokafka.AIOKafkaConsumer, place: Origin) -> PlainRecord:
    at = TopicPartition(place.topic, place.partition)
    consumer.assign([at])
    first = (await consumer.beginning_offsets([at]))[at]
    end = (await consumer.end_offsets([at]))[at]
    if not first <= place.offset < end:
        held = f"offsets {first} to {end - 1}" if first < end else "nothing"
        raise click.ClickException(f"{place.topic}/{place.partition} holds {held}, not {place.offset}")
    consumer.seek(at, place.offset)
    try:
        async with asyncio.timeout(_WITHIN):
            found = await consumer.getone(at)
    except TimeoutError:
        raise click.ClickException(f"no record came from {place} within {_WITHIN:.0f} s") from None
    if found.offset != place.offset:
        # Compaction took it, or the offset is a transaction's marker.
        raise click.ClickException(f"there is no record at {place}; the next is at offset {found.offset}")
    return PlainRecord(
        topic=found.topic,
        partition=found.partition,
        offset=found.offset,
        timestamp=found.timestamp,
        key=found.key,
        value=found.value,
        headers=tuple(found.headers),
    )
