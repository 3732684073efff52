"""The processes of a Procfile, started as honcho would and watched by us.

Honcho reads the Procfile and says what each process gets; its own manager would print every line to the terminal, where
the demo shows its picture. So the processes are started here, each in a group of its own with a log file of its own.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from honcho.environ import expand_processes, parse_procfile

from router.develop.children import start_child
from router.develop.errors import ProcessEnded, ProcfileUnusable

__all__ = ["Processes", "ProcfileProcess", "procfile_lines"]

_FIRST_PORT = 5_000
_TAIL_LINES = 20
_TAIL_BYTES = 16_384
_LOOK_EVERY_S = 0.05
_SIMPLE = re.compile(r"[A-Za-z0-9_./-]+(\s[^;&|<>()`$]*)?")
"""A program and its arguments, and nothing that only a shell understands."""


@dataclass(frozen=True, slots=True)
class ProcfileProcess:
    """One started process."""

    name: str
    """As honcho numbers them: worker.1, worker.2, …"""
    command: str
    port: int
    """What it got as PORT."""
    log: Path
    child: subprocess.Popen[bytes]
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What it got."""

    def tail(self) -> str:
        """The last lines of its log."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-_TAIL_LINES:])

    def signal(self, number: signal.Signals) -> None:
        """Signal its whole group: the shell that runs the line, and whatever the line started."""
        with suppress(ProcessLookupError):
            os.killpg(self.child.pid, number)


class Processes:
    """All processes of a Procfile. Made by `start`; ends with `stop`."""

    def __init__(self, started: Sequence[ProcfileProcess]) -> None:
        self.started = tuple(started)

    @classmethod
    def start(
        cls,
        procfile: Path,
        *,
        environ: Mapping[str, str],
        logs: Path,
        data: Path,
        concurrency: Mapping[str, int] | None = None,
        beside: Callable[[Sequence[ProcfileProcess]], Mapping[str, str]] = lambda _: {},
    ) -> Self:
        """Start every process with this environment and a PORT of its own, in the Procfile's folder.

        Each gets a folder of its own in `data` as ROUTER_DATA_DIR, which two workers must not share. `concurrency` has how
        many of a kind to start; one where it says nothing. A PORT in the environment is the first, as for honcho. `beside` says what a process is to know of those that were started before
        it, in the order of the file. Call it from the main thread: see `start_child`.
        """
        lines = procfile_lines(procfile)
        logs.mkdir(parents=True, exist_ok=True)
        started: list[ProcfileProcess] = []
        wanted = environ.get("PORT", "")
        first = int(wanted) if wanted.isdecimal() else _FIRST_PORT
        for each in expand_processes(lines, concurrency=concurrency, env=dict(environ), port=first):
            port = _free_port(int(each.env["PORT"]), taken=[other.port for other in started])
            log = logs / f"{each.name}.log"
            with log.open("wb") as output:
                given = each.env | beside(started) | {"PORT": str(port), "ROUTER_DATA_DIR": str(data / each.name)}
                child = start_child(
                    ["/bin/sh", "-c", _replacing_the_shell(each.cmd)],
                    directory=procfile.resolve().parent,
                    output=output,
                    environ=given,
                )
            started.append(ProcfileProcess(each.name, each.cmd, port, log, child, given))
        return cls(started)

    def check(self) -> None:
        """Raise `ProcessEnded` for the first process that is not running any more."""
        for process in self.started:
            code = process.child.poll()
            if code is not None:
                raise ProcessEnded(name=process.name, code=code, log=str(process.log), tail=process.tail())

    def stop(self, *, within: float) -> tuple[str, ...]:
        """End all in good order, and kill what is left after `within` seconds; return the names of those killed."""
        for process in self.started:
            process.signal(signal.SIGTERM)
        deadline = time.monotonic() + within
        while any(process.child.poll() is None for process in self.started) and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_S)
        late = tuple(process.name for process in self.started if process.child.poll() is None)
        self.kill()
        return late

    def kill(self) -> None:
        """End all at once, with everything that they started."""
        for process in self.started:
            process.signal(signal.SIGKILL)
        for process in self.started:
            process.child.wait()


def procfile_lines(procfile: Path) -> dict[str, str]:
    """The commands of a Procfile by the names of their kinds. Raises `ProcfileUnusable` where it has none."""
    try:
        lines: dict[str, str] = parse_procfile(procfile.read_text(encoding="utf-8")).processes
    except OSError as error:
        raise ProcfileUnusable(
            problem=f"'{procfile}' cannot be read: {error.strerror}",
            remedy="Run this in the project's folder, or name the file with --procfile.",
        ) from error
    if not lines:
        raise ProcfileUnusable(problem=f"'{procfile}' names no process", remedy="A line of it reads `name: command`.")
    return lines


def _replacing_the_shell(command: str) -> str:
    """A simple command takes the shell's place, so that what ends the shell ends it; a compound one keeps its shell."""
    return f"exec {command}" if _SIMPLE.fullmatch(command) else command


def _free_port(wanted: int, *, taken: Sequence[int]) -> int:
    """The wanted port where nobody listens on it, else any other."""
    for candidate in (wanted, *([0] * (len(taken) + 1))):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", candidate))
                port: int = probe.getsockname()[1]
                if port not in taken:
                    return port
    raise ProcfileUnusable(problem="no port of 127.0.0.1 is free", remedy="End some of what listens on this machine.")
