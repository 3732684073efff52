"""Topics on a real Kafka, through librdkafka: another client than the router's own."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from support.waiting import until

T = TypeVar("T")
Headers = Sequence[tuple[str, bytes | None]]


@dataclass(frozen=True, slots=True)
class Found:
    """One record as it lies in a topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    def header(self, name: str) -> bytes | None:
        """The last header of this name; None where there is none."""
        return next((value for each, value in reversed(self.headers) if each == name), None)

    @property
    def origin(self) -> tuple[int, int]:
        """Source partition and offset, by the router's header."""
        origin = self.header("router-origin")
        assert origin is not None, f"no router-origin on {self}"
        _, partition, offset = origin.split(b"/")
        return int(partition), int(offset)

    @property
    def own_headers(self) -> tuple[tuple[str, bytes | None], ...]:
        """The headers that the router did not write."""
        return tuple(header for header in self.headers if not header[0].startswith("router-"))


class Topics:
    """Creates, fills and reads topics of one cluster."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        self._askers: dict[str, Consumer] = {}

    def create(self, *topics: str, partitions: int = 1, replicas: int = -1, **config: str) -> None:
        """Create topics; `max_message_bytes="5"` is the setting max.message.bytes. With as many replicas as is usual there."""
        settings = {name.replace("_", "."): value for name, value in config.items()}
        news = [
            NewTopic(topic, num_partitions=partitions, replication_factor=replicas, config=settings) for topic in topics
        ]
        for done in self.admin.create_topics(news, operation_timeout=20).values():
            done.result(20)
        for topic in topics:
            # A broker may know a topic a moment later than the controller.
            until(lambda topic=topic: self._led(topic, partitions), within=10, what=f"topic {topic} has leaders")

    def grow(self, topic: str, partitions: int) -> None:
        """Give a topic more partitions."""
        for done in self.admin.create_partitions([NewPartitions(topic, partitions)], operation_timeout=20).values():
            done.result(20)
        until(lambda: self._led(topic, partitions), within=10, what=f"topic {topic} has {partitions} leaders")
        # They believe for long what they knew of the topic.
        self.close()

    def _led(self, topic: str, partitions: int) -> bool:
        known = self.admin.list_topics(topic, timeout=10).topics[topic]
        return known.error is None and [p.leader >= 0 for p in known.partitions.values()] == [True] * partitions

    def producer(self, **settings: Any) -> Producer:
        """A producer that keeps order and gives up on nothing."""
        return Producer({
            "bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 2, "log_level": 0,
            "message.max.bytes": 10_000_000, "queue.buffering.max.messages": 1_000_000, **settings,
        })  # fmt: skip

    def produce(self, records: Iterable[dict[str, Any]], **settings: Any) -> None:
        """Produce records, given as the arguments of librdkafka's `produce`, and wait for every acknowledgement."""
        producer = self.producer(**settings)
        refused: list[Any] = []

        def delivered(error: Any, _record: Any) -> None:
            if error is not None:
                refused.append(error)

        for record in records:
            producer.produce(**record, on_delivery=delivered)
            producer.poll(0)
        assert producer.flush(30) == 0, "not everything was produced"
        assert not refused, refused[:3]

    def partitions(self, topic: str) -> list[int]:
        """The topic's partitions. A broker that has just come up may not know it yet, and is asked again: none is no answer."""

        def known() -> list[int]:
            found = self.admin.list_topics(topic, timeout=10).topics[topic]
            if found.error is not None:
                raise KafkaException(found.error)
            return sorted(found.partitions)

        return until(lambda: patiently(known), within=30, what=f"{topic} has partitions")

    def read(self, topic: str, *, aborted: bool = False) -> list[list[Found]]:
        """Everything committed in a topic now, by partition; with what was aborted as well, where that is asked for."""
        found: list[list[Found]] = [[] for _ in self.partitions(topic)]
        for message in self.scan(topic, aborted=aborted):
            found[message.partition()].append(_found(message))
        return found

    def scan(
        self, topic: str, *, aborted: bool = False, within: float = 30.0, behind: Mapping[int, int] | None = None
    ) -> Iterator[Any]:
        """The same as librdkafka's messages, one by one: for more than fits into memory.

        To the end that a leader tells when it is asked, or, where there are several brokers of which one may take itself for a leader
        and be none, to what `sounded` found to be `behind` everything.
        """
        isolation = "read_uncommitted" if aborted else "read_committed"
        numbers = self.partitions(topic)
        consumer = Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": "reads-without-a-group", "enable.auto.commit": False,
            "isolation.level": isolation, "auto.offset.reset": "error", "enable.partition.eof": True, "log_level": 0,
            "fetch.wait.max.ms": 20, "check.crcs": True,
        })  # fmt: skip
        try:
            bounds = {number: patiently(partial(self.bounds, topic, number, consumer)) for number in numbers}
            ends = {number: end for number, (_, end) in bounds.items()} if behind is None else behind
            consumer.assign([TopicPartition(topic, number, earliest) for number, (earliest, _) in bounds.items()])
            open_ones = set(numbers)
            deadline = time.monotonic() + within
            while open_ones:
                assert time.monotonic() < deadline, f"{topic} cannot be read to its end"
                for message in consumer.consume(2_000, 0.05):
                    error = message.error()
                    if error is not None and error.code() == KafkaError._PARTITION_EOF:
                        # What comes with fetched records as the end may be short of it: a leader that is new learns from its
                        # followers how much of its log is replicated. Asked for the end, it is silent until then (KIP-207).
                        if message.offset() >= ends[message.partition()]:
                            open_ones.discard(message.partition())
                    elif error is not None:
                        raise KafkaException(error)
                    else:
                        yield message
        finally:
            consumer.close()

    def sounded(self, *topics: str) -> dict[str, dict[int, int]]:
        """Offsets behind all that these topics hold, by partition, as the last word: of records that were written now, and aborted.

        A broker can only acknowledge a write that its followers have. So one that was the leader, and has not heard yet that it is not,
        tells no ends here.
        """
        ends: dict[str, dict[int, int]] = {topic: {} for topic in topics}
        refused: list[Any] = []

        def written(error: Any, message: Any) -> None:
            if error is None:
                ends[message.topic()][message.partition()] = message.offset()
            else:
                refused.append(error)

        producer = self.producer(**{"transactional.id": f"sounds-{uuid.uuid4()}"})
        producer.init_transactions(60)
        producer.begin_transaction()
        for topic in topics:
            for number in self.partitions(topic):
                producer.produce(topic, b"", partition=number, on_delivery=written)
        assert producer.flush(60) == 0, "a sounding was not written"
        assert not refused, refused[:3]
        producer.abort_transaction(60)
        return ends

    def hanging(self, topic: str) -> dict[int, tuple[int, int]]:
        """Where transactions are still open: up to where read_committed readers get, and the end, by partition."""
        found = {}
        askers = {
            level: Consumer({
                "bootstrap.servers": self.bootstrap, "group.id": "asks-for-bounds", "isolation.level": level,
                "log_level": 0,
            })
            for level in ("read_committed", "read_uncommitted")
        }  # fmt: skip
        try:
            for number in self.partitions(topic):
                stable, end = (self.bounds(topic, number, asker)[1] for asker in askers.values())
                if stable != end:
                    found[number] = (stable, end)
        finally:
            for asker in askers.values():
                asker.close()
        return found

    def leader(self, topic: str, partition: int) -> int:
        """The broker that leads a partition."""
        return self.admin.list_topics(topic, timeout=10).topics[topic].partitions[partition].leader

    def replicas(self, topic: str, partition: int) -> list[int]:
        """The brokers that have a partition, the one that leads it first."""
        known = self.admin.list_topics(topic, timeout=10).topics[topic].partitions[partition]
        return [known.leader, *(broker for broker in known.replicas if broker != known.leader)]

    def replicas_in_sync(self, topic: str, partition: int) -> list[int]:
        """The brokers that have all of a partition."""
        return list(self.admin.list_topics(topic, timeout=10).topics[topic].partitions[partition].isrs)

    def in_sync(self) -> bool:
        """Whether every replica of every partition is."""
        known = self.admin.list_topics(timeout=10).topics.values()
        return all(
            partition.leader >= 0 and len(partition.isrs) == len(partition.replicas)
            for topic in known
            for partition in topic.partitions.values()
        )

    def configure(self, topic: str, **config: str) -> None:
        """Change a topic's settings; an empty text goes back to the broker's own."""
        entries = [
            ConfigEntry(
                name.replace("_", "."),
                value or None,
                incremental_operation=AlterConfigOpType.SET if value else AlterConfigOpType.DELETE,
            )
            for name, value in config.items()
        ]
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        for done in self.admin.incremental_alter_configs([resource]).values():
            done.result(20)

    def bounds(
        self, topic: str, partition: int, consumer: Consumer | None = None, *, within: float = 10.0
    ) -> tuple[int, int]:
        """Earliest and end offset of a partition, as a broker tells them that is taken for its leader."""
        with nullcontext(consumer) if consumer else self._asker("asks-for-bounds") as asker:
            return asker.get_watermark_offsets(TopicPartition(topic, partition), timeout=within)

    def behind(self, group: str, *topics: str) -> dict[tuple[str, int], tuple[int, int]]:
        """Committed and end offset of each partition that a group has not read to its end."""

        def behind() -> dict[tuple[str, int], tuple[int, int]]:
            with self._asker(group) as asker:
                wanted = [TopicPartition(topic, number) for topic in topics for number in self.partitions(topic)]
                found = {}
                for at in asker.committed(wanted, timeout=10):
                    earliest, end = asker.get_watermark_offsets(at, timeout=10)
                    committed = at.offset if at.offset >= 0 else earliest
                    if committed != end:
                        found[at.topic, at.partition] = (committed, end)
                return found

        return patiently(behind)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """A group's committed offsets in a topic, by partition; 0 where there is none."""

        def committed() -> dict[int, int]:
            with self._asker(group) as asker:
                wanted = [TopicPartition(topic, number) for number in self.partitions(topic)]
                return {at.partition: max(0, at.offset) for at in asker.committed(wanted, timeout=10)}

        return patiently(committed)

    def commit(self, group: str, topic: str, partition: int, offset: int) -> None:
        """Set a group's offset, as operators do while no worker runs."""
        offsets = [TopicPartition(topic, partition, offset)]

        def committed() -> bool:
            with self._asker(group) as asker:
                asker.commit(offsets=offsets, asynchronous=False)
                return True

        patiently(committed)

    def truncate(self, topic: str, partition: int, before: int) -> None:
        """Delete the records before an offset."""
        for done in self.admin.delete_records([TopicPartition(topic, partition, before)]).values():
            done.result(20)

    def configure_brokers(self, **config: str) -> None:
        """Set what all brokers take without a restart."""
        resources = [
            ConfigResource(
                ResourceType.BROKER,
                str(broker),
                incremental_configs=[
                    ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
                    for name, value in config.items()
                ],
            )
            for broker in self.admin.list_topics(timeout=10).brokers
        ]
        for done in self.admin.incremental_alter_configs(resources).values():
            done.result(20)

    def drop(self, *topics: str) -> None:
        """Delete topics."""
        for done in self.admin.delete_topics(list(topics), operation_timeout=20).values():
            done.result(20)

    @contextmanager
    def _asker(self, group: str) -> Iterator[Consumer]:
        """For one question. Where that fails there is another for the next: it may believe for long what it was told while nobody led."""
        if group not in self._askers:
            # It asks and commits, but never joins the group.
            self._askers[group] = Consumer({
                "bootstrap.servers": self.bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0,
            })  # fmt: skip
        try:
            yield self._askers[group]
        except KafkaException:
            self._askers.pop(group).close()
            raise

    def close(self) -> None:
        """Let go of the connections."""
        for asker in self._askers.values():
            asker.close()
        self._askers.clear()


def patiently(ask: Callable[[], T], *, within: float = 30.0) -> T:
    """Ask again while the cluster cannot answer: a broker that has just come up does not know its groups yet."""
    said: list[KafkaException] = []

    def answered() -> list[T]:
        try:
            return [ask()]
        except KafkaException as error:
            said[:] = [error]
            return []

    return until(answered, within=within, what=lambda: f"an answer, instead of {said}", every=0.2)[0]


def _found(message: Any) -> Found:
    return Found(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        timestamp=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
    )
