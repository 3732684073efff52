"""The processes of a Procfile: started with what they need, watched, and ended without a remainder."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.waiting import until

from router.develop.errors import ProcessEnded, ProcfileUnusable
from router.develop.procfile import Processes

pytestmark = pytest.mark.process

Start = Callable[..., Processes]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a Procfile of these lines and ends what is left of it."""
    started: list[Processes] = []

    def start(*lines: str, port: str = "", **arguments: dict[str, int]) -> Processes:
        procfile = tmp_path / "Procfile"
        procfile.write_text("\n".join(lines), encoding="utf-8")
        environ = {"PATH": os.environ["PATH"], "GREETING": "hello"} | ({"PORT": port} if port else {})
        started.append(
            Processes.start(procfile, environ=environ, logs=tmp_path / "log", data=tmp_path / "data", **arguments)
        )
        return started[-1]

    yield start
    for each in started:
        each.kill()


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when it holds; fail when it does not within some seconds."""
    until(condition, within=10, what="the process is as it should be", every=0.01)


def exists(pid: int) -> bool:
    """Whether there is such a process that is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_each_process_gets_its_environment(start: Start, tmp_path: Path) -> None:
    """A line sees the given environment, a port and a data folder of its own, and the Procfile's folder."""
    line = "echo $GREETING $PORT $ROUTER_DATA_DIR $PWD; sleep 60"
    processes = start(f"worker: {line}", f"other: {line}", concurrency={"worker": 2})
    assert [each.name for each in processes.started] == ["worker.1", "worker.2", "other.1"]
    assert len({each.port for each in processes.started}) == 3
    for each in processes.started:
        wait_until(lambda each=each: each.tail() != "")
        assert each.tail() == f"hello {each.port} {tmp_path / 'data' / each.name} {tmp_path}"
        assert each.log == tmp_path / "log" / f"{each.name}.log"
    processes.check()


def test_a_port_that_is_taken_is_not_given(start: Start) -> None:
    """Somebody else listens on honcho's first port: the process gets another."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 5000))
            taken.listen()
        except OSError:
            pass  # somebody else has it: as good
        (worker,) = start("worker: sleep 60").started
        assert worker.port not in (0, 5000)


def test_ports_begin_where_they_are_asked_to(start: Start) -> None:
    """A hundred for each kind, as honcho deals them out."""
    ports = [each.port for each in start("worker: sleep 60", "other: sleep 60", port="5600").started]
    assert ports == [5600, 5700]


def test_a_process_that_ends_is_told_with_its_last_words(start: Start) -> None:
    """The error has its name, its code and the end of its log."""
    processes = start("worker: for n in $(seq 40); do echo line $n; done; exit 3")
    processes.started[0].child.wait(timeout=10)
    with pytest.raises(ProcessEnded) as caught:
        processes.check()
    assert (caught.value.name, caught.value.code) == ("worker.1", 3)
    assert "'worker.1' ended with code 3" in str(caught.value)
    assert "line 21\n" in str(caught.value)
    assert "line 20\n" not in str(caught.value)


def test_a_process_that_is_killed_says_so(start: Start) -> None:
    """The signal is named, and an empty log is no riddle."""
    processes = start("worker: sleep 60")
    processes.started[0].child.kill()
    processes.started[0].child.wait(timeout=10)
    with pytest.raises(ProcessEnded, match=r"(?s)was killed by signal 9.*wrote nothing"):
        processes.check()


def test_stopping_ends_in_good_order(start: Start) -> None:
    """A process that heeds SIGTERM can say goodbye, and nothing is killed."""
    processes = start("worker: trap 'echo bye; exit 0' TERM; echo ready; while true; do sleep 0.05; done")
    wait_until(lambda: processes.started[0].tail() == "ready")
    assert processes.stop(within=10) == ()
    assert processes.started[0].tail().endswith("bye")


def test_stopping_kills_what_does_not_end(start: Start) -> None:
    """A process that is deaf to SIGTERM is killed, with its own children, and named."""
    processes = start("worker: trap '' TERM; sleep 61 & echo $!; while true; do sleep 0.05; done")
    wait_until(lambda: processes.started[0].tail() != "")
    grandchild = int(processes.started[0].tail())
    assert processes.stop(within=0.1) == ("worker.1",)
    wait_until(lambda: not exists(grandchild))


@pytest.mark.parametrize(
    ("text", "words"), [(None, "cannot be read"), ("# nothing", "names no process")], ids=["missing", "empty"]
)
def test_a_useless_procfile_is_told_with_the_way_out(tmp_path: Path, text: str | None, words: str) -> None:
    """Without processes there is no demo, and the reader learns which file was looked for."""
    procfile = tmp_path / "Procfile"
    if text is not None:
        procfile.write_text(text, encoding="utf-8")
    with pytest.raises(ProcfileUnusable, match=f"Procfile.*{words}"):
        Processes.start(procfile, environ={}, logs=tmp_path, data=tmp_path)


@pytest.mark.parametrize(
    ("line", "first_word"),
    [
        pytest.param("sleep 60", "sleep", id="a simple command"),
        pytest.param("sleep 60 | sleep 60", "/bin/sh", id="a pipe"),
        pytest.param("A=1 sleep 60; true", "/bin/sh", id="what needs a shell"),
    ],
)
def test_a_simple_command_takes_the_shells_place(start: Start, line: str, first_word: str) -> None:
    """The system ends our children with us, but not theirs: a worker is our own child wherever that can be."""
    (process,) = start(f"worker: {line}").started
    command = Path(f"/proc/{process.child.pid}/cmdline")
    wait_until(lambda: command.read_bytes().split(b"\0")[0].decode() == first_word)
