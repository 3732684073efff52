"""Light records are aiokafka's own, record by record and position by position."""

from __future__ import annotations

import asyncio
import gc
import struct
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from aiokafka import errors as kafka_errors
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from router.lanes.fetching import Demand, FetchedRecord, LightRecords, unpack_lightly

TP = TopicPartition("order.status.v1", 3)
GZIP = 1
_CONTROL = 0x20


def log_batch(
    base: int,
    count: int,
    *,
    compression: int = 0,
    producer: int = -1,
    transactional: bool = False,
    control: int | None = None,
    compacted_tail: int = 0,
) -> bytes:
    """A record batch of format 2 as a broker hands it out, from this offset on."""
    builder = DefaultRecordBatchBuilder(2, compression, int(transactional), producer, 0, 0, 1 << 20)
    for number in range(count):
        key = struct.pack(">hh", 0, control) if control is not None else (None if number % 3 == 2 else b"k%d" % number)
        value = None if number % 4 == 3 else b"value %d" % number
        builder.append(number, 1000 + number, key, value, [("h", b"%d" % number), ("null", None)][: number % 3])
    raw = builder.build()
    raw[:8] = base.to_bytes(8, "big")
    last = int.from_bytes(raw[23:27], "big") + compacted_tail
    raw[23:27] = last.to_bytes(4, "big")
    if control is not None:
        raw[22] |= _CONTROL
    return bytes(raw)


def legacy_batch(base: int, count: int) -> bytes:
    """Messages of format 1, which knows no headers."""
    builder = LegacyRecordBatchBuilder(1, 0, 1 << 20)
    for number in range(count):
        builder.append(base + number, 1000 + number, b"k", b"v%d" % number)
    return bytes(builder.build())


def unpacked(
    kind: type[PartitionRecords],
    raw: bytes,
    *,
    position: int,
    aborted: Sequence[tuple[int, int]],
    most: int,
    crcs: bool = False,
) -> list[Any]:
    """All records and the position after each handful of so many, as a fetch result gives them out."""
    records = kind(TP, MemoryRecords(raw), list(aborted), position, None, None, crcs, 1)
    seen: list[Any] = []
    while True:
        taken = []
        for record in records:
            taken.append((*(getattr(record, name) for name in FetchedRecord._fields[:-1]), tuple(record.headers)))
            if len(taken) == most:
                break
        seen.append((taken, records.next_fetch_offset))
        if len(taken) < most:
            return seen


ABORT, COMMIT = 0, 1


@pytest.mark.parametrize("most", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    ("raw", "position", "aborted"),
    [
        pytest.param(log_batch(0, 7), 0, (), id="one-batch"),
        pytest.param(log_batch(10, 5) + log_batch(15, 4), 10, (), id="two-batches"),
        pytest.param(log_batch(10, 5), 13, (), id="position-inside-a-batch"),
        pytest.param(log_batch(0, 5, compression=GZIP) + log_batch(5, 2), 2, (), id="compressed"),
        pytest.param(log_batch(0, 3, compacted_tail=4) + log_batch(9, 1), 0, (), id="compacted-hole"),
        pytest.param(legacy_batch(4, 3), 4, (), id="format-1"),
        pytest.param(
            log_batch(0, 3, producer=7, transactional=True)
            + log_batch(3, 1, producer=7, transactional=True, control=COMMIT)
            + log_batch(4, 2),
            0,
            (),
            id="committed-transaction",
        ),
        pytest.param(
            log_batch(0, 3, producer=7, transactional=True)
            + log_batch(3, 2, producer=8, transactional=True)
            + log_batch(5, 1, producer=7, transactional=True, control=ABORT)
            + log_batch(6, 2, producer=7, transactional=True)
            + log_batch(8, 1, producer=7, transactional=True, control=COMMIT),
            0,
            ((7, 0),),
            id="aborted-transaction",
        ),
        pytest.param(
            log_batch(0, 3) + log_batch(3, 1, producer=7, transactional=True, control=COMMIT),
            0,
            (),
            id="ends-in-a-marker",
        ),
    ],
)
def test_records_and_positions_are_aiokafkas_own(
    raw: bytes, position: int, aborted: Sequence[tuple[int, int]], most: int
) -> None:
    """Whatever a fetch brings and however few are taken at a time, the same records come at the same positions."""
    light = unpacked(LightRecords, raw, position=position, aborted=aborted, most=most)
    assert light == unpacked(PartitionRecords, raw, position=position, aborted=aborted, most=most)


