"""Workers with a console before them, as processes: what the measurements of the console have in common."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.errors import BenchError

__all__ = ["TOKEN", "Watched"]

TOKEN = secrets.token_hex(16)
"""Of the viewers, of the operators, and of the workers' API."""
_READY_WITHIN = 240.0
_ROOT = Path(__file__).parent.parent
_ROUTER = Path(sys.executable).with_name("router")


@dataclass(slots=True)
class Watched:
    """One group's workers and their console; they have ended when the block is left."""

    bootstrap: str
    group: str
    home: Path
    workers: int = 2
    settings: Mapping[str, str] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)
    """The workers', and behind them the console's."""
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.ports = _free_ports(self.workers + 1)
        try:
            for number in range(self.workers):
                self._start(f"worker-{number}", [sys.executable, "-m", "faust", "-A", "agents.app", "worker", "-l", "warn"], {
                    "ROUTER_HTTP_PORT": str(self.ports[number]), "ROUTER_INSTANCE": f"worker-{number}",
                    "ROUTER_DATA_DIR": str(self.home / f"data-{number}"),
                })  # fmt: skip
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pids(self) -> list[int]:
        """The workers'."""
        return [each.pid for each in self._processes[: self.workers]]

    @property
    def console(self) -> subprocess.Popen[bytes]:
        """The console's process, once it was started."""
        return self._processes[self.workers]

    def start_console(self) -> None:
        """Start it, and return when it answers."""
        urls = ",".join(f"http://127.0.0.1:{port}" for port in self.ports[: self.workers])
        command = [str(_ROUTER), "console", "--port", str(self.ports[-1])]
        self._start("console", command, {
            "ROUTER_CONSOLE_VIEWER_TOKEN": TOKEN, "ROUTER_CONSOLE_WORKERS": urls, "ROUTER_LOG_FORMAT": "text",
        })  # fmt: skip
        self.until(lambda: self.get("/healthz")[0] == 200, "the console answers")

    def _start(self, name: str, command: list[str], more: Mapping[str, str]) -> None:
        environ = {
            **{each: value for each, value in os.environ.items() if not each.startswith("ROUTER_")},
            "ROUTER_BROKER": self.bootstrap, "ROUTER_GROUP": self.group, "ROUTER_API_TOKEN": TOKEN,
            "ROUTER_ROUTES": str(self.home / "routes"), "ROUTER_SCHEMAS": str(self.home / "schemas"),
            **self.settings, **more,
        }  # fmt: skip
        with (self.home / f"{name}.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    command, cwd=_ROOT, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )  # fmt: skip

    def get(self, path: str, *, port: int | None = None) -> tuple[int, float, bytes]:
        """Status (0 where nobody answers), seconds until the last byte, and the answer; of the console, or of who has this port."""
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[-1] if port is None else port, timeout=60)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
            answer = connection.getresponse()
            body = answer.read()
        except OSError:
            return 0, time.perf_counter() - began, b""
        finally:
            connection.close()
        return answer.status, time.perf_counter() - began, body

    def readiness(self, worker: int) -> dict[str, Any]:
        """What a worker says of itself, with its status."""
        status, _, body = self.get("/readyz", port=self.ports[worker])
        return {"status": status, **(json.loads(body) if status else {})}

    def until_ready(self, *, lanes: int) -> None:
        """Wait until the workers carry so many lanes between them, each of them some."""

        def ready() -> bool:
            told = [self.readiness(each) for each in range(self.workers)]
            carrying = [each.get("carrying", 0) for each in told]
            return all(each["status"] == 200 for each in told) and sum(carrying) == lanes and min(carrying) > 0

        self.until(ready, f"{self.workers} workers carry {lanes} lanes")

    def until(self, met: Callable[[], bool], what: str, *, within: float = _READY_WITHIN) -> None:
        """Wait. Raises BenchError when it takes too long, or when a process has ended."""
        deadline = time.monotonic() + within
        while not met():
            ended = [each for each in self._processes if each.poll() is not None]
            if ended or time.monotonic() > deadline:
                why = "a process ended by itself" if ended else f"not in {within:.0f} s"
                raise BenchError(f"waited until {what}: {why}; the logs end:\n{self._tails()}")
            time.sleep(0.1)

    def _tails(self) -> str:
        lines: list[str] = []
        for log in sorted(self.home.glob("*.log")):
            lines += log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        return "\n".join(lines)

    def end(self) -> None:
        """Ask all to end; kill those that do not."""
        for process in reversed(self._processes):
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self._processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()
