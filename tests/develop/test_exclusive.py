"""The lock that lets one process at a time do something."""

from __future__ import annotations

import io
import threading
from contextlib import redirect_stderr
from pathlib import Path

import pytest

from router.develop.exclusive import exclusive


class Ear(io.StringIO):
    """Standard error that tells when something was said."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = threading.Event()

    def flush(self) -> None:
        self.heard.set()


def test_a_second_holder_waits_and_says_why(tmp_path: Path) -> None:
    """Whoever comes second says on standard error what it waits for, and goes on when the first is done."""
    order: list[str] = []
    file = tmp_path / "lock"

    def second() -> None:
        with exclusive(file, waiting_for="the first"):
            order.append("second")

    ear = Ear()
    with redirect_stderr(ear):
        with exclusive(file):
            thread = threading.Thread(target=second)
            thread.start()
            assert ear.heard.wait(timeout=30)
            order.append("first")
        thread.join()
    assert order == ["first", "second"]
    assert ear.getvalue() == "Waiting: the first.\n"


def test_who_does_not_want_to_wait_is_told(tmp_path: Path) -> None:
    """With `wait=False` a held lock raises at once, and a free one is taken."""
    file = tmp_path / "lock"
    with exclusive(file), pytest.raises(BlockingIOError), exclusive(file, wait=False):
        pass
    with exclusive(file, wait=False):
        pass
