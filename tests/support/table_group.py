"""A group of workers that own the partitions of one table, without a Kafka: each is what it knows, and who it can ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from router.order.effects import Held
from router.order.marker import Marker
from router.order.policy import OrderPolicy
from router.order.policy import Sequence as ByNumber
from router.order.sequence import SequenceState
from router.order.stored import encode_state, record_key, state_key
from router.order.table_errors import DiskFailed
from router.tables.api import TablesApi
from router.tables.asking import Asking
from router.tables.changes import Change, History
from router.tables.here import Here, OwnedPartition
from router.tables.kept import AskingKept
from router.tables.owners import Owner
from router.tables.peers import NoAnswer
from router.tables.view import Explainer

SOURCE = "order.v1"
TOKEN = "0123456789abcdef"
NOW = 100.0
"""Seconds since the epoch."""
EXPLAINERS = {SOURCE: Explainer(OrderPolicy(by="id", kind=ByNumber("n"), wait_ms=5_000))}


@dataclass
class MemoryDisk:
    """A partition's disk."""

    held: dict[bytes, bytes] = field(default_factory=dict)
    marker: Marker = field(default_factory=lambda: Marker(7, 42, 0))
    db: Any = "open"
    problem: str = ""
    timers: list[tuple[int, bytes]] = field(default_factory=list)
    """Of its lane."""

    def get(self, key: bytes) -> bytes | None:
        """A value."""
        self._fail()
        return self.held.get(key)

    def entries(self, prefix: bytes, after: bytes, most: int) -> Sequence[tuple[bytes, bytes]]:
        """Those that begin so, in order."""
        self._fail()
        return [(key, self.held[key]) for key in sorted(self.held) if key.startswith(prefix) and key >= after][:most]

    def _fail(self) -> None:
        if self.problem:
            raise DiskFailed(path="/disk", problem=self.problem)


def keeps(*keys: bytes, waiting: Sequence[bytes] = ()) -> MemoryDisk:
    """A disk with these keys, the waiting ones with a record each."""
    entries = {state_key(key): encode_state(SequenceState(5, 0)) for key in keys}
    entries |= {state_key(key): encode_state(SequenceState(5, 0, held=(Held(6, 41, 99_000),))) for key in waiting}
    made = MemoryDisk(entries | {record_key(key, 41): b"record" for key in waiting})
    made.timers = sorted((104_000, key) for key in waiting)
    return made


@dataclass
class Member:
    """One worker."""

    owner: Owner
    parts: dict[int, OwnedPartition]
    asking: Asking
    kept: AskingKept
    api: TablesApi


class TableGroup:
    """Workers `w-0`, `w-1` …; which of them owns a partition of the table is said by `deal`."""

    def __init__(self, count: int) -> None:
        self.count = count
        """Partitions of the source."""
        self.dealt: dict[int, Owner] = {}
        self.members: list[Member] = []
        self.down: dict[Owner, NoAnswer] = {}
        self.asked: list[tuple[str, str]] = []
        """Who was asked over HTTP, and what."""

    def deal(self, *partitions: Mapping[int, MemoryDisk]) -> TableGroup:
        """A worker for each; it carries these partitions."""
        for disks in partitions:
            owner = Owner(f"http://127.0.0.1:{6066 + len(self.members)}", f"w-{len(self.members)}")
            parts = {
                partition: OwnedPartition(disk, carrying=True, timers=disk.timers.copy)
                for partition, disk in disks.items()
            }
            self.dealt |= dict.fromkeys(parts, owner)
            here = Here(_look(parts), EXPLAINERS, clock=lambda: NOW)
            asking = Asking(
                group="shop", me=owner, here=here, peers=self, owners=lambda _: self.dealt, count=lambda _: self.count, past=self
            )  # fmt: skip
            kept = AskingKept(
                group="shop", me=owner, sources=[SOURCE], look=_look(parts), peers=self, owners=lambda _: self.dealt, count=lambda _: self.count
            )  # fmt: skip
            self.members.append(Member(owner, parts, asking, kept, TablesApi(asking, kept, token=TOKEN)))
        return self

    def change(self, worker: int, partition: int, **changes: Any) -> None:
        """Let a partition be otherwise."""
        parts = self.members[worker].parts
        parts[partition] = replace(parts[partition], **changes)

    async def get(
        self, worker: int, path: str, parameters: Mapping[str, str] | None = None, *, token: str | None = TOKEN
    ) -> tuple[int, dict[str, Any], dict[str, str]]:
        """Status, body and headers of a worker's page."""
        for pattern, page in self.members[worker].api.pages.items():
            at = -1 if pattern.endswith("{source}") else -2
            match = {"source": path.split("/")[at]} if "{source}" in pattern else {}
            if pattern.format(**match) == path:
                view = _View()
                await page(view, _Request(parameters or {}, token), **match)
                return view.status, view.body, view.headers
        raise AssertionError(f"there is no page {path}")

    async def ask(self, owner: Owner, path: str, parameters: Mapping[str, str]) -> Mapping[str, Any] | NoAnswer:
        """Fulfils AskPeers."""
        self.asked.append((owner.instance, path.rpartition("/")[2]))
        if (silence := self.down.get(owner)) is not None:
            return silence
        worker = next(number for number, member in enumerate(self.members) if member.owner == owner)
        return (await self.get(worker, path, parameters))[1]

    async def read(self, changelog: str, partition: int, key: bytes, *, explainer: Explainer, most: int) -> History:
        """Fulfils ReadHistory."""
        assert explainer is EXPLAINERS[SOURCE]
        return History((Change(1, 0, f"{key!r} in {changelog}/{partition}, {most}"),), 0, whole=True)


def _look(parts: Mapping[int, OwnedPartition]) -> Callable[[str, int], OwnedPartition | None]:
    return lambda _, partition: parts.get(partition)


class _View:
    """Faust's, as far as a page uses it."""

    def json(self, body: Any, *, status: int, headers: dict[str, str]) -> None:
        self.body, self.status, self.headers = body, status, headers


class _Request:
    remote = "10.0.0.9"

    def __init__(self, query: Mapping[str, str], token: str | None) -> None:
        self.query = query
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}
