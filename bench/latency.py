"""How long a record takes from when it was due in the broad topic until a consumer has its copy, and how long nothing came at all.

The consumer reads with `isolation.level=read_committed`, so that an exactly-once contender's copy counts when its transaction is
committed. A pause is the longest time in which no copy came out of one partition, while its records came in evenly.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from bench.contender import Contender, Run
from bench.errors import BenchError, ContenderFailed
from bench.load import WATCHED, identity, is_watched, pool, stamp
from bench.report import markdown
from bench.running import Processes, Stopped

__all__ = ["Failures", "Observation", "failing", "observe", "observe_directly", "table"]

_READY_WITHIN = 90.0
_LATE_WITHIN = 15.0
"""Seconds after the last record in which its copy must have come."""
_GREETING = 1 << 62
"""Numbers of records that only find out whether a contender is at work begin here."""
_REPORT_EVERY = 0.5
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What one turn showed. Times in milliseconds."""

    rate: float
    seconds: float
    """Of the part that counts."""
    latencies: Sequence[float]
    """Of every copy that counts, in ascending order."""
    pause: float
    """The longest, in any partition."""
    missing: int
    repeated: int
    """Copies that came more than once."""
    busy: float | None
    """CPU seconds of the contender a second; None where there was none."""

    def quantile(self, share: float) -> float:
        """The latency that this share of the copies did not exceed."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))]


@dataclass(slots=True)
class _Arrivals:
    """Copies as they come."""

    since: int
    """When what counts begins, in nanoseconds."""
    latencies: list[float] = field(default_factory=list)
    numbers: set[int] = field(default_factory=set)
    repeated: int = 0
    pauses: dict[int, int] = field(default_factory=dict)
    """By partition: the longest, in nanoseconds."""
    _last: dict[int, int] = field(default_factory=dict)

    def add(self, message: Any, now: int) -> None:
        number, due = identity(_ce_id(message))
        if number >= _GREETING:
            return
        if number in self.numbers:
            self.repeated += 1
        self.numbers.add(number)
        partition = message.partition()
        if due >= self.since:
            self.latencies.append((now - due) / 1e6)
            waited = now - self._last.get(partition, now)
            self.pauses[partition] = max(waited, self.pauses.get(partition, 0))
        self._last[partition] = now


def _ce_id(message: Any) -> bytes:
    # The first, unless a contender's library put its own before.
    found: bytes = next(text for name, text in message.headers() if name == "ce_id")
    return found


@dataclass(slots=True)
class Failures:
    """What a failing proxy did; counts are there when its block has been left."""

    bootstrap: str
    counts: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        count = self.counts.get
        return (
            f"{count('batches', 0):,} batches, of which failed: {count('refuse', 0):,} refused,"
            f" {count('cut', 0):,} cut off, {count('lose', 0):,} without an answer"
        )


@contextmanager
def failing(bootstrap: str, share: float, seed: int) -> Iterator[Failures]:
    """A proxy before this broker that makes a share of all batches fail."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.proxy", "--broker", bootstrap, "--share", str(share), "--seed", str(seed)],
        cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        port = process.stdout.readline().strip()
        if not port:
            raise BenchError(f"the failing proxy before {bootstrap} did not start")
        failures = Failures(f"127.0.0.1:{port}")
        yield failures
        process.terminate()
        failures.counts.update(json.loads(process.communicate(timeout=10)[0]))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def observe(
    name: str,
    contender: Contender,
    run: Run,
    *,
    rate: float,
    warm: float,
    seconds: float,
    progress: Callable[[int], None],
    through: str | None = None,
) -> Observation:
    """Run a contender under the load; `through`: the Kafka address that it is given instead of the true one.

    The first `warm` seconds do not count. Raises ContenderFailed, also where copies are missing.
    """
    topic = run.topics[WATCHED]
    told = replace(run, bootstrap=through or run.bootstrap)
    with _reader(run.bootstrap, topic, run.shape.partitions) as consumer, Processes(name, contender, told) as processes:
        _greet(run, consumer, processes)
        found = _watch(run, consumer, rate=rate, warm=warm, seconds=seconds, progress=progress, processes=processes)
    if found.missing:
        problem = f"lost copies: {found.missing:,} of those due in {topic} did not come within {_LATE_WITHIN:.0f} s"
        raise ContenderFailed(name=name, problem=problem, output="")
    return found


