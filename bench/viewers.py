"""What it costs a worker that many people have the console's overview open.

One worker carries the job's records at a steady rate. A console looks at it, and so many viewers hold the overview's live connection.
Stretches with them take turns with stretches in which the console and they are stopped (SIGSTOP: nobody asks the worker anything);
which comes first in a pair alternates. What counts is the worker's CPU time a record, by the kernel's count of its threads, and the ratio
within a pair. The two questions by which it counts its records are outside of what is measured. `python -m bench viewers` runs it.

At the end, without any load, one look is asked for again and again, so that it is known what it takes by itself.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiohttp

from bench.comparing import interval
from bench.errors import BenchError
from bench.feeding import create, delete
from bench.job import PARTITIONS, SCHEMAS, SUBJECT, Shape, route_files
from bench.report import markdown
from bench.session import Shown
from bench.watched import TOKEN, Watched

__all__ = ["Cost", "Stretch", "cost", "table"]

_SETTLES = 1.5
"""Seconds after a change that do not count."""
_WARM = 15.0
"""Seconds of load before anything counts."""
_LOOKS = 200
_EVERY_SECONDS = 2.0
"""Between two looks of a console."""
_ROOT = Path(__file__).parent.parent
_CARRIED = re.compile(r"^router_records_in_total\{[^}]*\} ([0-9.e+]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a worker did in a stretch of time."""

    records: int
    cpu: float
    """Seconds."""

    @property
    def each(self) -> float:
        """Microseconds of CPU time a record."""
        return self.cpu / self.records * 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """What was found."""

    viewers: int
    pairs: Sequence[tuple[Stretch, Stretch]]
    """With viewers, and without anybody."""
    look: float
    """Milliseconds of the worker's CPU time for one look."""
    told: int
    """Looks that all viewers together were told of meanwhile."""

    @property
    def ratios(self) -> list[float]:
        """CPU time a record with viewers, without them being 1."""
        return [watched.each / alone.each for watched, alone in self.pairs]


def cost(bootstrap: str, *, viewers: int, pairs: int, seconds: float, rate: float, show: Shown) -> Cost:
    """Measure it. Raises BenchError."""
    word = f"bench{time.time_ns() % 10**9}"
    source, shape = f"{word}.{SUBJECT}", Shape()
    topics = {name: f"{word}.{name}.{SUBJECT}" for name in shape.destinations}
    everything = [source, *topics.values()]
    with tempfile.TemporaryDirectory(prefix="router-viewers-", ignore_cleanup_errors=True) as directory:
        home = Path(directory)
        (home / "routes").mkdir()
        for name, text in route_files(source, topics, shape).items():
            (home / "routes" / name).write_text(text, encoding="utf-8")
        retained = {"retention.bytes": str(1 << 28), "segment.bytes": str(1 << 26)}
        create(bootstrap, everything, partitions=PARTITIONS, config=retained)
        try:
            watched = Watched(bootstrap, word, home, workers=1, settings={"ROUTER_SCHEMAS": str(SCHEMAS)})
            with watched:
                watched.until_ready(lanes=PARTITIONS)
                watched.start_console()
                lasts = _WARM + 2 * pairs * (seconds + _SETTLES) + 30
                with _load(bootstrap, source, rate, lasts), _viewing(watched.ports[-1], viewers) as crowd:
                    found = _pairs(watched, crowd, pairs=pairs, seconds=seconds, show=show)
                os.kill(watched.console.pid, signal.SIGSTOP)
                return Cost(viewers, found, _look(watched), crowd.told)
        finally:
            delete(bootstrap, everything)


@contextmanager
def _load(bootstrap: str, topic: str, rate: float, seconds: float) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.load", bootstrap, topic, str(rate), str(seconds)],
        cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield
        if process.poll() is not None:
            raise BenchError("the load ended too early: the machine is too slow for so many pairs")
    finally:
        process.kill()
        process.wait()


class _Crowd:
    """The viewers, in a process of their own."""

    def __init__(self, port: int, count: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.viewers", str(port), str(count)],
            cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, "BENCH_TOKEN": TOKEN},
        )  # fmt: skip
        self.told = 0


@contextmanager
def _viewing(port: int, count: int) -> Iterator[_Crowd]:
    crowd = _Crowd(port, count)
    assert crowd.process.stdout is not None
    try:
        if crowd.process.stdout.readline().strip() != str(count):
            raise BenchError(f"{count} viewers could not all watch")
        yield crowd
        crowd.process.send_signal(signal.SIGCONT)
        crowd.process.terminate()
        crowd.told = int(crowd.process.communicate(timeout=20)[0].strip() or 0)
    finally:
        crowd.process.kill()
        crowd.process.wait()


