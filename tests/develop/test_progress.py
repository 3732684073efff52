"""What a long fetch shows."""

from __future__ import annotations

import pytest

from router.develop import progress as progress_module
from router.develop.progress import show_progress


def test_off_a_terminal_it_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines on standard error say what, how much of how much, and that it is done."""
    monkeypatch.setattr(progress_module, "_LINE_EVERY_S", 0)
    with show_progress("Fetching it", 4_000_000) as advance:
        advance(1_000_000)
        advance(3_000_000)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "Fetching it: 4 MB",
        "Fetching it: 1 of 4 MB",
        "Fetching it: 4 of 4 MB",
        "Fetching it: done",
    ]


def test_on_a_terminal_it_is_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets a bar with the title and the size."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with show_progress("Fetching it", 4_000_000) as advance:
        advance(4_000_000)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Fetching it" in shown.err
    assert "4.0" in shown.err
