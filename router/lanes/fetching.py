"""How a started consumer's fetcher is changed: it unpacks records at half the cost, and asks for them when that is due.

aiokafka passes each record through three Python frames into an object of eleven fields. Here it is one frame and the seven
fields that a `Record` has. What a record is, which are skipped (what was aborted, control records, what lies before the
position) and where the position stands after each stays as aiokafka has it, since a lane's continuity rests on it.

aiokafka asks for more of whatever was taken, at once. Where there is a backlog, that keeps everybody busy. Where there is none,
the answer holds the little that came within a millisecond, and lies there until what was taken before it is carried, while what
came since waits at the broker for its turn. So without a backlog nothing is asked for until somebody wants it (`Demand`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from functools import partial
from typing import Any, NamedTuple

from aiokafka import errors as kafka_errors
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords

from router.records.record import Headers

__all__ = ["Demand", "FetchedRecord", "LightRecords", "unpack_lightly"]


class FetchedRecord(NamedTuple):
    """A `Record`, as the consumer's thread hands it over."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


# Made from a tuple at C's speed: the class's own constructor is one more Python call a record.
_record: Callable[[tuple[Any, ...]], FetchedRecord] = partial(tuple.__new__, FetchedRecord)


class LightRecords(PartitionRecords):  # type: ignore[misc]  # aiokafka publishes no type information
    """What a fetch brought for one partition."""

    def __iter__(self) -> Iterator[FetchedRecord]:
        iterator: Iterator[FetchedRecord] = self._records_iterator
        return iterator

    def _unpack_records(self) -> Iterator[FetchedRecord]:
        topic, partition = self._tp.topic, self._tp.partition
        records = self._records
        try:
            while records.has_next():
                batch = records.next_batch()
                if self._check_crcs and not batch.validate_crc():
                    raise kafka_errors.CorruptRecordException(f"Invalid CRC - {self._tp}")
                if not self._is_published(batch):
                    self.next_fetch_offset = batch.next_offset
                    continue
                position = self.next_fetch_offset
                for record in batch:
                    offset = record.offset
                    if offset >= position:
                        # Whoever takes the record may stop here, and go on from the next.
                        self.next_fetch_offset = offset + 1
                        yield _record(
                            (topic, partition, offset, record.timestamp, record.key, record.value, record.headers)
                        )
                # Compaction may have removed the batch's last records: the next fetch begins behind them all the same.
                self.next_fetch_offset = batch.next_offset
        finally:
            # It refers to this frame, and the frame to it: megabytes that only the garbage collector would find.
            self._records_iterator = iter(())

    def _is_published(self, batch: Any) -> bool:
        """Whether the batch's records are for readers: neither a control batch nor one of an aborted transaction."""
        if self._isolation_level == READ_COMMITTED and batch.producer_id is not None:
            self._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and self._contains_abort_marker(batch):
                self._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in self._aborted_producers:
                return False
        return not batch.is_control_batch


def unpack_lightly(fetcher: Any) -> None:
    """Let a started consumer's fetcher unpack all that it fetches from now on as `LightRecords`."""
    answered: Callable[..., Awaitable[bool]] = fetcher._proc_fetch_request  # noqa: SLF001 - what follows has no other way

    async def answered_lightly(assignment: Any, node_id: int, request: Any) -> bool:
        wake = await answered(assignment, node_id, request)
        # Nobody has begun to read what this response brought: readers are woken only by our return.
        for result in fetcher._records.values():  # noqa: SLF001 - as above
            if type(result) is FetchResult and type(result._partition_records) is PartitionRecords:  # noqa: SLF001 - as above
                result._partition_records = _light(result._partition_records)  # noqa: SLF001 - as above
        return wake

    fetcher._proc_fetch_request = answered_lightly  # noqa: SLF001 - as above


def _light(records: Any) -> LightRecords:
    """The same records, none of which was read yet."""
    # The one that is replaced and its own iterator refer to each other, and to the bytes of the fetch.
    records._records_iterator = None  # noqa: SLF001 - as above
    return LightRecords(
        records._tp,  # noqa: SLF001 - the constructor's own arguments, kept under these names
        records._records,  # noqa: SLF001 - as above
        records._aborted_transactions,  # noqa: SLF001 - as above
        records.next_fetch_offset,
        None,
        None,
        records._check_crcs,  # noqa: SLF001 - as above
        records._isolation_level,  # noqa: SLF001 - as above
    )


class Demand:
    """When a started consumer's fetcher asks brokers for records: while there is a backlog, else when they are wanted."""

    backlog = False
    """What was taken last left more behind it than it held itself."""

    def __init__(self, fetcher: Any) -> None:
        """From now on it asks by these rules alone."""
        self._fetcher = fetcher
        self._wanted: Collection[Any] = ()
        self._actions: Callable[[Any], tuple[Any, ...]] = fetcher._get_actions_per_node  # noqa: SLF001 - it has no other way in
        self._answered: Callable[..., Awaitable[bool]] = fetcher._proc_fetch_request  # noqa: SLF001 - as above
        fetcher._get_actions_per_node = self._due  # noqa: SLF001 - as above
        fetcher._proc_fetch_request = self._met  # noqa: SLF001 - as above

    def want(self, partitions: Collection[Any]) -> None:
        """Somebody waits for records of any of these; asks for them, unless that is under way already."""
        self._wanted = partitions
        self._fetcher._notify(self._fetcher._wait_consume_future)  # noqa: SLF001 - as above

    def _due(self, assignment: Any) -> tuple[Any, ...]:
        requests, *others = self._actions(assignment)
        return (requests if self.backlog or self._wanted else [], *others)

    async def _met(self, assignment: Any, node_id: int, request: Any) -> bool:
        wake = await self._answered(assignment, node_id, request)
        # What waits until its own lane has room is not what somebody waits for.
        if not self._fetcher._records.keys().isdisjoint(self._wanted):  # noqa: SLF001 - as above
            self._wanted = ()
        return wake