def _pairs(
    watched: Watched, crowd: _Crowd, *, pairs: int, seconds: float, show: Shown
) -> list[tuple[Stretch, Stretch]]:
    def turn(number: int) -> Stretch:
        for each in (watched.console, crowd.process):
            os.kill(each.pid, number)
        time.sleep(_SETTLES)
        carried = _carried(watched)
        cpu = _cpu(watched.pids[0])
        time.sleep(seconds)
        spent = _cpu(watched.pids[0]) - cpu
        return Stretch(_carried(watched) - carried, spent)

    found = []
    with show("pairs of stretches", pairs) as done:
        time.sleep(_WARM)
        for number in range(pairs):
            order = (signal.SIGCONT, signal.SIGSTOP) if number % 2 == 0 else (signal.SIGSTOP, signal.SIGCONT)
            stretches = {each: turn(each) for each in order}
            if min(each.records for each in stretches.values()) <= 0:
                raise BenchError("the worker carried nothing in a stretch")
            found.append((stretches[signal.SIGCONT], stretches[signal.SIGSTOP]))
            done(number + 1)
        os.kill(watched.console.pid, signal.SIGCONT)
    return found


def _carried(watched: Watched) -> int:
    status, _, body = watched.get("/metrics", port=watched.ports[0])
    found = _CARRIED.findall(body.decode())
    if status != 200 or not found:
        raise BenchError("the worker does not tell how many records it has carried")
    return round(sum(map(float, found)))


def _cpu(pid: int) -> float:
    """Seconds of CPU time of all threads, by the scheduler's own count, which is finer than that of ticks."""
    spent = 0
    for each in Path(f"/proc/{pid}/task").iterdir():
        spent += int((each / "schedstat").read_text(encoding="ascii").split()[0])
    return spent / 1e9


def _look(watched: Watched) -> float:
    """Milliseconds for what a console asks a worker for at each look, beside what the worker does anyway."""

    def spend(ask: Callable[[], object], lasts: float) -> tuple[float, float]:
        began, cpu = time.perf_counter(), _cpu(watched.pids[0])
        ask()
        time.sleep(max(0.0, lasts - (time.perf_counter() - began)))
        return _cpu(watched.pids[0]) - cpu, time.perf_counter() - began

    def looks() -> None:
        for _ in range(_LOOKS):
            for path in ("/readyz", "/metrics"):
                watched.get(path, port=watched.ports[0])

    time.sleep(3)
    idle, during = spend(lambda: None, 3)
    asked, took = spend(looks, 0)
    return max(0.0, asked - idle / during * took) / _LOOKS * 1e3


def table(found: Cost) -> str:
    """As Markdown."""
    ratios = found.ratios
    low, high = interval(ratios)
    columns = {
        "viewers": "--:", "pairs": "--:", "CPU a record with them, without being 1": "--:", "95 %": "--:", "all": "---",
        "µs a record, with": "--:", "without": "--:", "one look, ms of CPU": "--:",
    }  # fmt: skip
    row = [
        str(found.viewers), str(len(ratios)), f"{median(ratios):.3f}", f"{low:.3f} to {high:.3f}",
        " ".join(f"{each:.3f}" for each in sorted(ratios)), f"{median(each.each for each, _ in found.pairs):.2f}",
        f"{median(each.each for _, each in found.pairs):.2f}", f"{found.look:.2f}",
    ]  # fmt: skip
    share = found.look / 1e3 / _EVERY_SECONDS
    text = (
        f"A console looks every {_EVERY_SECONDS:g} s, however many watch: {share:.2%} of one core."
        f" All viewers together were told of {found.told:,} looks."
    )
    return f"{markdown(columns, [row])}\n\n{text}"


async def _watch(port: int, count: int) -> None:
    """Hold so many live connections, and count what they are told; says how many are open, and at SIGTERM what it counted."""
    told = 0
    watching: set[int] = set()
    ended, all_there = asyncio.Event(), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    headers = {"Authorization": f"Bearer {os.environ['BENCH_TOKEN']}"}
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None), headers=headers
    ) as session:

        async def view(number: int) -> None:
            nonlocal told
            async with session.get(f"http://127.0.0.1:{port}/live") as answer:
                while event := await answer.content.readuntil(b"\n\n"):
                    told += event.startswith(b"data:")
                    watching.add(number)
                    if len(watching) == count:
                        all_there.set()

        tasks = [asyncio.create_task(view(each)) for each in range(count)]
        await all_there.wait()
        print(count, flush=True)
        await ended.wait()
        for each in tasks:
            each.cancel()
    print(told, flush=True)


if __name__ == "__main__":
    asyncio.run(_watch(int(sys.argv[1]), int(sys.argv[2])))
