"""What this worker can say of the partitions that it owns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from router.errors import RouterError
from router.order.marker import Marker
from router.order.table_errors import DiskFailed
from router.order.timers import Timer
from router.tables.answers import Unanswered
from router.tables.longest import read_longest
from router.tables.questions import MOST_KEYS, ListQuestion, Waited
from router.tables.reading import Stored, read_key_view, read_keys
from router.tables.view import Condition, Explainer, bytes_json

__all__ = ["Here", "OwnedPartition", "PartitionStore", "stopped"]

Json = dict[str, Any]


class PartitionStore(Stored, Protocol):
    """The disk of a partition."""

    marker: Marker

    @property
    def db(self) -> Any:
        """None while it is not open."""


@dataclass(frozen=True, slots=True)
class OwnedPartition:
    """A partition of a table, and how its lane is."""

    disk: PartitionStore
    carrying: bool
    """The lane is at work: the disk has all that was committed."""
    restoring: str = ""
    """How far restoring is, in words; empty where it is not being restored."""
    reason: str = ""
    """Why the lane does not carry; empty where it is only on its way."""
    message: str = ""
    timers: Callable[[], Sequence[Timer]] = tuple
    """A heap of the deadlines of keys that hold something, as of now."""


class Here:
    """Answers for this worker alone."""

    def __init__(
        self,
        look: Callable[[str, int], OwnedPartition | None],
        explainers: Mapping[str, Explainer],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`look` tells a partition of a source's table as it is now, None of one that is not this worker's.

        `explainers` has the sources that have a table. `clock` tells seconds since the epoch.
        """
        self.explainers = explainers
        self._look = look
        self._clock = clock

    def owns(self, source: str, partition: int) -> bool:
        """Whether the partition's lane is on this worker."""
        return self._look(source, partition) is not None

    def key(self, source: str, key: bytes, partitions: Iterable[int]) -> list[Json]:
        """What each of these partitions knows of a key: a view, or None for nothing; or why it does not answer."""
        return [self._key(source, key, partition) for partition in partitions]

    def _key(self, source: str, key: bytes, partition: int) -> Json:
        owned = self._owned(source, partition)
        if isinstance(owned, Unanswered):
            return owned.to_json()
        try:
            view = read_key_view(owned.disk, key, partition, explainer=self.explainers[source], now=self._now())
        except DiskFailed as error:
            return _failed(partition, error).to_json()
        if view is None and not owned.carrying:
            # It may be in what was committed and is not on the disk yet.
            return stopped(source, partition, owned).to_json()
        return {"partition": partition, "view": None if view is None else view.to_json(), **_facts(owned)}

    async def keys(self, source: str, partition: int, question: ListQuestion, after: bytes | None) -> Json:
        """A page of a partition's keys, and behind which key the next begins; or why it does not answer."""
        owned = self._owned(source, partition)
        if isinstance(owned, Unanswered):
            return owned.to_json()
        try:
            page = await read_keys(
                owned.disk, partition, question, after=after, explainer=self.explainers[source], now=self._now()
            )
        except DiskFailed as error:
            return _failed(partition, error).to_json()
        return {
            "partition": partition,
            "keys": [view.to_json(whole=question.whole) for view in page.keys],
            "after": None if page.after is None else bytes_json(page.after),
            "looked": page.looked,
            **_facts(owned),
        }

    async def longest(
        self, source: str, partitions: Iterable[int], question: ListQuestion, after: Waited | None
    ) -> list[Json]:
        """Of each of these partitions the keys that wait longest, and how far it looked; or why it does not answer."""
        return list(await asyncio.gather(*(self._longest(source, each, question, after) for each in partitions)))

    async def _longest(self, source: str, partition: int, question: ListQuestion, after: Waited | None) -> Json:
        owned = self._owned(source, partition)
        if isinstance(owned, Unanswered):
            return owned.to_json()
        try:
            timers = owned.timers() if owned.carrying else await self._timers(source, partition, question, owned)
            if timers is None:
                # They are too many to be sorted, and only a lane that is at work has them in time.
                return stopped(source, partition, owned).to_json()
            page = await read_longest(
                owned.disk, partition, question,
                timers=timers, after=after, explainer=self.explainers[source], now=self._now(),
            )  # fmt: skip
        except DiskFailed as error:
            return _failed(partition, error).to_json()
        return {
            "partition": partition,
            "keys": [{"due": due, "view": view.to_json(whole=question.whole)} for due, view in page.keys],
            "upto": None if page.upto is None else [page.upto.deadline, bytes_json(page.upto.key)],
            "looked": page.looked,
            **_facts(owned),
        }

    async def _timers(
        self, source: str, partition: int, question: ListQuestion, owned: OwnedPartition
    ) -> Sequence[Timer] | None:
        """Those of a lane that stands still, from its disk: who looks for what is stuck wants to see just that."""
        holding = ListQuestion(prefix=question.prefix, conditions=frozenset({Condition.WAITING}), limit=MOST_KEYS)
        page = await read_keys(
            owned.disk, partition, holding, after=None, explainer=self.explainers[source], now=self._now()
        )
        return None if page.after is not None else sorted((view.deadline or 0, view.key) for view in page.keys)

    def _owned(self, source: str, partition: int) -> OwnedPartition | Unanswered:
        owned = self._look(source, partition)
        if owned is None:
            return Unanswered(partition, "moving", f"{source}/{partition} is not this worker's, or not any more")
        if owned.restoring:
            return Unanswered(partition, "restoring", f"{source}/{partition}: {owned.restoring}")
        return owned if owned.disk.db is not None else stopped(source, partition, owned)

    def _now(self) -> int:
        return int(self._clock() * 1000)


def stopped(source: str, partition: int, owned: OwnedPartition) -> Unanswered:
    """Why a lane that stands still does not answer."""
    message = owned.message or "its lane opens"
    return Unanswered(partition, owned.reason or "opening", f"{source}/{partition}: {message}")


def _failed(partition: int, error: RouterError) -> Unanswered:
    return Unanswered(partition, error.reason, str(error))


def _facts(owned: OwnedPartition) -> Json:
    """How far what was told is, and what keeps the lane from getting further."""
    problem = "" if owned.carrying else owned.message or "its lane opens"
    return {"carried_to": owned.disk.marker.source, "lane": problem}
