"""What a group has committed of partitions that its consumer need not own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.structs import OffsetAndMetadata, TopicPartition

__all__ = ["places", "standing"]


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
