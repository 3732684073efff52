"""What a group has committed, read behind a write: where a lane begins must be the last word.

A coordinator answers OffsetFetch from what it knows to be replicated, which is what stands before its high watermark. There are two
kinds of brokers whose watermark is behind what was acknowledged to others before:

    one that has just taken the group over   a follower learns of the watermark with its next fetch, and a leader with the
                                             fetches of its followers: the one that died may have been ahead of it
    one that was killed, and is back         it knows the watermark of its last checkpoint, which is seconds old
    before another has taken its place

Each leads, as far as anybody knows, and answers with an offset of a while ago, or with none. About the ends of logs brokers are silent in
that state (KIP-207); about offsets they are not. It is what any replicated log does that is read without asking the others; the
cure, too, is the known one (Ongaro's thesis on Raft, section 6.4): a leader must have committed something of its own before it may be
read from. So a lane writes first. In the transaction with which it opens, it commits an offset to the broker that it is going to ask. The
answer says that this broker's watermark stands behind it, and so behind all that former owners of the partition have committed, who
were shut out before (InitProducerId, which waits for their markers). One that does not lead any more cannot answer, for nobody fetches
from it. Then the broker is asked, over the same connection, so that no other has come in its place; and then the transaction is aborted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import errors as kafka_errors
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from router.refused_offsets import expect_told

__all__ = ["NOWHERE", "ask_over"]

NOWHERE = OffsetAndMetadata(2**63 - 1, "")
"""What is written, and aborted. Were it ever to take effect, the lane would find its place out of the log, and say so, and not begin
somewhere."""


async def ask_over(
    connection: Any, group: str, partitions: Iterable[TopicPartition]
) -> Mapping[TopicPartition, OffsetAndMetadata] | None:
    """What the broker at the other end knows to be committed of these; those of which nothing is are left out.

    None where the connection has ended, or the broker does not coordinate the group any more. Raises KafkaError for what may not be asked.
    """
    asked: dict[str, list[int]] = {}
    for each in partitions:
        asked.setdefault(each.topic, []).append(each.partition)
    try:
        answer = await connection.send(OffsetFetchRequest(group, list(asked.items())))
        return _read(answer, group)
    except (kafka_errors.KafkaError, TimeoutError) as error:
        if isinstance(error, kafka_errors.KafkaError) and not error.retriable:
            raise
        return None


def _read(answer: Any, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
    expect_told(answer, group)
    found = {}
    for topic, partitions in answer.topics:
        for partition, offset, note, code in partitions:
            if code:
                raise kafka_errors.for_code(code)
            if offset >= 0:
                found[TopicPartition(topic, partition)] = OffsetAndMetadata(offset, note or "")
    return found
