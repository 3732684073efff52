"""The shop's feed, produced to Kafka: at a rate, by a thread of its own, with the books kept. Adapts confluent-kafka."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from router.develop.errors import KafkaUnreachable
from router.develop.feed import FeedEvent, Mischief
from router.develop.reconcile import Ledger, expected_topics, fingerprint

__all__ = ["Feeder"]

_FLUSH_WITHIN_S = 30.0
_NEVER_BEHIND_S = 1.0


class Feeder:
    """Produces records until they are all out or it is told to stop; its books may be read at any time."""

    def __init__(
        self,
        bootstrap: str,
        records: Iterable[FeedEvent],
        *,
        rate: float,
        expect: Callable[[FeedEvent], Iterable[str]] = expected_topics,
    ) -> None:
        """`rate` is records a second; 0 is as fast as it can. `expect` names the topics that must hold a record."""
        self._bootstrap = bootstrap
        self._records = records
        self._rate = rate
        self._expect = expect
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self.fed: dict[str, int] = {}
        """Records by broad topic."""
        self.mischief: dict[Mischief, int] = dict.fromkeys(Mischief, 0)
        """Records by what is wrong with them."""
        self.expected = Ledger()
        """What they must become."""
        self._failure: BaseException | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no further record."""
        self._stop.set()

    def ended(self) -> bool:
        """Whether the last record is out and acknowledged.

        Raises what went wrong in its thread: `KafkaUnreachable` when a record was not taken.
        """
        if self._failure is not None:
            raise self._failure
        return not self._thread.is_alive()

    def join(self, *, within: float) -> None:
        """Wait until it has ended, at most so many seconds."""
        self._thread.join(within)

    def _run(self) -> None:
        try:
            self._feed()
        except KafkaException as error:
            self._failure = KafkaUnreachable(broker=self._bootstrap, words=error.args[0].str())
        except BaseException as error:  # noqa: BLE001 - whoever looks gets it: a thread's own end is silent
            self._failure = error

    def _feed(self) -> None:
        producer = Producer(
            {
                "bootstrap.servers": self._bootstrap,
                # As Java clients place keys; without it two clients would put the same order in two partitions.
                "partitioner": "murmur2_random",
                "enable.idempotence": True,
                "linger.ms": 5,
                "message.timeout.ms": 60_000,
                "log_level": 0,
            }
        )
        due = time.monotonic()
        for record in self._records:
            if self._stop.is_set() or self._failure is not None:
                break
            self._produce(producer, record)
            if self._rate:
                # After a pause of the machine it goes on at its rate instead of rushing after the time lost.
                due = max(due + 1 / self._rate, time.monotonic() - _NEVER_BEHIND_S)
                self._stop.wait(max(0.0, due - time.monotonic()))
            producer.poll(0)
        left = producer.flush(_FLUSH_WITHIN_S)
        if left and self._failure is None:
            self._failure = KafkaUnreachable(broker=self._bootstrap, words=f"{left} records were not taken")

    def _produce(self, producer: Producer, record: FeedEvent) -> None:
        # The story's clock may run ahead of ours, and brokers refuse times that are yet to come.
        record = replace(record, timestamp=min(record.timestamp, int(time.time() * 1000)))
        while True:
            try:
                producer.produce(
                    record.topic,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers),
                    timestamp=record.timestamp,
                    on_delivery=self._delivered,
                )
                break
            except BufferError:
                producer.poll(0.1)
        mark = fingerprint(key=record.key, value=record.value, timestamp=record.timestamp, headers=record.headers)
        for topic in self._expect(record):
            self.expected.enter(topic, mark)
        self.fed[record.topic] = self.fed.get(record.topic, 0) + 1
        self.mischief[record.mischief] += 1

    def _delivered(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            self._failure = KafkaUnreachable(broker=self._bootstrap, words=error.str())
