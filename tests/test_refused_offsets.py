"""A coordinator that does not tell a group's offsets is asked again, and its group not taken for one without any."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.commit import OffsetFetchRequest, OffsetFetchResponse_v3
from aiokafka.structs import OffsetAndMetadata, TopicPartition

import router
from router.develop.topics import TopicSpec, ensure_topics
from router.refused_offsets import heed_refusals

LOADING = kafka_errors.GroupLoadInProgressError.errno
MOVED = kafka_errors.NotCoordinatorForGroupError.errno


def refuse(client: Any, *codes: int) -> None:
    """The first requests for offsets are refused so, as brokers do it, and the rest answered."""
    left = list(codes)
    send = client.send

    async def refusing(node: Any, request: Any, **more: Any) -> Any:
        if isinstance(request, OffsetFetchRequest) and left:
            return OffsetFetchResponse_v3(0, [], left.pop(0))
        return await send(node, request, **more)

    client.send = refusing


@asynccontextmanager
async def member(kafka: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Of a group that has committed 7 of partition 0."""
    ensure_topics(kafka, [TopicSpec(topic, partitions=1)])
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=topic, enable_auto_commit=False)
    await consumer.start()
    try:
        at = TopicPartition(topic, 0)
        consumer.assign([at])
        await consumer.commit({at: OffsetAndMetadata(7, "")})
        yield consumer
    finally:
        await consumer.stop()


@pytest.mark.kafka
@pytest.mark.parametrize("codes", [(LOADING,), (MOVED,), (LOADING, MOVED, LOADING)], ids=["loading", "moved", "both"])
async def test_a_consumer_asks_until_it_is_told(kafka: str, unique: str, codes: tuple[int, ...]) -> None:
    """However often, and for whatever passes."""
    async with member(kafka, unique) as consumer:
        refuse(consumer._client, *codes)
        heed_refusals(consumer)
        assert await consumer.committed(TopicPartition(unique, 0)) == 7


@pytest.mark.kafka
async def test_aiokafka_takes_a_refusal_for_a_group_without_offsets(kafka: str, unique: str) -> None:
    """Once it does not, `heed_refusals` can go."""
    async with member(kafka, unique) as consumer:
        refuse(consumer._client, LOADING)
        assert await consumer.committed(TopicPartition(unique, 0)) is None


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("code", "error"),
    [(LOADING, kafka_errors.GroupLoadInProgressError), (MOVED, kafka_errors.NotCoordinatorForGroupError)],
    ids=["loading", "moved"],
)
async def test_an_admin_client_raises_it(
    kafka: str, unique: str, code: int, error: type[kafka_errors.KafkaError]
) -> None:
    """And is told the group's offsets when it asks again."""
    async with member(kafka, unique):
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
        await admin.start()
        try:
            refuse(admin._client, code)
            heed_refusals(admin)
            with pytest.raises(error, match=unique):
                await admin.list_consumer_group_offsets(unique)
            told = await admin.list_consumer_group_offsets(unique)
            assert {at.partition: each.offset for at, each in told.items()} == {0: 7}
        finally:
            await admin.close()


def test_all_that_ask_heed_refusals() -> None:
    """A module that makes a client names `heed_refusals`, unless none of its clients has a group."""
    without_group = {"aiokafka_marks.py", "changelog.py", "history.py", "reader.py"}
    asking = {
        path.name
        for path in Path(router.__path__[0]).rglob("*.py")
        if re.search(r"AIOKafka(AdminClient|Consumer)\(", text := path.read_text("utf-8"))
        and "heed_refusals" not in text
    }
    assert asking == without_group