def observe_directly(
    run: Run, *, rate: float, warm: float, seconds: float, progress: Callable[[int], None]
) -> Observation:
    """The same with nobody between: a consumer of the broad topic itself. What the bench and the broker take."""
    with _reader(run.bootstrap, run.source, run.shape.partitions) as consumer:
        return _watch(run, consumer, rate=rate, warm=warm, seconds=seconds, progress=progress, processes=None)


@contextmanager
def _reader(bootstrap: str, topic: str, partitions: int) -> Iterator[Any]:
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "bench-watches",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "log_level": 0,
        }
    )
    try:
        consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
        yield consumer
    finally:
        consumer.close()


def _greet(run: Run, consumer: Any, processes: Processes) -> None:
    """Return when the contender has copied a record of every partition."""
    producer = Producer({"bootstrap.servers": run.bootstrap, "log_level": 3})
    order = next(one for one in pool() if is_watched(one))
    for partition in range(run.shape.partitions):
        headers = [("ce_id", stamp(_GREETING + partition, 0)), order.headers[1]]
        producer.produce(run.source, order.value, order.key, partition=partition, headers=headers)
    producer.flush()
    answered: set[int] = set()
    deadline = time.monotonic() + _READY_WITHIN
    while len(answered) < run.shape.partitions:
        processes.cpu_seconds()
        if time.monotonic() > deadline:
            raise Stopped(f"copied nothing within {_READY_WITHIN:.0f} s")
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            answered.add(identity(_ce_id(message))[0])


def _watch(
    run: Run,
    consumer: Any,
    *,
    rate: float,
    warm: float,
    seconds: float,
    progress: Callable[[int], None],
    processes: Processes | None,
) -> Observation:
    everything = warm + seconds
    watched = [processes is None or is_watched(order) for order in pool()]
    load = subprocess.Popen(
        [sys.executable, "-m", "bench.load", run.bootstrap, run.source, str(rate), str(everything)],
        cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    began = time.monotonic_ns()
    arrivals = _Arrivals(since=began + int(warm * 1e9))
    cpu = processes.cpu_seconds() if processes else 0.0
    reported, due = time.monotonic(), None
    ended = 0.0
    try:
        while due is None or len(arrivals.numbers) < due:
            message = consumer.poll(0.05)
            now = time.monotonic_ns()
            if message is not None and message.error() is None:
                arrivals.add(message, now)
            if now / 1e9 - reported > _REPORT_EVERY:
                reported = now / 1e9
                progress(min(int(everything), int((now - began) / 1e9)))
                if processes:
                    processes.cpu_seconds()  # raises where one has ended
                if due is None and load.poll() is not None:
                    sent = int(load.communicate()[0])
                    due = sum(watched[number % len(watched)] for number in range(sent))
                    ended = reported
                if due is not None and reported - ended > _LATE_WITHIN:
                    break
    finally:
        if load.poll() is None:
            load.kill()
        load.wait()
    progress(int(everything))
    if not arrivals.latencies:
        raise Stopped("copied nothing that counts: take more --seconds")
    return Observation(
        rate=rate,
        seconds=seconds,
        latencies=sorted(arrivals.latencies),
        pause=max(arrivals.pauses.values()) / 1e6,
        missing=due - len(arrivals.numbers),
        repeated=arrivals.repeated,
        busy=None if processes is None else (processes.cpu_seconds() - cpu) / ((time.monotonic_ns() - began) / 1e9),
    )


def table(rows: Sequence[tuple[str, str, Sequence[Observation]]]) -> str:
    """As Markdown: a row a contender with its guarantee, medians over its turns."""
    columns = {
        "contender": "---", "guarantee": "---", "records/s": "--:", "p50, ms": "--:", "p90": "--:", "p99": "--:", "p99.9": "--:",
        "longest": "--:", "longest pause": "--:", "CPU": "--:",
    }  # fmt: skip

    def row(name: str, guarantee: str, found: Sequence[Observation]) -> Sequence[str]:
        return [
            name,
            guarantee,
            f"{found[0].rate:,.0f}",
            *(_spread([one.quantile(share) for one in found]) for share in (0.5, 0.9, 0.99, 0.999)),
            f"{max(one.latencies[-1] for one in found):,.0f}",
            f"{max(one.pause for one in found):,.0f} ms",
            f"{median(busy):.0%}" if (busy := [one.busy for one in found if one.busy is not None]) else "",
        ]

    return markdown(columns, (row(*each) for each in rows))


def _spread(values: Sequence[float]) -> str:
    middle = median(values)
    shown = f"{middle:.1f}" if middle < 100 else f"{middle:.0f}"
    return shown if len(values) == 1 else f"{shown} ± {(max(values) - min(values)) / middle / 2:.0%}"
