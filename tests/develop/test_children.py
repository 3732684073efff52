"""Children that end with their parent."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from router.develop.children import start_child


def test_a_child_writes_to_its_output_and_reads_nothing(tmp_path: Path) -> None:
    """Both its outputs go to the file, and its input is empty."""
    program = "import sys; print(repr(sys.stdin.read()), flush=True); print('to stderr', file=sys.stderr)"
    with (tmp_path / "out").open("wb") as output:
        child = start_child([sys.executable, "-c", program], directory=tmp_path, output=output)
    assert child.wait(timeout=30) == 0
    assert (tmp_path / "out").read_text().splitlines() == ["''", "to stderr"]


def test_a_child_is_in_a_group_of_its_own(tmp_path: Path) -> None:
    """A Ctrl-C at the terminal reaches the parent, which decides how its children end."""
    with (tmp_path / "out").open("wb") as output:
        child = start_child(["sleep", "60"], directory=tmp_path, output=output)
    try:
        assert os.getpgid(child.pid) == child.pid != os.getpgid(0)
    finally:
        child.kill()
        child.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with a parent that is killed")
def test_a_child_dies_with_a_killed_parent(tmp_path: Path) -> None:
    """After `kill -9` of the parent the kernel kills the child."""
    program = (
        "import pathlib, signal\n"
        "from router.develop.children import start_child\n"
        f"directory = pathlib.Path({str(tmp_path)!r})\n"
        "child = start_child(['sleep', '60'], directory=directory, output=(directory / 'out').open('wb'))\n"
        "print(child.pid, flush=True)\n"
        "signal.pause()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        handle = os.pidfd_open(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    try:
        assert select.select([handle], [], [], 10)[0], "the child outlived its parent by ten seconds"
    finally:
        os.close(handle)
