"""Running a contender, and reading off how fast it is.

The clock is its own progress: whenever its group's committed offsets have moved, we read wall time and the CPU seconds of its
process. We count from the first such reading to the last one before most of the records are committed. So nothing of the start is
counted (no interpreter, no imports, no joining of the group), and the contender is in full flow at both ends: what it had already
worked on but not yet committed at the one is about as much as at the other.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from bench.contender import Contender, Run, run_variables
from bench.errors import ContenderFailed
from bench.job import PARTITIONS

__all__ = ["Measurement", "measure"]

_LOOK_EVERY = 0.05
_FLOWING = 0.85
"""The part of the records after which a contender may run out of some partition's."""
_PATIENCE = 60.0
"""Seconds without any progress after which a contender is given up."""
_END_WITHIN = 15.0
_TICKS = os.sysconf("SC_CLK_TCK")
_LAST_LINES = 30
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Reading:
    """What stood where at one moment."""

    at: float
    committed: tuple[int, ...]
    """By partition."""
    cpu: float

    @property
    def records(self) -> int:
        return sum(self.committed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What one turn showed."""

    records: int
    """Between the two readings that count."""
    seconds: float
    cpu: float
    """Seconds, in user and system mode, of all threads."""
    peak_bytes: int
    committed: tuple[int, ...]
    """By partition, at the end."""

    @property
    def per_second(self) -> float:
        return self.records / self.seconds

    @property
    def per_cpu_second(self) -> float:
        return self.records / self.cpu


def measure(name: str, contender: Contender, run: Run, *, total: int, progress: Callable[[int], None]) -> Measurement:
    """Let it run until it has committed all records or its time is over. Raises ContenderFailed."""
    output = Path(run.directory) / "output.log"
    environment = os.environ | run_variables(run) | dict(contender.environment(run))
    with output.open("wb") as log:
        process = subprocess.Popen(
            contender.command(run),
            cwd=_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        readings = _watch(process, contender, run, total=total, progress=progress)
        peak = _peak_bytes(process.pid)
        flowing = [reading for reading in readings if reading.records <= total * _FLOWING]
        if len(flowing) < 2:
            raise ContenderFailed(name=name, problem="was done at once: measure it with more --records", output="")
    except _Stopped as stopped:
        raise ContenderFailed(name=name, problem=str(stopped), output=_last_lines(output)) from None
    finally:
        _end(process)
    first, last = flowing[0], flowing[-1]
    return Measurement(
        records=last.records - first.records,
        seconds=last.at - first.at,
        cpu=last.cpu - first.cpu,
        peak_bytes=peak,
        committed=readings[-1].committed,
    )


class _Stopped(Exception):
    """The contender does not go on; says why."""


def _watch(
    process: subprocess.Popen[bytes], contender: Contender, run: Run, *, total: int, progress: Callable[[int], None]
) -> list[Reading]:
    # It never subscribes, so it is no member of the group: it only asks what the group has committed.
    observer = Consumer({"bootstrap.servers": run.bootstrap, "group.id": run.group, "log_level": 0})
    partitions = [TopicPartition(run.source, number) for number in range(PARTITIONS)]
    readings: list[Reading] = []
    moved = time.monotonic()
    try:
        while True:
            found = observer.committed(partitions, timeout=30)
            committed = tuple(max(0, one.offset) for one in found)
            if process.poll() is not None:
                raise _Stopped(f"ended by itself, with code {process.returncode}")
            reading = Reading(time.monotonic(), committed, _cpu_seconds(process.pid))
            if reading.records > (readings[-1].records if readings else 0):
                readings.append(reading)
                moved = reading.at
                progress(reading.records)
            if reading.records >= total:
                return readings
            if contender.limit is not None and readings and reading.at - readings[0].at > contender.limit:
                return readings
            if reading.at - moved > _PATIENCE:
                raise _Stopped(f"stood still for {_PATIENCE:.0f} s at {reading.records:,} of {total:,} records")
            time.sleep(_LOOK_EVERY)
    finally:
        observer.close()


def _cpu_seconds(pid: int) -> float:
    # The command's name, second, may hold spaces: it ends at the last parenthesis.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _peak_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_END_WITHIN)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _last_lines(output: Path) -> str:
    return "\n".join(output.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:])
