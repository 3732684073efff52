"""The lock that lets one process at a time do something."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from router.develop.exclusive import exclusive


def test_a_second_holder_waits_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever comes second says on standard error what it waits for, and goes on when the first is done."""
    order: list[str] = []
    file = tmp_path / "lock"

    def second() -> None:
        with exclusive(file, waiting_for="the first"):
            order.append("second")

    with exclusive(file):
        thread = threading.Thread(target=second)
        thread.start()
        said = ""
        while "the first" not in said:
            said += capsys.readouterr().err
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert said == "Waiting: the first.\n"


def test_who_does_not_want_to_wait_is_told(tmp_path: Path) -> None:
    """With `wait=False` a held lock raises at once, and a free one is taken."""
    file = tmp_path / "lock"
    with exclusive(file), pytest.raises(BlockingIOError), exclusive(file, wait=False):
        pass
    with exclusive(file, wait=False):
        pass
