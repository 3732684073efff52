"""Where a synchronous consumer has its records processed: a thread beside the one that talks to Kafka.

The thread that polls must go on polling while a record takes its time, or the group takes the partition away. A record that is
given up, because somebody says to skip it, cannot be stopped: its thread is left to itself, and another takes its place.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

__all__ = ["Bench"]

T = TypeVar("T")


class Bench(Generic[T]):
    """One thing is in work at a time."""

    def __init__(self, work: Callable[[T], object]) -> None:
        self._work = work
        self._tasks: SimpleQueue[tuple[T] | None] = SimpleQueue()
        self._outcomes: SimpleQueue[tuple[BaseException | None]] = SimpleQueue()
        self._start_thread()

    def begin(self, task: T) -> None:
        """Have it done."""
        self._tasks.put((task,))

    def outcome(self, within: float) -> tuple[BaseException | None] | None:
        """How it ended, the error or None in a tuple; None where it has not within so many seconds."""
        try:
            return self._outcomes.get(timeout=within)
        except Empty:
            return None

    def abandon(self) -> None:
        """What is in work counts no more, and what comes next waits for nobody."""
        self._tasks.put(None)
        self._tasks, self._outcomes = SimpleQueue(), SimpleQueue()
        self._start_thread()

    def close(self) -> None:
        """End the thread, once what is in work is done; does not wait for that."""
        self._tasks.put(None)

    def _start_thread(self) -> None:
        # A daemon: one that hangs must not keep the program from ending.
        threading.Thread(
            target=_run, args=(self._work, self._tasks, self._outcomes), name="router-consumer", daemon=True
        ).start()


def _run(
    work: Callable[[T], object],
    tasks: SimpleQueue[tuple[T] | None],
    outcomes: SimpleQueue[tuple[BaseException | None]],
) -> None:
    while (task := tasks.get()) is not None:
        try:
            work(task[0])
        except BaseException as error:  # noqa: BLE001 - whatever ended it, the thread that waits decides about it
            outcomes.put((error,))
        else:
            outcomes.put((None,))