@pytest.mark.parametrize("kind", [PartitionRecords, LightRecords])
def test_damaged_batch_is_refused_and_the_position_stays(kind: type[PartitionRecords]) -> None:
    """What lies before the damage is handed out; reading again begins at the damage, and nothing after it is seen."""
    damaged = bytearray(log_batch(2, 2))
    damaged[-1] ^= 0xFF
    records = kind(TP, MemoryRecords(log_batch(0, 2) + bytes(damaged) + log_batch(4, 1)), [], 0, None, None, True, 1)
    iterator = iter(records)
    assert [next(iterator).offset, next(iterator).offset] == [0, 1]
    with pytest.raises(kafka_errors.CorruptRecordException):
        next(iterator)
    assert list(records) == []
    assert records.next_fetch_offset == 2


class Fetcher:
    """As much of aiokafka's fetcher as is needed to answer once."""

    def __init__(self) -> None:
        self._records: dict[TopicPartition, Any] = {}
        self._wait_consume_future: asyncio.Future[None] | None = None
        self.replaced: weakref.ref[PartitionRecords] | None = None

    async def _proc_fetch_request(self, assignment: Any, _node: int, request: Any) -> bool:
        records = PartitionRecords(TP, MemoryRecords(request), [], 1, None, None, True, 1)
        self.replaced = weakref.ref(records)
        self._records[TP] = FetchResult(TP, assignment=assignment, partition_records=records, backoff=0)
        self._records[TopicPartition("other", 0)] = "an error"
        return True

    def _get_actions_per_node(self, _assignment: Any) -> tuple[Any, ...]:
        return ["a request"], {"a reset": ()}, 0.1, False, []

    @staticmethod
    def _notify(future: asyncio.Future[None] | None) -> None:
        if future is not None and not future.done():
            future.set_result(None)


class Assignment:
    """One whose partition stands where its last reader left it."""

    active = True
    paused = False
    position = 1

    def state_value(self, _tp: TopicPartition) -> Any:
        return self

    def consumed_to(self, position: int) -> None:
        self.position = position


async def test_fetcher_answers_with_light_records() -> None:
    """A result that was unpacked lightly is taken in parts, moves the position, and ends as any other."""
    fetcher, assignment = Fetcher(), Assignment()
    unpack_lightly(fetcher)
    assert await fetcher._proc_fetch_request(assignment, 1, log_batch(0, 4))
    result = fetcher._records[TP]
    assert type(result._partition_records) is LightRecords
    assert [record.offset for record in result.getall(2)] == [1, 2]
    assert (assignment.position, result.has_more()) == (3, True)
    assert [record.offset for record in result.getall(2)] == [3]
    assert (assignment.position, result.has_more()) == (4, False)


@pytest.fixture
def without_garbage_collection() -> Iterator[None]:
    """What is gone within the test went by its reference count."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_garbage_collection")
async def test_bytes_of_a_fetch_go_with_its_last_record() -> None:
    """No cycle keeps them until a garbage collection: under load that would be hundreds of megabytes."""
    fetcher = Fetcher()
    unpack_lightly(fetcher)
    await fetcher._proc_fetch_request(Assignment(), 1, log_batch(0, 4))
    assert fetcher.replaced is not None
    assert fetcher.replaced() is None
    light = weakref.ref(fetcher._records[TP]._partition_records)
    assert len(fetcher._records[TP].getall(10)) == 3
    assert light() is None


OTHER = TopicPartition("other", 1)


def asks(fetcher: Any) -> bool:
    """Whether it would send a fetch now; what else it does is as ever."""
    requests, *others = fetcher._get_actions_per_node(Assignment())
    assert others == [{"a reset": ()}, 0.1, False, []]
    return bool(requests)


async def test_nothing_is_asked_for_until_it_is_wanted() -> None:
    """Once it has come, no more is asked for: what comes then would lie there while it grows old."""
    fetcher = Fetcher()
    demand = Demand(fetcher)
    assert not asks(fetcher)
    fetcher._wait_consume_future = asyncio.get_running_loop().create_future()
    demand.want({TP, OTHER})
    assert fetcher._wait_consume_future.done(), "the fetcher looks again at once"
    assert asks(fetcher)
    await fetcher._proc_fetch_request(Assignment(), 1, log_batch(0, 4))
    assert not asks(fetcher)
    demand.want({TP})
    assert asks(fetcher)


async def test_what_came_for_others_does_not_end_a_wait() -> None:
    """Their lanes may have no room for it, and somebody still waits."""
    fetcher = Fetcher()
    Demand(fetcher).want({OTHER})
    assert await fetcher._proc_fetch_request(Assignment(), 1, log_batch(0, 4))
    assert asks(fetcher)


async def test_backlog_is_read_ahead() -> None:
    """While one batch is carried, the next one is fetched."""
    fetcher = Fetcher()
    demand = Demand(fetcher)
    demand.want({TP})
    await fetcher._proc_fetch_request(Assignment(), 1, log_batch(0, 4))
    demand.backlog = True
    assert asks(fetcher)
