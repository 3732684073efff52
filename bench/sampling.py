"""Where a running worker's CPU time goes, stage by stage, sampled from outside by py-spy while it does the job at full speed.

A sample belongs to the stage of its innermost frame that a stage claims: what compiled code takes counts for who called it. The
worker's own CPU seconds for a record (from the kernel) are dealt out by the samples. A thread that waits for events is left out: it
looks busy to the sampler whenever others keep it from the processor. The same makes system calls look longer than they are on a busy
machine, so the kernel's own count of the time that it took stands beside.
"""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.measuring import Rate
from bench.places import Environment
from bench.report import markdown

__all__ = ["SAMPLER", "STAGES", "Sampler", "shares", "table"]

SAMPLER = Environment("py-spy")
_PER_SECOND = 200
_WRITTEN_WITHIN = 30.0
_SHOWN = 0.002

STAGES: Mapping[str, Sequence[str]] = {
    "fetch: unpack what a broker sent, checksums included": (
        "router/lanes/fetching.py", "aiokafka/consumer/fetcher.py", "aiokafka/record/memory_records.py",
    ),
    "read the fields and decide": ("router/exchange/", "router/records/", "router/language/", "<reader", "<where"),
    "put in order: the steps of keys, and their table": ("router/order/",),
    "make headers and append copies": ("router/lanes/copying.py", "RecordBatch.append"),
    "send: batches, requests, transactions": (
        "aiokafka/producer/", "router/lanes/producer.py", "router/lanes/kafka.py", "router/lanes/deliveries.py",
        "router/lanes/carrier.py", "router/lanes/transactions.py",
    ),
    "speak with brokers: sockets and protocol": ("SocketTransport", "aiokafka/"),
    "lanes and transport": ("router/lanes/",),
    "look after itself: health, metrics, garbage": ("router/",),
    "Faust": ("faust/", "mode/"),
    "the event loops": ("asyncio/", "selectors.py"),
}  # fmt: skip
"""By name: what marks a frame of it, as py-spy writes frames. A frame is of the first stage that has a mark in it."""
_REST = "everything else"
_WAITING = ("select (selectors.py", "Condition.wait (threading.py")


def shares(stacks: Iterable[str]) -> dict[str, float]:
    """The part of each stage, of py-spy's raw output: a line a stack, outermost frame first, with the number of samples."""
    found = Counter[str]()
    for line in stacks:
        frames, _, count = line.rpartition(" ")
        if any(each in frames.rpartition(";")[2] for each in _WAITING):
            continue
        found[_stage(frames.split(";"))] += int(count)
    total = found.total()
    return {name: found[name] / total for name in [*STAGES, _REST]} if total else {}


def _stage(frames: Sequence[str]) -> str:
    for frame in reversed(frames):
        for name, marks in STAGES.items():
            if any(mark in frame for mark in marks):
                return name
    return _REST


class Sampler:
    """Looks into a process from when it is told which until that ends."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._process: subprocess.Popen[str] | None = None

    def start(self, pids: Sequence[int]) -> None:
        """Begin with the first of these."""
        command = [str(SAMPLER.python.with_name("py-spy")), "record", "--pid", str(pids[0]), "--rate", str(_PER_SECOND)]
        self._process = subprocess.Popen(
            [*command, "--format", "raw", "--output", str(self._output)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def stacks(self) -> list[str]:
        """What it saw, once the process has ended. Raises BenchError."""
        if self._process is None:
            raise BenchError("there was nothing to sample: take more --records")
        try:
            said = self._process.communicate(timeout=_WRITTEN_WITHIN)[1]
        finally:
            self.end()
        if not self._output.is_file():
            raise BenchError(f"py-spy could not look into the worker: {said.strip()}")
        return self._output.read_text(encoding="utf-8").splitlines()

    def end(self) -> None:
        """Leave nothing running."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def table(found: Mapping[str, float], rate: Rate) -> str:
    """As Markdown: microseconds of CPU a record, by stage."""
    whole = 1e6 / rate.per_cpu_second
    rows = [[name, f"{share * whole:.2f}", f"{share:.0%}"] for name, share in found.items() if share >= _SHOWN]
    rows.append(["**all**", f"**{whole:.2f}**", ""])
    rows.append(
        [
            "of these in the kernel, by its own count",
            f"{rate.kernel / rate.records * 1e6:.2f}",
            f"{rate.kernel / rate.cpu:.0%}",
        ]
    )
    if rate.broker_microseconds is not None:
        rows.append(["beside it, the broker", f"{rate.broker_microseconds:.2f}", ""])
    return markdown({"stage of a running worker": "---", "µs of CPU a record": "--:", "share": "--:"}, rows)
