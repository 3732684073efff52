"""What a group has committed, read behind a write: by the broker that acknowledged it, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.commit import OffsetFetchRequest, OffsetFetchResponse_v1, OffsetFetchResponse_v3
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.develop.topics import TopicSpec, ensure_topics
from router.lanes import producer as producer_module
from router.lanes.places import NOWHERE, ask_over
from router.lanes.producer import OrderedProducer

ONE, OTHER, THIRD = TopicPartition("a.v1", 0), TopicPartition("a.v1", 1), TopicPartition("b.v1", 0)


class Connection:
    """Answers with this, or raises it."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[OffsetFetchRequest] = []

    async def send(self, request: OffsetFetchRequest) -> Any:
        self.asked.append(request)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


async def test_what_is_committed_is_told_with_its_note() -> None:
    """One request for all; those of which nothing is committed are left out."""
    told = OffsetFetchResponse_v3(0, [("a.v1", [(0, 7, "note", 0), (1, -1, "", 0)]), ("b.v1", [(0, 0, None, 0)])], 0)
    connection = Connection(told)
    found = await ask_over(connection, "shop", [ONE, OTHER, THIRD])
    assert found == {ONE: OffsetAndMetadata(7, "note"), THIRD: OffsetAndMetadata(0, "")}
    (request,) = connection.asked
    assert (request._consumer_group, request._partitions) == ("shop", [("a.v1", [0, 1]), ("b.v1", [0])])


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OffsetFetchResponse_v3(0, [], 14), id="loads the group"),
        pytest.param(OffsetFetchResponse_v3(0, [], 16), id="does not coordinate it any more"),
        pytest.param(OffsetFetchResponse_v1([("a.v1", [(0, -1, "", 16)])]), id="says so with each partition"),
        pytest.param(kafka_errors.KafkaConnectionError("closed"), id="is gone"),
        pytest.param(TimeoutError(), id="does not answer"),
    ],
)
async def test_a_broker_that_does_not_tell_is_no_group_without_offsets(answer: Any) -> None:
    """Another write comes first."""
    assert await ask_over(Connection(answer), "shop", [ONE]) is None


async def test_what_may_not_be_asked_is_raised() -> None:
    """It would never be told."""
    with pytest.raises(kafka_errors.GroupAuthorizationFailedError):
        await ask_over(Connection(OffsetFetchResponse_v3(0, [], 30)), "shop", [ONE])


@asynccontextmanager
async def opened(kafka: str, group: str) -> AsyncIterator[OrderedProducer]:
    """The producer of one lane, as it opens."""
    producer = OrderedProducer(bootstrap_servers=kafka, group=group, transactional_id=f"{group}-lane")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def commit(producer: OrderedProducer, at: TopicPartition, offset: OffsetAndMetadata) -> None:
    await producer.begin_transaction()
    await producer.send_offsets_to_transaction({at: offset}, producer._sender.group)
    await producer.commit_transaction()


@pytest.mark.kafka
async def test_the_next_owner_is_told_what_the_former_committed(kafka: str, unique: str) -> None:
    """At once, with its note; and nobody is ever told what was written for that."""
    ensure_topics(kafka, [TopicSpec(unique, partitions=2)])
    here, there = TopicPartition(unique, 0), TopicPartition(unique, 1)
    for offset in range(5, 10):
        async with opened(kafka, unique) as producer:
            before = {here: OffsetAndMetadata(offset - 1, "it")} if offset > 5 else {}
            assert await producer.committed([here, there]) == before
            assert not producer.in_transaction
            await commit(producer, here, OffsetAndMetadata(offset, "it"))
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        told = await admin.list_consumer_group_offsets(unique)
        assert {at: each.offset for at, each in told.items()} == {here: 9}
    finally:
        await admin.close()


@pytest.mark.kafka
async def test_a_connection_that_ends_after_the_write_is_written_over_again(
    kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another broker, or the same after its death, might be asked."""
    ensure_topics(kafka, [TopicSpec(unique, partitions=1)])
    here = TopicPartition(unique, 0)
    written: list[Any] = []
    ask: Callable[..., Any] = ask_over

    async def cut(connection: Any, group: str, partitions: Any) -> Any:
        written.append(connection)
        if len(written) < 3:
            connection.close()
        return await ask(connection, group, partitions)

    monkeypatch.setattr(producer_module, "ask_over", cut)
    async with opened(kafka, unique) as producer:
        await commit(producer, here, OffsetAndMetadata(7, ""))
        assert await producer.committed([here]) == {here: OffsetAndMetadata(7, "")}
    assert len(set(map(id, written))) == len(written) == 3


def test_what_is_written_is_in_no_log() -> None:
    """An offset that no log reaches: it could not pass for a place."""
    assert OffsetAndMetadata(2**63 - 1, "") == NOWHERE
