"""How soon a delay fires after its time, while very many wait: the lane's part, with its table on the disk that workers have.

One lane's `Keeping` over a RocksDB table, without a broker: rejections are read as fast as it goes, each of a key of its own.
Their delays end one after the other, or all at one moment; the lane goes on as a worker's does, with a commit each 100 ms,
and we see when the release mark of each key was written and committed. `python -m bench delays` runs it.

Beside that, what the lanes' part of `failure:` costs the copying of records that nobody rejects: the job's records are decided and
copied with and without a `Keeping` around the copier, batch by batch in turn, in the CPU time of one thread.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench import job
from bench.comparing import interval
from bench.errors import BenchError
from bench.report import markdown
from bench.running import peak_bytes
from bench.session import Shown
from router.exchange.decision import Decision
from router.failure.keeping import Keeping, RejectionSink
from router.failure.parking import KeyState, Phase
from router.failure.policy import FailurePolicy, Kept
from router.failure.rejections import rejection_headers
from router.failure.stored import by_key, encode_state, state_key
from router.failure.topics import rejected_of
from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies, CopyBatch
from router.lanes.copying import Copier, Identity, Refusals
from router.lanes.deliveries import RecordBatch
from router.lanes.table import BatchCopier
from router.language.deciders import deciders
from router.language.load import load_routes
from router.order.changelog import Progress, Replica
from router.order.disk import DiskMemory, PartitionDisk
from router.order.lane_table import PartitionTable
from router.records.headers import ORIGIN
from router.records.record import PlainRecord
from router.versions.catalogue import read_catalogue

__all__ = ["measure", "measured", "table"]

_VIP, _SOURCE = "vip.order.status.v1", SourcePartition("order.status.v1", 0)
_COMMIT_EVERY = 0.1
"""Seconds between two commits of a lane, as workers have it."""
_SPREAD = 50.0
"""Seconds over which the delays end that do not end together."""
_RETRY_MS = 600_000
_VALUE = bytes(140)
_BATCH = 2_000
_TOGETHER, _FEW = 500, 20
"""Rejections that come at once."""
_UNITS = {
    "reading and keeping a rejection, CPU": " µs",
    "writing a release mark, CPU": " µs",
    "opening the lane again": " s",
    "memory at most": " MB",
}


class _Empty:
    """A changelog that has nothing: the table begins empty, or as its disk is."""

    async def restore(self, topic: str, partition: int, replica: Replica, progress: Progress) -> None:  # noqa: ARG002
        """See RestoresReplicas."""
        replica.begin(start=0, end=0)


class _Silent:
    """A feed that brings nothing by itself."""

    def follow(self, partition: int, positions: Mapping[str, int], sink: RejectionSink) -> Callable[[], None]:  # noqa: ARG002
        """See RejectionFeed."""
        return lambda: None

    def room(self) -> None:
        """See RejectionFeed."""


class _Four:
    """Every topic has four partitions."""

    def partitions(self, topic: str) -> int:  # noqa: ARG002
        """See DestinationView."""
        return 4


class _Clock:
    """Seconds since the epoch: a time that stands, or one that runs."""

    def __init__(self) -> None:
        self.stands: float | None = time.time()
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead if self.stands is None else self.stands

    def run_from(self, at: float) -> None:
        """From now on it runs."""
        self._ahead, self.stands = at - time.time(), None


class _Lane:
    """What a lane does with its `Keeping`, with commits that are always confirmed."""

    def __init__(self, directory: Path) -> None:
        self.clock = _Clock()
        self.disk = PartitionDisk(directory / "t-0.db", DiskMemory(), name="t/0")
        self._refusals = Refusals()
        self.fired: list[float] = []
        """When each mark was committed, by the clock."""
        self._uncommitted = 0
        self._commit_at = 0.0
        self.open()

    def open(self) -> float:
        """As a lane opens that finds its table on the disk; gives the seconds that it took."""
        self.table = PartitionTable(
            self.disk, changelog="changelog", partition=0, reader=_Empty(), fit=lambda: None, remember=32_768
        )
        identity = Identity(service="bench", instance="bench", route_set="0" * 8)
        copier = Copier(_SOURCE.topic, decide=lambda _: Decision(()), destinations=_Four(), identity=identity)
        kept = Kept(policies={_VIP: FailurePolicy(retry_ms=(_RETRY_MS,))}, retention_ms={_VIP: None})
        self.keeping = Keeping(
            _SOURCE,
            kept,
            copier=copier,
            table=self.table,
            destinations=_Four(),
            feed=_Silent(),
            clock=self.clock,
        )
        asyncio.run(self.table.restore())
        began = time.perf_counter()
        self.keeping.resume(0)
        return time.perf_counter() - began

    def turn(self, *, commit: bool = False) -> bool:
        """Do what there is to do, as much as is done at once; whether there was anything."""
        into = Copies()
        tally = self.keeping.expire(0, into=into, new_batch=_new_batch, refusals=self._refusals)
        if tally is not None:
            self._uncommitted += tally.copies.get(_VIP, 0)
            self.keeping.write_changes(into, new_batch=_new_batch, refusals=self._refusals)
            into.seal()
            self._commit_at = self._commit_at or time.monotonic() + _COMMIT_EVERY
        if self._commit_at and (commit or time.monotonic() >= self._commit_at):
            self.table.committed(source=0, changelog=None)
            self.fired += [self.clock()] * self._uncommitted
            self._uncommitted, self._commit_at = 0, 0.0
        return tally is not None

    def reject(self, first: int, count: int) -> None:
        """So many rejections come, each of a key of its own, which its consumer has parked; they are read and committed."""
        self.keeping.came(
            rejected_of(_VIP), [_rejection(number) for number in range(first, first + count)], first + count
        )
        self.turn(commit=True)

    def fire(self, count: int) -> list[float]:
        """Go on until so many marks are committed; when each was, by the clock."""
        self.fired.clear()
        while len(self.fired) < count:
            if not self.turn():
                seconds = self.keeping.looks_in()
                time.sleep(0.005 if seconds is None else min(max(seconds, 0.001), 0.02))
        return self.fired


def _new_batch(_topic: str) -> CopyBatch:
    batch: CopyBatch = RecordBatch(1 << 20, compression_type=0, is_transactional=1)
    return batch


def _rejection(number: int) -> PlainRecord:
    origin = (ORIGIN, b"%b/0/%d" % (_SOURCE.topic.encode(), number))
    key = b"order-%012d" % number
    copy = PlainRecord(topic=_VIP, partition=0, offset=number, key=key, value=_VALUE, headers=(origin,))
    headers = rejection_headers(copy, error="integer out of range", error_class="DataError", parks=True)
    return replace(copy, topic=rejected_of(_VIP), timestamp=int(time.time() * 1000), headers=tuple(headers))


def measure(*, pending: int, directory: Path) -> dict[str, float]:
    """In a process of its own."""
    found: dict[str, float] = {}
    lane = _Lane(directory / "together")
    cpu = time.process_time()
    for first in range(0, pending, _TOGETHER):
        lane.reject(first, min(_TOGETHER, pending - first))
    found["reading and keeping a rejection, CPU"] = (time.process_time() - cpu) / pending * 1e6
    found["opening the lane again"] = lane.open()
    due = lane.clock() + _RETRY_MS / 1000
    lane.clock.run_from(due - 0.1)
    cpu = time.process_time()
    fired = lane.fire(pending)
    found["together: the first"] = (fired[0] - due) * 1000
    found["together: the last"] = (fired[-1] - due) * 1000
    found["writing a release mark, CPU"] = (time.process_time() - cpu) / pending * 1e6
    lane.disk.close()
    lane = _Lane(directory / "spread")
    begun = lane.clock()
    dues = []
    for first in range(0, pending, _FEW):
        lane.clock.stands = begun + first / pending * _SPREAD
        lane.reject(first, min(_FEW, pending - first))
        dues += [lane.clock.stands + _RETRY_MS / 1000] * min(_FEW, pending - first)
    lane.clock.run_from(dues[0] - 1)
    late = sorted((at - due) * 1000 for at, due in zip(lane.fire(pending), dues, strict=True))
    found["one after the other: half of them"] = late[len(late) // 2]
    found["one after the other: 99 %"] = late[len(late) * 99 // 100]
    found["one after the other: the latest"] = late[-1]
    for waiting in (0, 1_000):
        ratios = healthy(records=20_000, pairs=301, waiting=waiting, directory=directory / f"healthy-{waiting}")
        name = f"copying, nobody rejects, {waiting:,} other keys wait: CPU"
        found[name] = median(ratios)
        found[f"{name}, 95 % from"], found[f"{name}, to"] = interval(ratios)
    found["memory at most"] = peak_bytes(os.getpid()) / 1e6
    return found


def healthy(*, records: int, pairs: int, waiting: int, directory: Path) -> list[float]:
    """CPU time of copying with `failure:` on every destination, without it being 1; so many other keys wait meanwhile."""
    topics = {name: f"bench.{name}.{job.SUBJECT}" for name in job.DESTINATIONS}
    source = SourcePartition(f"bench.{job.SUBJECT}", 0)
    route_set, findings = load_routes(job.route_files(source.topic, topics, job.Shape()), read_catalogue(job.SCHEMAS))
    assert route_set is not None, findings
    decide = deciders(route_set)[source.topic].decide
    identity = Identity(service="bench", instance="bench", route_set="0" * 8)

    def new_copier() -> Copier:
        return Copier(source.topic, decide=decide, destinations=_Four(), identity=identity)

    table = PartitionTable(
        PartitionDisk(directory / "t-0.db", DiskMemory(), name="t/0"),
        changelog="changelog",
        partition=0,
        reader=_Empty(),
        fit=lambda: None,
    )
    asyncio.run(table.restore())
    kept = Kept(policies=dict.fromkeys(topics.values(), FailurePolicy()), retention_ms={})
    keeping = Keeping(source, kept, copier=new_copier(), table=table, destinations=_Four(), feed=_Silent())
    parked = encode_state(KeyState(phase=Phase.PARKED, awaited=True))
    for number in range(waiting):
        table.put(state_key(topics["vip"], by_key(b"waits-%d" % number)), parked)
    keeping.resume(0)
    feed = [
        PlainRecord(topic=source.topic, offset=number, timestamp=0, key=key, value=value, headers=tuple(headers))
        for number, (key, value, headers, *_) in enumerate(job.orders(records))
    ]
    batches = [
        Batch(source, 1, first, first + _BATCH, feed[first : first + _BATCH], time.time())
        for first in range(0, records, _BATCH)
    ]

    def turn(copier: BatchCopier, batch: Batch) -> float:
        began = time.thread_time()
        into = Copies()
        copier.copy(batch, into=into, new_batch=_new_batch, refusals=Refusals())
        into.seal()
        return time.thread_time() - began

    plain = new_copier()
    found = []
    for number in range(-len(batches), pairs):
        batch = batches[number % len(batches)]
        each = {copier: turn(copier, batch) for copier in ((plain, keeping) if number % 2 else (keeping, plain))}
        # Of the first round both learn something.
        found += [each[keeping] / each[plain]] if number >= 0 else []
    return found


def measured(*, pending: int, show: Shown) -> dict[str, float]:
    """What `measure` finds, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="router-delays-") as place, show(f"{pending:,} delays", 1) as done:
        child = [sys.executable, "-m", "bench.delays", str(pending), place]
        answer = subprocess.run(child, stdout=subprocess.PIPE, check=False)
        if answer.returncode:
            raise BenchError(f"measuring delays failed: it ended with {answer.returncode}")
        done(1)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def table(columns: Mapping[int, Mapping[str, float]]) -> str:
    """As Markdown, a column a number of delays, of what `measure` found."""
    rows = []
    for name in next(iter(columns.values())):
        unit = "" if name.startswith("copying") else _UNITS.get(name, " ms after its time")
        rows.append([name, *(f"{each[name]:,.{1 if unit else 3}f}{unit}" for each in columns.values())])
    return markdown({"": "---", **{f"{pending:,} wait": "--:" for pending in columns}}, rows)


if __name__ == "__main__":
    print(json.dumps(measure(pending=int(sys.argv[1]), directory=Path(sys.argv[2]))))
