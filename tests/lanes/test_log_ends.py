"""What is asked of partitions that others may own; tests/contracts asks a real Kafka."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors as kafka_errors
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.lanes.log_ends import standing, written_to

AT, NEW = TopicPartition("a.v1", 0), TopicPartition("a.v1", 1)


class Consumer:
    """Stands for aiokafka's: a group that stands at 5 of one partition, and a log that ends at 9."""

    def __init__(self, *, leader: int | None = 1, code: int = 0) -> None:
        """`code` is what the leader answers with."""
        self.stale = 0
        self.asked: list[Any] = []
        self._code = code
        self._coordinator = SimpleNamespace(fetch_committed_offsets=self._committed)
        cluster = SimpleNamespace(leader_for_partition=lambda _: leader)
        self._client = SimpleNamespace(cluster=cluster, send=self._send, force_metadata_update=self._forget)

    async def _committed(self, tps: list[TopicPartition]) -> dict[TopicPartition, OffsetAndMetadata]:
        told = {AT: OffsetAndMetadata(5, ""), NEW: OffsetAndMetadata(-1, "")}
        return {tp: told[tp] for tp in tps}

    async def beginning_offsets(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Say where logs start."""
        return dict.fromkeys(tps, 2)

    async def _send(self, node: int, request: Any) -> Any:
        self.asked.append((node, request))
        return SimpleNamespace(topics=[("a.v1", [(0, self._code, -1, 9)])])

    def _forget(self) -> None:
        self.stale += 1


async def test_group_stands_at_what_it_committed_or_at_the_start() -> None:
    """Of each partition that was asked for."""
    assert await standing(Consumer(), [AT, NEW]) == {AT: 5, NEW: 2}
    assert await standing(Consumer(), [AT]) == {AT: 5}


async def test_end_is_the_leaders() -> None:
    """Asked of it alone."""
    consumer = Consumer(leader=3)
    assert await written_to(consumer, AT) == 9
    assert [node for node, _ in consumer.asked] == [3]


@pytest.mark.parametrize("leader", [None, -1], ids=["unknown", "none"])
async def test_partition_without_a_leader_cannot_be_asked(leader: int | None) -> None:
    """Where there is one, is found out meanwhile."""
    consumer = Consumer(leader=leader)
    with pytest.raises(kafka_errors.LeaderNotAvailableError):
        await written_to(consumer, AT)
    assert consumer.stale == 1


async def test_refusal_is_raised() -> None:
    """As aiokafka's own error: its leader may be another by now."""
    consumer = Consumer(code=kafka_errors.NotLeaderForPartitionError.errno)
    with pytest.raises(kafka_errors.NotLeaderForPartitionError):
        await written_to(consumer, AT)
    assert consumer.stale == 1
