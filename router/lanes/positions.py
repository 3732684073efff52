"""A lane's port to the consumer's group, and what the group's brokers say, in the words of `router.errors`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from aiokafka import errors as kafka_errors
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.errors import BrokerUnavailable, CommitFailed
from router.lanes.batch import SourcePartition
from router.lanes.carrier import Place, Places

if TYPE_CHECKING:
    from router.lanes.transport import BatchConsumer

__all__ = ["ConsumerPositions", "places_of", "topic_partition"]


def topic_partition(source: SourcePartition) -> TopicPartition:
    """As the client names it."""
    return TopicPartition(source.topic, source.partition)


def places_of(found: Mapping[TopicPartition, OffsetAndMetadata]) -> Places:
    """What the client tells, as lanes name it."""
    return {SourcePartition(at.topic, at.partition): Place(each.offset, each.metadata) for at, each in found.items()}


class ConsumerPositions:
    """A lane's port to the consumer."""

    def __init__(self, consumer: BatchConsumer) -> None:
        self._consumer = consumer

    async def places(self, sources: Collection[SourcePartition]) -> Places:
        """See Positions."""
        try:
            found = await self._consumer.thread.places([topic_partition(source) for source in sources])
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers="the consumer group", problem=repr(error)) from error
        return places_of(found)

    async def seek_to_committed(self, source: SourcePartition, places: Places) -> tuple[int, int]:
        """See Positions."""
        thread = self._consumer.thread
        place = places.get(source)
        try:
            return await thread.seek_to(topic_partition(source), None if place is None else place.offset)
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers="the consumer group", problem=repr(error)) from error

    async def commit(self, source: SourcePartition, offset: int) -> None:
        """See Positions."""
        thread = self._consumer.thread
        try:
            await thread.commit_offset(topic_partition(source), offset)
        except kafka_errors.KafkaError as error:
            raise CommitFailed(topic=source.topic, partition=source.partition, problem=repr(error)) from error

    async def end(self, source: SourcePartition) -> int:
        """See Positions."""
        thread = self._consumer.thread
        try:
            return await thread.end(topic_partition(source))
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers="a broker", problem=repr(error)) from error

    async def ends(self, sources: Collection[SourcePartition]) -> Mapping[SourcePartition, int]:
        """See GroupPositions."""
        try:
            ends = await self._consumer.thread.ends([topic_partition(source) for source in sources])
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers="a broker", problem=repr(error)) from error
        return {source: ends[topic_partition(source)] for source in sources}

    async def standing(self, sources: Collection[SourcePartition]) -> Mapping[SourcePartition, int]:
        """See GroupPositions."""
        try:
            stands = await self._consumer.thread.standing([topic_partition(source) for source in sources])
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers="the consumer group", problem=repr(error)) from error
        return {source: stands[topic_partition(source)] for source in sources}

    async def written_to(self, source: SourcePartition) -> int:
        """See GroupPositions."""
        try:
            return await self._consumer.thread.written_to(topic_partition(source))
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers="a broker", problem=repr(error)) from error

    async def owns(self, source: SourcePartition) -> bool:
        """See Positions."""
        thread = self._consumer.thread
        try:
            return await thread.owns(topic_partition(source))
        except kafka_errors.KafkaError as error:
            raise BrokerUnavailable(brokers="the consumer group", problem=repr(error)) from error
