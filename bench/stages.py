"""What one record costs us, stage by stage, in this process and without a broker; beside it the limits of what we build on.

    python -m bench.stages [--records 4000] [--rounds 60]

Times are of this thread's CPU, the least of many rounds over one batch: what the work costs while nothing disturbs it, and the
records are as near at hand as those that were just fetched.
"""

from __future__ import annotations

import gc
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from bench import job
from bench.report import between_markers, conditions
from router.exchange.deciding import Decider
from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies
from router.lanes.copying import Copier, Identity, Refusals
from router.lanes.deliveries import RecordBatch
from router.lanes.destinations import BATCH_BYTES
from router.lanes.fetching import LightRecords
from router.language.deciders import deciders
from router.language.load import load_routes
from router.records.headers import HOP, ORIGIN
from router.versions.catalogue import read_catalogue

__all__ = ["BATCH", "Stage", "main", "measured", "stages"]

_PAGE = Path(__file__).parent.parent / "docs" / "bench.md"
BATCH = 4000
_ROOMY = 1 << 30
_CHECKSUMMED_FROM = 21
_AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that is done to every record."""

    name: str
    microseconds: float
    """A record."""
    limit: bool
    """It is no code of ours, but what ours is built on."""


class _Partitions:
    def partitions(self, _topic: str) -> int:
        return job.PARTITIONS


def stages(*, records: int, rounds: int) -> list[Stage]:
    """Measure them all."""
    source = f"bench.{job.SUBJECT}"
    decider, copier = _routed(source, job.Shape())
    of_shops, spreading = _routed(source, job.Shape(by_shop=True))
    reader = decider._reader  # noqa: SLF001 - the bench looks inside
    assert reader is not None

    orders = list(job.orders(records))
    fetched = _record_batches(orders)
    tp = TopicPartition(source, 0)

    def unpack(kind: type[PartitionRecords]) -> list[Any]:
        found: list[Any] = []
        for raw in fetched:
            # The arguments of the consumer that the transport makes.
            found += kind(tp, MemoryRecords(raw), [], 0, None, None, True, 1)
        return found

    taken = unpack(LightRecords)
    batches = [
        Batch(SourcePartition(source, 0), 1, first, first + BATCH, taken[first : first + BATCH], time.time())
        for first in range(0, records, BATCH)
    ]

    def copy(copier: Copier = copier) -> list[Copies]:
        made = []
        for batch in batches:
            copies = Copies()
            copier.copy(batch, into=copies, new_batch=lambda _: RecordBatch(BATCH_BYTES, 0), refusals=Refusals())
            copies.seal()
            made.append(copies)
        return made

    values = [record.value for record in taken]
    decisions = [decider.decide(record).topics for record in taken]
    hop = (HOP, b"1;router;bench;abcdefghijklmnopqrstuv;1700000000000;10000;0123abcd;")
    all_headers = [[*record.headers, (ORIGIN, b"%b/0/%d" % (source.encode(), record.offset)), hop] for record in taken]
    each = list(zip(taken, all_headers, decisions, strict=True))
    spread = list(zip(taken, all_headers, [of_shops.decide(record).topics for record in taken], strict=True))

    def append_wrapped() -> None:
        append: dict[str, Any] = {}
        for record, headers, decided in each:
            key, value, timestamp = record.key, record.value, record.timestamp
            for topic in decided:
                room = append.get(topic)
                if room is None or room(timestamp=timestamp, key=key, value=value, headers=headers) is None:
                    append[topic] = BatchBuilder(BATCH_BYTES, 0).append

    def append_bare(each: Sequence[tuple[Any, Any, Any]] = each) -> None:
        append: dict[str, Any] = {}
        for record, headers, decided in each:
            key, value, timestamp = record.key, record.value, record.timestamp
            for topic in decided:
                room = append.get(topic)
                if room is None or room(1, timestamp, key, value, headers) is None:
                    append[topic] = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, BATCH_BYTES).append

    def build() -> None:
        for copies in copied:
            for _, _, filled, _ in copies.ready:
                filled._build()  # noqa: SLF001 - what the producer calls before it sends

    def checksums() -> None:
        for raw in fetched:
            # From the attributes on, as a broker and a client reckon it.
            calc_crc32c(raw[_CHECKSUMMED_FROM:])

    def cost(work: Callable[[], Any], *, prepare: Callable[[], Any] = lambda: None) -> float:
        least = float("inf")
        # A worker collects garbage every two seconds only: it costs next to nothing a record, but much in a measurement.
        gc.disable()
        for _ in range(rounds):
            prepare()
            begun = time.thread_time_ns()
            work()
            least = min(least, time.thread_time_ns() - begun)
        gc.enable()
        return least / 1000 / records

    copied: list[Any] = []

    def copy_anew() -> None:
        copied[:] = copy()

    copy_anew()
    build()
    written = [bytes(filled._buffer) for copies in copied for _, _, filled, _ in copies.ready]  # noqa: SLF001
    sending, receiving = _over_loopback(written, rounds), _over_loopback(fetched, rounds)
    return [
        Stage("receive what was fetched from a socket", receiving.received / records, limit=True),
        Stage("its checksum alone", cost(checksums), limit=True),
        Stage(
            "unpack what was fetched into records, checksum included", cost(lambda: unpack(LightRecords)), limit=False
        ),
        Stage("the same by aiokafka", cost(lambda: unpack(PartitionRecords)), limit=True),
        Stage("the same without making records: compiled code alone", cost(lambda: _iterate(fetched)), limit=True),
        Stage("read the fields that routes need", cost(lambda: [reader.read(value) for value in values]), limit=False),
        Stage("decode the whole value, by fastavro", cost(lambda: [job.decode(value) for value in values]), limit=True),
        Stage("decide, reading included", cost(lambda: [decider.decide(record) for record in taken]), limit=False),
        Stage("decide and write all copies, headers included", cost(copy), limit=False),
        Stage("append the copies, by aiokafka's `BatchBuilder` alone", cost(append_wrapped), limit=True),
        Stage("append the copies, compiled code alone", cost(append_bare), limit=True),
        Stage("finish the batches: header and checksum, compiled code", cost(build, prepare=copy_anew), limit=True),
        Stage("decide and write all copies where there are 203 topics", cost(lambda: copy(spreading)), limit=False),
        Stage("append these, compiled code alone", cost(lambda: append_bare(spread)), limit=True),
        Stage("send the copies into a socket", sending.sent / records, limit=True),
    ]


def _routed(source: str, shape: job.Shape) -> tuple[Decider, Copier]:
    topics = {name: f"bench.{name}.{job.SUBJECT}" for name in shape.destinations}
    route_set, findings = load_routes(job.route_files(source, topics, shape), read_catalogue(job.SCHEMAS))
    assert route_set is not None, findings
    decider = deciders(route_set)[source]
    identity = Identity(service="router", instance="bench", route_set=route_set.fingerprint)
    return decider, Copier(source, decide=decider.decide, destinations=_Partitions(), identity=identity)


@dataclass(frozen=True, slots=True)
class _Loopback:
    """Microseconds of CPU in which the same bytes were sent and received."""

    sent: float
    received: float


def _over_loopback(parts: Sequence[bytes], rounds: int) -> _Loopback:
    """Over a connection within this machine, the least of some rounds: what the kernel alone takes of each end."""
    total = sum(map(len, parts))
    received: list[float] = []
    sent = float("inf")
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as one:
        other, _ = server.accept()

        def receive() -> None:
            room = bytearray(_AT_ONCE)
            for _ in range(rounds):
                left, begun = total, time.thread_time_ns()
                while left:
                    left -= other.recv_into(room, min(left, _AT_ONCE))
                received.append((time.thread_time_ns() - begun) / 1000)
                other.sendall(b".")

        with other:
            receiver = threading.Thread(target=receive, daemon=True)
            receiver.start()
            for _ in range(rounds):
                begun = time.thread_time_ns()
                for part in parts:
                    one.sendall(part)
                sent = min(sent, (time.thread_time_ns() - begun) / 1000)
                one.recv(1)
            receiver.join()
    return _Loopback(sent, min(received))


def _iterate(fetched: Sequence[bytes]) -> None:
    for raw in fetched:
        records = MemoryRecords(raw)
        while records.has_next():
            for _ in records.next_batch():
                pass


def _record_batches(orders: Sequence[job.Order]) -> list[bytes]:
    """As a broker hands them out."""
    found = []
    for first in range(0, len(orders), BATCH):
        batch = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, 0, _ROOMY)
        for offset, order in enumerate(orders[first : first + BATCH]):
            batch.append(offset, 1_700_000_000_000 + first + offset, order.key, order.value, order.headers)
        raw = batch.build()
        raw[:8] = first.to_bytes(8, "big")  # the base offset, which the broker sets
        found.append(bytes(raw))
    return found


def table(found: Sequence[Stage], *, copies: float) -> str:
    """As Markdown."""
    lines = [f"µs of CPU a record (with its {copies:.2f} copies).", "", "| stage | µs | whose |", "|---|--:|---|"]
    lines += [f"| {each.name} | {each.microseconds:.2f} | {'limit' if each.limit else 'ours'} |" for each in found]
    return "\n".join(lines)


def measured(*, records: int, rounds: int) -> str:
    """All stages as Markdown, with the conditions that they were measured under."""
    load = os.getloadavg()[0]
    found = stages(records=records, rounds=rounds)
    copies = sum(len(order.destinations) for order in job.orders(records)) / records
    what = f"{records:,} records, the least of {rounds} rounds"
    return f"{conditions(what, kafka='', load=load)}\n\n{table(found, copies=copies)}"


@click.command()
@click.option("--records", type=click.IntRange(min=BATCH), default=BATCH, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=60, show_default=True)
@click.option("--write/--no-write", default=False, show_default=True, help="Put the table into docs/bench.md.")
def main(*, records: int, rounds: int, write: bool) -> None:
    """Cost of each stage of a record's way, in this process."""
    text = measured(records=records - records % BATCH, rounds=rounds)
    print(text)
    if write:
        between_markers(_PAGE, "stages", text)


if __name__ == "__main__":
    main()
