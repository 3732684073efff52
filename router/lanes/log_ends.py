"""What a consumer can be asked of partitions that it need not own: what its group has committed, and where logs end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.structs import OffsetAndMetadata, TopicPartition

__all__ = ["places", "standing", "written_to"]

_CLIENT = -1
"""Who asks is no follower."""
_WRITTEN = 0
"""What is not committed counts: Kafka's `read_uncommitted`."""
_LATEST = -1
"""In the place of a timestamp: the end."""


async def places(consumer: Any, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """What the group has committed of these, as its coordinator knows; those of which nothing is are left out. Raises KafkaError."""
    # The consumer's own method asks for one at a time, and leaves the text out.
    committed = await consumer._coordinator.fetch_committed_offsets(tps)  # noqa: SLF001 - it has no other name
    return {tp: OffsetAndMetadata(at.offset, at.metadata or "") for tp, at in committed.items() if at.offset >= 0}


async def standing(consumer: Any, tps: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
    """What the group has committed of these, asked of its coordinator; the start of the log where that is nothing.

    Raises KafkaError.
    """
    found = {tp: int(at.offset) for tp, at in (await places(consumer, tps)).items()}
    new = [tp for tp in tps if tp not in found]
    return found | (await consumer.beginning_offsets(new) if new else {})


async def written_to(consumer: Any, tp: TopicPartition) -> int:
    """Where the partition ends with what is not committed: a consumer of what is committed asks for nothing else.

    Raises KafkaError.
    """
    client = consumer._client  # noqa: SLF001 - its own requests go through it, too
    leader = client.cluster.leader_for_partition(tp)
    if leader in {None, -1}:
        client.force_metadata_update()
        raise kafka_errors.LeaderNotAvailableError(tp)
    asked = OffsetRequest(_CLIENT, _WRITTEN, [(tp.topic, [(tp.partition, _LATEST)])])
    answer = await client.send(leader, asked)
    ((_, ((_, code, _, offset),)),) = answer.topics
    if code:
        client.force_metadata_update()
        raise kafka_errors.for_code(code)(tp)
    return int(offset)
