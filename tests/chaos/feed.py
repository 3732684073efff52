"""Produces the events of a run at a constant rate, whatever happens to its brokers."""

from __future__ import annotations

import threading
import time
from typing import Any

from support.stage import COLOURS, WANTED, Stage, event

__all__ = ["Feed", "wants"]

_STEP = 0.02
_TRANSACTION = 500
"""Records of a transaction, where there are any."""


class Feed:
    """Event n goes to partition n % partitions: each partition's numbers rise."""

    def __init__(self, stage: Stage, *, records: int, seconds: float, partitions: int, aborted: bool = False) -> None:
        """So many records in about so many seconds; no seconds at all: as fast as they go.

        `aborted`: in transactions, of which every other one is aborted; its records are produced all the same, and count.
        """
        self._aborted = aborted
        self.produced = 0
        self.refused: list[Any] = []
        self._stage = stage
        self._records = records
        self._rate = records / seconds if seconds else float("inf")
        self._partitions = partitions
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def finish(self, within: float) -> None:
        """Return when all is produced and acknowledged."""
        self._thread.join(within)
        assert not self._thread.is_alive(), f"the feed's brokers took no more than {self.produced} records"
        assert not self.refused, f"the feed's brokers refused {self.refused[:3]}"

    def give_up(self) -> None:
        """Produce no more."""
        self._stop.set()

    def _run(self) -> None:
        transactional = (
            {"transactional.id": f"{self._stage.group}-feed"} if self._aborted else {"message.timeout.ms": 0}
        )
        producer = self._stage.topics.producer(**{"queue.buffering.max.messages": 100_000, **transactional})
        if self._aborted:
            producer.init_transactions(30)
        begun = time.monotonic()
        chunk = 0
        while self.produced < self._records and not self._stop.is_set():
            due = min(self._records, (time.monotonic() - begun) * self._rate)
            if self._aborted:
                due = min(due, self.produced + _TRANSACTION)
                producer.begin_transaction()
            while self.produced < due and not self._stop.is_set():
                self._produce(producer)
            if self._aborted:
                producer.flush(30)
                producer.abort_transaction(30) if chunk % 2 else producer.commit_transaction(30)
                chunk += 1
            producer.poll(0)
            if self.produced < self._records and not self._aborted:
                self._stop.wait(_STEP)
        while producer.flush(1) and not self._stop.is_set():
            pass

    def _produce(self, producer: Any) -> None:
        number, topic = self.produced, self._stage.name("@event.v1")
        try:
            producer.produce(
                topic, partition=number % self._partitions, key=f"key-{number % 997}", value=event(number),
                headers=[("trace", b"%d" % number)], on_delivery=self._delivered,
            )  # fmt: skip
        except BufferError:
            producer.poll(_STEP)
            return
        self.produced += 1
        if not number % 1_000:
            producer.poll(0)

    def _delivered(self, error: Any, _record: Any) -> None:
        if error is not None:
            self.refused.append(error)


def wants(destination: str) -> Any:
    """Whether a destination of the stage's routes wants an event, by its bytes."""
    colours = WANTED[destination]

    def wanted(value: bytes | None) -> bool:
        assert value is not None
        at = 0
        while value[at] & 0x80:  # the number, as Avro writes it: seven bits a byte
            at += 1
        return COLOURS[value[at + 1] >> 1] in colours

    return wanted
