"""A consumer that follows the protocol of rejecting, on a real Kafka: librdkafka does the reading and the transactions.

What it does is `router.failure.consuming`'s to say. It reads all partitions of its topic by itself, one transaction for all that
a fetch brought.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from router.failure.consuming import PartitionConsumer, Turn, decode_mark, encode_mark
from router.failure.rejections import acknowledgement_headers, rejection_headers, release_mark
from router.failure.topics import parked_of, rejected_of
from router.records.headers import ORIGIN, decode_origin
from router.records.record import PlainRecord

__all__ = ["Processed", "RejectingConsumer"]


@dataclass(frozen=True, slots=True)
class Processed:
    """A record that the consumer looked at."""

    key: bytes | None
    value: bytes | None
    at: float
    """By `time.monotonic`."""
    failed: bool


class RejectingConsumer:
    """Of one topic. `turn` is called again and again; `end` at any time, and another goes on where it stood."""

    def __init__(self, bootstrap: str, topic: str, *, partitions: int, fails: Callable[[PlainRecord], bool]) -> None:
        self.looked_at: list[Processed] = []
        self._topic = topic
        self._bootstrap = bootstrap
        self._fails = fails
        self._partitions = range(partitions)
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": f"{topic}-consumer",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
            }
        )
        self._producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": f"{topic}-consumer"})
        # Whoever had it before can write no more, and all that it wrote is decided.
        self._producer.init_transactions(30)
        places = self._consumer.committed([TopicPartition(topic, each) for each in self._partitions], timeout=30)
        self._known = {place.partition: self._begin(place.partition, max(0, place.offset)) for place in places}
        self._consumer.assign([TopicPartition(topic, each, known.position) for each, known in self._known.items()])

    def _begin(self, partition: int, committed: int) -> PartitionConsumer:
        known = PartitionConsumer(partition)
        marks = Consumer({"bootstrap.servers": self._bootstrap, "group.id": "marks", "enable.auto.commit": False})
        place = TopicPartition(parked_of(self._topic), partition, 0)
        # A committed reader is told the last stable offset, which is not where the marks end.
        asker = Consumer(
            {"bootstrap.servers": self._bootstrap, "group.id": "marks", "isolation.level": "read_uncommitted"}
        )
        _, end = asker.get_watermark_offsets(place, timeout=30)
        asker.close()
        known.begin(committed=committed, marks_end=end)
        marks.assign([place])
        while not known.ready:
            message = marks.poll(0.1)
            if message is not None:
                assert message.error() is None
                known.marked(message.key() or b"", decode_mark(message.value()))
            (reached,) = marks.position([place])
            known.marks_read(reached.offset)
        marks.close()
        return known

    def turn(self, within: float = 0.2) -> int:
        """Meet what has come, in one transaction; returns how many records that was."""
        messages = self._consumer.consume(100, within)
        if not messages:
            return 0
        self._producer.begin_transaction()
        for message in messages:
            assert message.error() is None, message.error()
            self._meet(message)
        places = [TopicPartition(self._topic, each, known.position) for each, known in self._known.items()]
        self._producer.send_offsets_to_transaction(places, self._consumer.consumer_group_metadata(), 30)
        self._producer.commit_transaction(30)
        return len(messages)

    def end(self) -> None:
        """End as one that is killed."""
        self._consumer.close()

    def _meet(self, message: Message) -> None:
        partition, offset, key = message.partition(), message.offset(), message.key()
        known = self._known[partition]
        record = PlainRecord(
            topic=self._topic,
            partition=partition,
            offset=offset,
            key=key,
            value=message.value(),
            headers=tuple(message.headers() or ()),
        )
        release = release_mark(record.headers)
        if release is not None:
            first = None if release.first is None else (release.first.partition, release.first.offset)
            self._write(record, known.meet_release(release.key, offset, epoch=release.epoch, first=first))
            return
        skipped = known.meet(key, offset)
        if skipped is not None:
            self._write(record, skipped)
            return
        failed = self._fails(record)
        self.looked_at.append(Processed(key, message.value(), time.monotonic(), failed))
        self._write(record, known.failed(key, offset) if failed else known.processed(offset))

    def _write(self, record: PlainRecord, turn: Turn) -> None:
        producer, topic = self._producer, self._topic
        if turn.rejects:
            headers = rejection_headers(
                record, turn.rejects, error="integer out of range", error_class="DataError", parks=turn.parks
            )
            origin = decode_origin(dict(record.headers)[ORIGIN])
            assert origin is not None
            producer.produce(
                rejected_of(topic), value=record.value, key=record.key, partition=origin.partition, headers=headers
            )
        if turn.mark is not None:
            since = encode_mark(turn.mark.since)
            producer.produce(parked_of(topic), key=turn.mark.key, value=since, partition=record.partition)
        if turn.acknowledges is not None:
            mark = release_mark(record.headers)
            assert mark is not None
            headers = acknowledgement_headers(mark)
            producer.produce(rejected_of(topic), key=mark.key, partition=mark.lane.partition, headers=headers)
        self._known[record.partition].committed(turn)
