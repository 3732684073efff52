"""How a long fetch shows that it moves: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

__all__ = ["Progress", "show_progress"]

_LINE_EVERY_S = 5.0


class Progress(Protocol):
    """Shows how far something of a known size is; inside the block, call what it gives with each part's bytes."""

    def __call__(self, title: str, total: int, /) -> AbstractContextManager[Callable[[int], None]]:
        """Return the block."""


@contextmanager
def show_progress(title: str, total: int, /) -> Iterator[Callable[[int], None]]:
    """Show it on standard error. What the block yields may be called from any thread."""
    console = Console(stderr=True)
    show = _bar if console.is_terminal else _lines
    with show(title, total, console) as advance:
        yield advance


@contextmanager
def _bar(title: str, total: int, console: Console) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console) as bar:
        task = bar.add_task(title, total=total)
        yield lambda size: bar.advance(task, size)


@contextmanager
def _lines(title: str, total: int, _console: Console) -> Iterator[Callable[[int], None]]:
    lock = threading.Lock()
    done, last = 0, time.monotonic()
    print(f"{title}: {total / 1e6:.0f} MB", file=sys.stderr, flush=True)

    def advance(size: int) -> None:
        nonlocal done, last
        with lock:
            done += size
            now = time.monotonic()
            if now - last >= _LINE_EVERY_S:
                last = now
                print(f"{title}: {done / 1e6:.0f} of {total / 1e6:.0f} MB", file=sys.stderr, flush=True)

    yield advance
    print(f"{title}: done", file=sys.stderr, flush=True)
