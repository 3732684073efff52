"""Transactions with librdkafka: what a consumer writes, with its offsets, at once or not at all.

commit returns               it came about
raises KafkaException        it did not, for certain: the same may be tried again
raises Unclear               nobody knows, or this producer can do no more: `renew`, and ask the brokers what is true
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from router.consumer.gathering import Write

__all__ = ["Transactions", "Unclear"]

_TIMEOUT = 10.0
_MOST = 60.0
"""Seconds that one step of a transaction is tried for, while errors say that it can be."""
_SOUNDING = b"router-sounding"
"""The key of what is written to find out where a log ends; topics that are compacted take no record without one."""


class Unclear(Exception):
    """Whether a transaction came about is not known here."""


class Transactions:
    """Those of one consumer, one after the other."""

    def __init__(self, settings: Mapping[str, Any], *, at: Callable[[str], None] = lambda _: None) -> None:
        """Opens the producer, which ends what its namesake had begun. Raises KafkaException."""
        self._settings = {
            "message.max.bytes": 100_000_000,  # a rejection is a little larger than what was let in
            "transaction.timeout.ms": 15_000,
            "linger.ms": 0,
            "log_level": 3,
            **settings,
        }
        self._at = at
        self._producer = self._opened()

    def commit(self, writes: Sequence[Write], offsets: list[TopicPartition], group: Any) -> None:
        """Write these and commit these offsets for the group; see above."""
        producer = self._producer
        try:
            self._at("begin")
            producer.begin_transaction()
            for write in writes:
                self._at("write")
                self._produce(write)
            self._at("send offsets")
            _patiently(lambda: producer.send_offsets_to_transaction(offsets, group, _TIMEOUT))
            self._at("end")
            _patiently(lambda: producer.commit_transaction(_TIMEOUT))
        except KafkaException as error:
            if not error.args[0].txn_requires_abort():
                raise Unclear(str(error)) from error
            try:
                _patiently(lambda: producer.abort_transaction(_TIMEOUT))
            except KafkaException as further:
                raise Unclear(str(further)) from further
            raise

    def sounded(self, topic: str, partitions: Collection[int]) -> dict[int, int]:
        """Where these partitions end: behind a record that is written to each to find out, and aborted.

        A broker that leads no more, and has not heard of it, tells the end of a while ago; it cannot acknowledge a record. Raises
        KafkaException: nothing has come about, and the same may be asked again.
        """
        producer, found = self._producer, dict[int, int]()

        def arrived(error: Any, message: Any) -> None:
            if error is None:
                found[message.partition()] = message.offset()

        try:
            self._at("sound")
            producer.begin_transaction()
            for each in partitions:
                write = Write(topic=topic, partition=each, key=_SOUNDING, value=None, headers=())
                self._produce(write, arrived)
            producer.flush(_TIMEOUT)
            _patiently(lambda: producer.abort_transaction(_TIMEOUT))
        except KafkaException:
            self.renew()
            raise
        if len(found) < len(partitions):
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - it has no other name
        return found

    def renew(self) -> None:
        """Take another producer: what the former had begun is decided before this returns. Raises KafkaException."""
        self.close()
        self._producer = self._opened()

    def close(self) -> None:
        """What is open comes to nothing."""
        self._producer.purge()

    def _opened(self) -> confluent_kafka.Producer:
        producer = confluent_kafka.Producer(self._settings)
        _patiently(lambda: producer.init_transactions(_TIMEOUT))
        return producer

    def _produce(self, write: Write, arrived: Callable[[Any, Any], None] | None = None) -> None:
        while True:
            try:
                self._producer.produce(
                    write.topic,
                    key=write.key,
                    value=write.value,
                    partition=write.partition,
                    headers=list(write.headers),
                    on_delivery=arrived,
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                return


def _patiently(step: Callable[[], object]) -> None:
    """Take a step of a transaction, again and again while its errors say that it is worth it."""
    deadline = time.monotonic() + _MOST
    while True:
        try:
            step()
        except KafkaException as error:
            if not error.args[0].retriable() or time.monotonic() > deadline:
                raise
        else:
            return
