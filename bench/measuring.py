"""Running a contender, and reading off how fast it is.

The clock is its own progress: whenever its group's committed offsets have moved, we read wall time and the CPU seconds of its
processes and of the broker. We count from the first such reading to the last one before most of the records are committed. So
nothing of the start is counted (no interpreter, no imports, no joining of the group), and the contender is in full flow at both
ends: what it had already worked on but not yet committed at the one is about as much as at the other.

Of several processes we count only from when all are members of the group and it is stable: what one did alone says nothing of two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from confluent_kafka import Consumer, ConsumerGroupState, TopicPartition
from confluent_kafka.admin import AdminClient

from bench.contender import Contender, Run
from bench.errors import ContenderFailed
from bench.running import Processes, Stopped, cpu_seconds

__all__ = ["Measurement", "Rate", "Reading", "measure", "measurement"]

_LOOK_EVERY = 0.05
_FLOWING = 0.85
"""The part of the records after which a contender may run out of some partition's."""
_WARM = 0.5
"""The part of the records after which also a virtual machine that compiles as it goes has compiled what matters."""
_LEAST_READINGS = 8
"""Readings through which a line says more than its ends."""
_PATIENCE = 60.0
"""Seconds without any progress after which a contender is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What stood where at one moment."""

    at: float
    committed: tuple[int, ...]
    """By partition."""
    cpu: float
    kernel: float = 0.0
    """The part of `cpu` in system mode."""
    broker: float | None
    """CPU seconds of the broker; None for one that is not ours to look at."""

    @property
    def records(self) -> int:
        return sum(self.committed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What happened between two readings."""

    records: int
    seconds: float
    cpu: float
    """Seconds, in user and system mode, of all threads."""
    kernel: float = 0.0
    """Of these, in system mode."""
    broker: float | None
    fitted: float | None = None
    """CPU seconds a record, as the slope of the line that fits all readings best; None where they are too few for one."""

    @property
    def cpu_a_record(self) -> float:
        """CPU seconds, by the best that is known."""
        return self.cpu / self.records if self.fitted is None else self.fitted

    @property
    def per_second(self) -> float:
        return self.records / self.seconds

    @property
    def per_cpu_second(self) -> float:
        return self.records / self.cpu

    @property
    def broker_microseconds(self) -> float | None:
        """The broker's CPU time for a record: fetching it, taking its copies, committing."""
        return None if self.broker is None else self.broker / self.records * 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one turn showed."""

    rate: Rate
    """Between the two readings that count."""
    warm: Rate
    """The same from half of the records on."""
    peak_bytes: int
    committed: tuple[int, ...]
    """By partition, at the end."""


def measure(
    name: str,
    contender: Contender,
    run: Run,
    *,
    total: int,
    broker: Sequence[int],
    progress: Callable[[int], None],
    flowing: Callable[[Sequence[int]], None] = lambda _: None,
) -> Measurement:
    """Let it run until it has committed all records or its time is over. Raises ContenderFailed.

    `broker` are the process ids of the Kafka, where it is our own; `flowing` is called with those of the contender, at the first
    reading that counts.
    """
    with Processes(name, contender, run) as processes:
        readings = _watch(processes, contender, run, total=total, broker=broker, progress=progress, flowing=flowing)
        peak = processes.peak_bytes()
    found = measurement(readings, total=total, peak=peak)
    if found is None:
        raise ContenderFailed(name=name, problem="was done at once: measure it with more --records", output="")
    return found


def measurement(readings: Sequence[Reading], *, total: int, peak: int) -> Measurement | None:
    """What the readings of one turn say; None where they are too few to say anything."""
    flowing = [reading for reading in readings if reading.records <= total * _FLOWING]
    if len(flowing) < 2:
        return None
    half = flowing[-1].records - (flowing[-1].records - flowing[0].records) * _WARM
    warm = next(reading for reading in flowing if reading.records >= half)
    if warm is flowing[-1]:
        warm = flowing[-2]
    return Measurement(
        rate=_between(flowing),
        warm=_between(flowing[flowing.index(warm) :]),
        peak_bytes=peak,
        committed=readings[-1].committed,
    )


def _between(readings: Sequence[Reading]) -> Rate:
    first, last = readings[0], readings[-1]
    return Rate(
        records=last.records - first.records,
        seconds=last.at - first.at,
        # The kernel counts in hundredths of a second: less than one is at most one.
        cpu=max(last.cpu - first.cpu, 0.01),
        kernel=last.kernel - first.kernel,
        broker=None if first.broker is None or last.broker is None else last.broker - first.broker,
        fitted=_slope(readings),
    )


def _slope(readings: Sequence[Reading]) -> float | None:
    """CPU seconds a record, by least squares.

    Lanes commit some times a second, each many thousands of records at once, and what was worked on and not yet committed is as
    much as that. Two readings alone, the first and the last, are off by it; a line through all of them is off by far less.
    """
    if len(readings) < _LEAST_READINGS:
        return None
    middle, mean = fmean(each.records for each in readings), fmean(each.cpu for each in readings)
    square = sum((each.records - middle) ** 2 for each in readings)
    slope = sum((each.records - middle) * (each.cpu - mean) for each in readings) / square
    return slope if slope > 0 else None


def _watch(
    processes: Processes,
    contender: Contender,
    run: Run,
    *,
    total: int,
    broker: Sequence[int],
    progress: Callable[[int], None],
    flowing: Callable[[Sequence[int]], None],
) -> list[Reading]:
    # It never subscribes, so it is no member of the group: it only asks what the group has committed.
    observer = Consumer({"bootstrap.servers": run.bootstrap, "group.id": run.group, "log_level": 0})
    partitions = [TopicPartition(run.source, number) for number in range(run.shape.partitions)]
    complete = contender.workers == 1
    readings: list[Reading] = []
    seen, moved = 0, time.monotonic()
    try:
        while True:
            found = observer.committed(partitions, timeout=30)
            reading = Reading(
                at=time.monotonic(),
                committed=tuple(max(0, one.offset) for one in found),
                cpu=processes.cpu_seconds(),
                kernel=processes.kernel_seconds(),
                broker=sum(map(cpu_seconds, broker)) if broker else None,
            )
            if reading.records > seen:
                seen, moved = reading.records, reading.at
                progress(seen)
                complete = complete or _is_complete(run, contender.workers)
                if complete:
                    if not readings:
                        flowing(processes.pids)
                    readings.append(reading)
            if seen >= total:
                return readings
            if contender.limit is not None and readings and reading.at - readings[0].at > contender.limit:
                return readings
            if reading.at - moved > _PATIENCE:
                raise Stopped(f"stood still for {_PATIENCE:.0f} s at {seen:,} of {total:,} records")
            time.sleep(_LOOK_EVERY)
    finally:
        observer.close()


def _is_complete(run: Run, workers: int) -> bool:
    admin = AdminClient({"bootstrap.servers": run.bootstrap, "log_level": 0})
    group = admin.describe_consumer_groups([run.group], request_timeout=10)[run.group].result()
    return group.state == ConsumerGroupState.STABLE and len(group.members) == workers
