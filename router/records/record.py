"""What a record is: the shape that every part of the router reads, and a plain one for tests, cases and `explain`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Headers", "PlainRecord", "Record", "plain_record"]

Headers = Sequence[tuple[str, bytes | None]]
"""Names may repeat and their order counts, as Kafka keeps them."""


class Record(Protocol):
    """One record of a partition. aiokafka's `ConsumerRecord` is one as it stands: the hot path wraps nothing."""

    @property
    def topic(self) -> str: ...

    @property
    def partition(self) -> int: ...

    @property
    def offset(self) -> int: ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch; -1 where the producer gave none."""

    @property
    def key(self) -> bytes | None: ...

    @property
    def value(self) -> bytes | None:
        """None makes the record a tombstone; empty bytes do not."""

    @property
    def headers(self) -> Headers: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRecord:
    """A record that came from no broker."""

    topic: str
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: Headers = ()


def plain_record(record: Record) -> PlainRecord:
    """The record as a value of its own: itself, where it is one."""
    if isinstance(record, PlainRecord):
        return record
    return PlainRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )
