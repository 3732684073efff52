"""The router's side of rejecting, played by a test in a few lines: one lane of one source partition, on a real Kafka.

The steps are `router.failure.parking`'s; what a lane keeps in its table, this keeps in memory, and it never dies.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, TopicPartition

from router.failure import parking
from router.failure.parking import Back, KeyState, Step
from router.failure.policy import FailurePolicy
from router.failure.rejections import (
    Acknowledgement,
    Lane,
    Rejection,
    ReleaseMark,
    read_rejected,
    release_headers,
)
from router.failure.topics import parked_of, rejected_of
from router.records.headers import ORIGIN, Origin, encode_origin
from router.records.record import PlainRecord
from support.topics import Topics
from support.waiting import until

__all__ = ["HandLane"]


@dataclass
class HandLane:
    """Writes one topic, and reads what is rejected of it."""

    topics: Topics
    topic: str
    partitions: int
    policy: FailurePolicy
    source: str = "orders.v1"
    states: dict[bytes, KeyState | None] = field(default_factory=dict)
    deaths: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    rejections: list[Rejection] = field(default_factory=list)
    acknowledgements: list[Acknowledgement] = field(default_factory=list)
    dead: list[bytes] = field(default_factory=list)
    """Values that are not sent again."""
    _kept: dict[object, PlainRecord] = field(default_factory=dict)
    _written: int = 0

    def __post_init__(self) -> None:
        self.topics.create(self.topic, partitions=self.partitions)
        self.topics.create(rejected_of(self.topic), partitions=1)
        self.topics.create(parked_of(self.topic), partitions=self.partitions, cleanup_policy="compact")
        self._producer = self.topics.producer()
        self._reader = Consumer(
            {
                "bootstrap.servers": self.topics.bootstrap,
                "group.id": "lane",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 20,
                "log_level": 0,
            }
        )
        self._reader.assign([TopicPartition(rejected_of(self.topic), 0, 0)])

    def carry(self, records: Sequence[tuple[bytes, bytes]]) -> None:
        """These have come from the source: keys and values."""
        for key, value in records:
            offset = self._written
            self._written += 1
            record = PlainRecord(
                topic=self.topic,
                key=key,
                value=value,
                headers=(("tenant", b"shop"), (ORIGIN, encode_origin(Origin(self.source, 0, offset)))),
            )
            self._kept[offset] = record
            self._take(key, parking.arrive(self.states.get(key), offset), arrived=offset)
        self._producer.flush(10)

    def look(self, within: float = 0.05) -> None:
        """Read what was rejected, and let time pass."""
        message = self._reader.poll(within)
        while message is not None:
            error = message.error()
            assert error is None or error.code() == KafkaError._PARTITION_EOF, error
            self._read(
                PlainRecord(
                    topic=rejected_of(self.topic),
                    key=message.key(),
                    value=message.value(),
                    headers=tuple(message.headers() or ()),
                )
            )
            message = self._reader.poll(0)
        now = _now()
        for key, state in list(self.states.items()):
            if state is not None and state.due is not None and state.due <= now:
                self._take(key, parking.expire(state, now=now, policy=self.policy))
        self._producer.flush(10)

    def until(self, met: Callable[[], object], *, within: float = 20.0, what: str) -> None:
        """Go on until this is so."""

        def looked() -> bool:
            self.look()
            return bool(met())

        until(looked, within=within, what=what, every=0.005)

    @property
    def quiet(self) -> bool:
        """Every key flows, and nothing is kept."""
        return not self._kept and all(
            state is None or state.phase is parking.Phase.FLOWING for state in self.states.values()
        )

    def close(self) -> None:
        """Close its clients."""
        self._reader.close()

    def _read(self, record: PlainRecord) -> None:
        told = read_rejected(record)
        now = _now()
        if isinstance(told, Acknowledgement):
            self.acknowledgements.append(told)
            self._take(told.key, parking.acknowledge(self.states.get(told.key), told.epoch, now=now))
            return
        assert isinstance(told, Rejection), told
        self.rejections.append(told)
        place = (told.copy.partition, told.copy.offset)
        source = told.origin.offset
        deaths = self.deaths[source] + (not told.behind)
        key = told.record.key or b""
        step = parking.reject(
            self.states.get(key),
            Back(place, source),
            behind=told.behind,
            parks=told.parks,
            deaths=deaths,
            now=now,
            policy=self.policy,
        )
        if not any(isinstance(each, parking.Repeat) for each in step.effects):
            self.deaths[source] = deaths
            self._kept[place] = told.record
        self._take(key, step)

    def _take(self, key: bytes, step: Step, *, arrived: int | None = None) -> None:
        self.states[key] = step.state
        for effect in step.effects:
            match effect:
                case parking.Copy(number) | parking.Release(number):
                    self._write(self._kept.pop(number))
                case parking.Return(place):
                    self._write(self._kept.pop(place))
                case parking.SetAside(place) | parking.Skip(place):
                    self.dead.append(self._kept.pop(place).value or b"")
                case parking.Mark(epoch, first):
                    named = None if first is None else Origin(self.topic, *first)
                    mark = ReleaseMark(key, epoch, Lane(self.source, 0), named)
                    self._producer.produce(self.topic, partition=self._partition(key), headers=release_headers(mark))
                case _:
                    assert arrived is None or arrived in self._kept

    def _write(self, record: PlainRecord) -> None:
        key = record.key or b""
        self._producer.produce(
            self.topic, key=key, value=record.value, partition=self._partition(key), headers=list(record.headers)
        )

    def _partition(self, key: bytes) -> int:
        return sum(key) % self.partitions


def _now() -> int:
    return int(time.time() * 1000)
