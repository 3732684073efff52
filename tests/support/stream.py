"""A stream of events that does not end before its test says so: what happens meanwhile happens in the middle of the work."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from support.waiting import until

if TYPE_CHECKING:
    from support.books import Place
    from support.stage import Stage


class Stream:
    """Feeds a stage of its usual routes into every partition, from when it is entered until it is left."""

    def __init__(self, stage: Stage, *, partitions: int, at_once: int, pause: float = 0.0) -> None:
        """So many events at once, with so many seconds between them."""
        self.count = 0
        """Events that are fed."""
        self._stage = stage
        self._partitions = partitions
        self._at_once = at_once
        self._pause = pause
        self._ends = threading.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stream")

    def __enter__(self) -> Self:
        self._feeding = self._thread.submit(self._feed)
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._feeding.result(60)
        self._thread.shutdown()

    @property
    def wanted(self) -> dict[str, list[Place]]:
        """What each topic should get of them."""
        return self._stage.wanted(range(self.count), partitions=self._partitions)

    def until_routing(self, *, within: float = 30.0) -> None:
        """Wait until some of them are routed."""
        stage = self._stage
        until(
            lambda: any(stage.topics.committed(stage.group, stage.name("@event.v1")).values()),
            within=within,
            what=lambda: f"some of {self.count} events are routed",
        )

    def _feed(self) -> None:
        while not self._ends.wait(self._pause):
            self._stage.feed(self._at_once, partitions=self._partitions, first=self.count)
            self.count += self._at_once
