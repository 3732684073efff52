"""A contender's processes: started, read off, and ended whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.contender import Contender, Run, run_variables
from bench.errors import ContenderFailed

__all__ = ["Peak", "Processes", "Stopped", "cpu_seconds", "peak_bytes"]

_END_WITHIN = 15.0
_TICKS = os.sysconf("SC_CLK_TCK")
_LAST_LINES = 30
_ROOT = Path(__file__).parent.parent


class Stopped(Exception):
    """A contender does not go on; says why."""


class Processes:
    """All processes of one contender's turn, as a block: they have ended when it is left."""

    def __init__(self, name: str, contender: Contender, run: Run) -> None:
        self._name = name
        self._contender = contender
        self._run = run
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            for number in range(self._contender.workers):
                self._start(number)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        if isinstance(error, Stopped):
            raise ContenderFailed(name=self._name, problem=str(error), output=self._last_lines()) from None

    @property
    def pids(self) -> Sequence[int]:
        """Of all."""
        return [process.pid for process in self._started]

    def cpu_seconds(self) -> float:
        """Of all together, so far. Raises Stopped when one has ended."""
        for process in self._started:
            if process.poll() is not None:
                raise Stopped(f"ended by itself, with code {process.returncode}")
        return sum(cpu_seconds(pid) for pid in self.pids)

    def kernel_seconds(self) -> float:
        """The part of these that the kernel took, for sockets above all."""
        return sum(_times(pid)[1] for pid in self.pids)

    def peak_bytes(self) -> int:
        """The largest resident size that any of them had."""
        return max(peak_bytes(pid) for pid in self.pids)

    def end(self) -> None:
        """Ask them to end; kill those that do not."""
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _END_WITHIN
        try:
            for process in self._started:
                try:
                    process.wait(max(0.1, deadline - time.monotonic()))
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        except BaseException:
            for process in self._started:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
            raise

    def _start(self, number: int) -> None:
        # Each has a folder of its own: no two workers share their data.
        directory = Path(self._run.directory) / f"worker-{number + 1}"
        directory.mkdir()
        run = Run(
            bootstrap=self._run.bootstrap,
            source=self._run.source,
            name=self._run.name,
            directory=str(directory),
            shape=self._run.shape,
            eager=self._run.eager,
        )
        environment = os.environ | run_variables(run) | dict(self._contender.environment(run))
        with (directory / "output.log").open("wb") as log:
            self._started.append(
                subprocess.Popen(
                    self._contender.command(run),
                    cwd=_ROOT,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def _last_lines(self) -> str:
        lines: list[str] = []
        for output in sorted(Path(self._run.directory).glob("worker-*/output.log")):
            lines += output.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
        return "\n".join(lines)


def cpu_seconds(pid: int) -> float:
    """User and system time of all its threads, past and present."""
    return sum(_times(pid))


def _times(pid: int) -> tuple[float, float]:
    # The command's name, second, may hold spaces: it ends at the last parenthesis.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[11]) / _TICKS, int(fields[12]) / _TICKS


class Peak:
    """The largest resident size of a process that may end at any time: looked at again and again, from a thread of its own.

    The kernel's own word to whoever waits for the end (`ru_maxrss`) begins with the size of the process that started it.
    """

    def __init__(self, pid: int, *, every: float = 0.02) -> None:
        """Begin to look, so many seconds apart."""
        self._pid = pid
        self._every = every
        self.so_far = 0
        """Bytes, as of the latest look."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name=f"peak of {pid}", daemon=True)
        self._thread.start()

    def end(self) -> int:
        """Look no more; the bytes that it came to."""
        self._over.set()
        self._thread.join()
        return self.so_far

    def _look(self) -> None:
        over = False
        while not over:
            # Once more after the end was asked for: the process may be there yet.
            over = self._over.wait(self._every)
            with suppress(FileNotFoundError, ProcessLookupError):
                self.so_far = max(self.so_far, peak_bytes(self._pid))


def peak_bytes(pid: int) -> int:
    """The largest resident size that the process had; 0 once it has ended."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
