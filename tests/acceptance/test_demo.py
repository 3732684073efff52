"""`router demo` as a stranger runs it: on a Kafka of its own, with real workers, to a reckoning, leaving nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from router.develop.feed import planned

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.process,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

ROOT = Path(__file__).parents[2]
ROUTER = Path(sys.executable).with_name("router")
WITHIN_S = 120.0
AT = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Which of those that run tests at the same time this is."""

Demo = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """Starts `router demo` with its state in a folder of this test, and fails the test if it leaves a process behind."""
    started = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("ROUTER_")}
        command = [str(ROUTER), "demo", "--state", str(tmp_path), *arguments]
        started.append(
            subprocess.Popen(
                command,
                cwd=ROOT,
                # A port that is free may be another test's a moment later.
                env=environ | {"PYTHONUNBUFFERED": "1", "PORT": str(5_000 + 1_000 * AT)},
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def running(state: Path) -> dict[int, str]:
    """Return the processes that have this folder in their command or their environment."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            if str(state).encode() in command + (process / "environ").read_bytes():
                found[int(process.name)] = command.replace(b"\0", b" ").decode()
        except OSError:
            continue  # it ended meanwhile, or is another user's
    return found


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Return what it prints up to the first line that has the pattern; fail when it ends before."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if re.search(pattern, line):
            return text
    pytest.fail(f"it never said {pattern!r}:\n{text}")


def rest(process: subprocess.Popen[str]) -> str:
    """Return what else it prints before it ends."""
    text, _ = process.communicate(timeout=WITHIN_S)
    return text


def test_a_finite_feed_ends_in_balanced_books(demo: Demo, tmp_path: Path) -> None:
    """Three hundred orders, as fast as they go: every record is where it must be, once, unchanged; then all is over."""
    process = demo("--orders", "300", "--rate", "0")
    text = rest(process)
    assert process.returncode == 0, text
    assert "balanced: 0 missing, 0 too many" in text.splitlines()
    told = ", ".join(f"{count} {kind}" for kind, count in planned(300).items())
    assert f"mischief in the feed: {told}" in text
    assert running(tmp_path) == {}
    assert (tmp_path / "log" / "worker.1.log").stat().st_size > 0


def test_ctrl_c_ends_it_with_a_reckoning(demo: Demo, tmp_path: Path) -> None:
    """An endless feed stops at Ctrl-C, what was fed is routed and reckoned, and within seconds nothing is left."""
    process = demo("--rate", "100", "--workers", "2")
    read_until(process, r"copies [1-9]")
    assert len(running(tmp_path)) >= 4  # itself, the broker, two workers
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    text = rest(process)
    assert process.returncode == 0, text
    assert time.monotonic() - asked < WITHIN_S / 2
    assert "balanced: 0 missing, 0 too many" in text.splitlines()
    assert running(tmp_path) == {}


def test_a_worker_that_dies_is_told_with_its_log(demo: Demo, tmp_path: Path) -> None:
    """The run ends at once with the worker's last words, and takes everything else with it."""
    process = demo("--rate", "100")
    read_until(process, r"copies [1-9]")
    (worker,) = [pid for pid, command in running(tmp_path).items() if "agents.app worker" in command]
    os.kill(worker, signal.SIGKILL)
    text = rest(process)
    assert process.returncode == 1, text
    assert "process 'worker.1' was killed by signal 9" in text
    assert str(tmp_path / "log" / "worker.1.log") in text
    assert running(tmp_path) == {}
