"""One process at a time: a lock on a file, which the system gives back when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["exclusive"]


@contextmanager
def exclusive(file: Path, *, waiting_for: str = "", wait: bool = True) -> Iterator[None]:
    """Hold the lock of this file inside the block; wait for whoever has it, and say so once on standard error.

    With `wait=False` raise BlockingIOError instead of waiting.
    """
    with file.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise
            if waiting_for:
                print(f"Waiting: {waiting_for}.", file=sys.stderr, flush=True)
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
