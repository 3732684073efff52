"""Connections of those who look at a cluster beside the lanes: readers without a group, and who asks and makes.

A reader without a group has no position, so that its client looks for one as soon as a partition is assigned; the answer
would undo a seek that was made meanwhile. `read_from` therefore does both with no await in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.errors import BrokerUnavailable, DestinationUnavailable
from router.lanes.deliveries import said
from router.refused_offsets import heed_refusals
from router.settings import Settings

__all__ = ["Connections", "partitions_of", "read_from", "stop"]

_SEEN_EVERY = 0.1
_SEEN_LOOKS = 100


class Connections:
    """To one cluster. Within each, and while it is made, errors of the client are raised as BrokerUnavailable."""

    def __init__(self, bootstrap: str, security: Mapping[str, Any], *, client_id: str) -> None:
        """`client_id` is what brokers log, and count quotas by."""
        self._bootstrap = bootstrap
        self._to = {"bootstrap_servers": bootstrap, "client_id": client_id, **security}

    @classmethod
    def of(cls, settings: Settings, *, client_id: str) -> Connections:
        """To the cluster that the settings name."""
        return cls(settings.broker, settings.aiokafka_security(), client_id=client_id)

    async def opened(self, *, isolation_level: str = "read_committed", **more: Any) -> AIOKafkaConsumer:
        """A reader that belongs to no group; `stop` it. `more` are settings of the client. Raises BrokerUnavailable."""
        consumer = AIOKafkaConsumer(enable_auto_commit=False, isolation_level=isolation_level, **self._to, **more)
        heed_refusals(consumer)
        try:
            await consumer.start()
        except BaseException as error:
            await stop(consumer)
            if isinstance(error, kafka_errors.KafkaError):
                raise self._unavailable(error) from error
            raise
        return consumer

    @asynccontextmanager
    async def reader(self, *, isolation_level: str = "read_committed", **more: Any) -> AsyncIterator[AIOKafkaConsumer]:
        """The same for as long as it is wanted."""
        consumer = await self.opened(isolation_level=isolation_level, **more)
        try:
            yield consumer
        except kafka_errors.KafkaError as error:
            raise self._unavailable(error) from error
        finally:
            await stop(consumer)

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """One that asks about the cluster, and changes it."""
        admin = AIOKafkaAdminClient(**self._to)
        heed_refusals(admin)
        try:
            await admin.start()
            yield admin
        except kafka_errors.KafkaError as error:
            raise self._unavailable(error) from error
        finally:
            await admin.close()

    async def make(self, *topics: NewTopic) -> None:
        """Make topics, until a broker tells of them; one that is there is left as it is. Raises DestinationUnavailable."""
        async with self.admin() as admin:
            response = await admin.create_topics(list(topics))
            for name, code, *message in response.topic_errors:
                if code and code != kafka_errors.TopicAlreadyExistsError.errno:
                    why = message[0] if message and message[0] else kafka_errors.for_code(code).__name__
                    raise DestinationUnavailable(topic=name, problem=f"does not exist, and could not be made: {why}")
            names = {each.name for each in topics}
            for _ in range(_SEEN_LOOKS):
                if names <= {each["topic"] for each in await admin.describe_topics()}:
                    return
                await asyncio.sleep(_SEEN_EVERY)

    async def commit_for(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit these offsets for a group without members, as one that belongs to no generation of it.

        Brokers take that of no group that has members; which is raised, too, as BrokerUnavailable, with CommitFailedError as its cause.
        """
        async with self.reader(group_id=group, auto_offset_reset="none") as consumer:
            consumer.assign(list(offsets))
            try:
                await consumer.commit({tp: OffsetAndMetadata(offset, "") for tp, offset in offsets.items()})
            except kafka_errors.KafkaError as error:
                raise BrokerUnavailable(brokers=f"the group '{group}'", problem=said(error)) from error

    def _unavailable(self, error: kafka_errors.KafkaError) -> BrokerUnavailable:
        return BrokerUnavailable(brokers=self._bootstrap, problem=said(error))


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Let go of a reader, however far it has got."""
    try:
        # One that has not had its first turn is not stopped, but cancels whoever wants to.
        await asyncio.sleep(0)
    finally:
        await consumer.stop()


def read_from(consumer: AIOKafkaConsumer, positions: Mapping[TopicPartition, int]) -> None:
    """Have it read these partitions, and no others, from these offsets."""
    consumer.assign(list(positions))
    for tp, offset in positions.items():
        consumer.seek(tp, offset)


async def partitions_of(consumer: AIOKafkaConsumer, topic: str) -> Collection[int]:
    """The partitions of a topic; none where it is not there. Asking for a topic by its name might make it."""
    if topic not in await consumer.topics():
        return ()
    consumer._client.add_topic(topic)  # noqa: SLF001 - so that its metadata are kept
    await consumer._client.force_metadata_update()  # noqa: SLF001
    return consumer.partitions_for_topic(topic) or ()
