"""Topics for the bench, and the broad topic's records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from bench.errors import BenchError
from bench.job import orders, out_of_order
from bench.verifying import Expected
from router.develop.topics import TopicSpec, ensure_topics

__all__ = ["create", "delete", "feed"]

_CONFIG = {
    # Nothing may go while we measure; what is deleted in between frees its disk at once.
    "retention.ms": "-1",
    "file.delete.delay.ms": "1000",
    "message.timestamp.type": "CreateTime",
}
_REPORT_EVERY = 5000


def create(bootstrap: str, topics: Iterable[str], *, partitions: int, config: Mapping[str, str] | None = None) -> None:
    """Make the topics. Raises what `ensure_topics` raises."""
    ensure_topics(
        bootstrap, [TopicSpec(name, partitions=partitions, config=_CONFIG | dict(config or {})) for name in topics]
    )


def delete(bootstrap: str, topics: Iterable[str]) -> None:
    """Let go of the topics, as far as they exist."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for answer in admin.delete_topics(list(topics), operation_timeout=30).values():
        answer.exception()


def feed(
    bootstrap: str,
    topic: str,
    *,
    partitions: int,
    records: int,
    progress: Callable[[int], None],
    disordered: float = 0.0,
) -> Expected:
    """Write the job's records into the broad topic; returns what every contender must deliver.

    `disordered` is the share of them that come out of order.
    """
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            # A Kafka that has just started says that it is not quite ready; the client tries again.
            "log_level": 3,
            "linger.ms": 20,
            "batch.num.messages": 10_000,
            "queue.buffering.max.messages": 100_000,
            "partitioner": "murmur2_random",
        }
    )
    expected = Expected()
    written = orders(records)
    for number, order in enumerate(out_of_order(written, disordered) if disordered else written, 1):
        expected.add(order)
        while True:
            try:
                producer.produce(topic, order.value, order.key, headers=order.headers)
                break
            except BufferError:
                producer.poll(0.05)
        if not number % _REPORT_EVERY:
            producer.poll(0)
            progress(number)
    producer.flush()
    progress(records)
    taken = _taken(bootstrap, topic, partitions)
    if taken != records:
        raise BenchError(f"the broad topic {topic} took {taken:,} of {records:,} records")
    return expected


def _taken(bootstrap: str, topic: str, partitions: int) -> int:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "bench-counts", "log_level": 0})
    try:
        return sum(
            high - low
            for low, high in (
                consumer.get_watermark_offsets(TopicPartition(topic, number)) for number in range(partitions)
            )
        )
    finally:
        consumer.close()
