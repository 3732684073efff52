"""A console over a Kafka in memory and workers that are values: everything but sockets to others is the real thing."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastavro
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from router.console.access import Gate, Role
from router.console.kafka import Fetched
from router.console.measuring import At, Counted
from router.console.server import new_app
from router.console.sight import Sight
from router.console.today import Routes, Today, new_today
from router.console.trouble import WorkerFacts
from router.console.watching import Watching
from router.errors import BrokerUnavailable
from router.records.record import PlainRecord
from support.migrations_kept import FLIPPED, Kept
from support.table_group import TableGroup, keeps

TOKENS = {
    Role.VIEWER: "viewer-token-0123456789",
    Role.OPERATOR: "operator-token-0123456789",
    Role.ADMIN: "admin-token-0123456789",
}
SCHEMA = """{"type": "record", "name": "Order", "fields": [
  {"name": "id", "type": "string"}, {"name": "n", "type": "long"}, {"name": "status", "type": "string"},
  {"name": "email", "type": ["null", "string"], "default": null}]}"""
ROUTES = """
version: 1
team: shop
exchanges:
  orders: {type: topic, sources: [order.v1], key: id, routing-key: "{status}", order: {by: id, sequence: n, wait: 5s}}
topics:
  paid.order.v1: {from: [{exchange: orders, binding-key: paid}]}
  all.order.v1: {from: [{exchange: orders}]}
"""
TEXTS = {"routes/shop.yaml": ROUTES}
SCHEMAS = {"order/v1.avsc": SCHEMA, "order/subject.yaml": "mask: [email, 'header:secret']\n"}
SOURCE = "order.v1"


class MemoryKafka:
    """Fulfils KafkaReads."""

    def __init__(self, topics: Mapping[str, int] | None = None) -> None:
        """Topics and their partitions."""
        self.logs: dict[At, list[PlainRecord]] = {
            (topic, each): [] for topic, count in (topics or {}).items() for each in range(count)
        }
        self.groups: dict[str, dict[At, int]] = {}
        self.settings: dict[str, dict[str, str]] = {}
        self.down = ""
        self.reads = 0

    def put(
        self, topic: str, value: bytes | None, *, key: bytes | None = None, partition: int = 0, **more: Any
    ) -> PlainRecord:
        """One record more."""
        log = self.logs[topic, partition]
        offset = len(log)
        more.setdefault("timestamp", 1_700_000_000_000 + 1_000 * offset)
        log.append(PlainRecord(topic=topic, partition=partition, offset=offset, key=key, value=value, **more))
        return log[-1]

    def _up(self) -> None:
        if self.down:
            raise BrokerUnavailable(brokers="nowhere:9092", problem=self.down)

    async def partition_counts(self) -> Mapping[str, int]:
        self._up()
        counts: dict[str, int] = {}
        for topic, _ in self.logs:
            counts[topic] = counts.get(topic, 0) + 1
        return counts

    async def ends(self, partitions: Sequence[At]) -> Mapping[At, int]:
        self._up()
        return {at: len(self.logs[at]) for at in partitions}

    async def begins(self, partitions: Sequence[At]) -> Mapping[At, int]:
        self._up()
        return dict.fromkeys(partitions, 0)

    async def at_time(self, partitions: Sequence[At], milliseconds: int) -> Mapping[At, int]:
        return {
            at: next((each.offset for each in self.logs[at] if each.timestamp >= milliseconds), len(self.logs[at]))
            for at in partitions
        }

    async def committed(self) -> Mapping[str, Mapping[At, int]]:
        self._up()
        return self.groups

    async def configs(self, topics: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        self._up()
        return {topic: self.settings.get(topic, {"retention.ms": "604800000"}) for topic in topics}

    async def read(self, starts: Mapping[At, int], ends: Mapping[At, int] | None) -> AsyncIterator[Fetched]:
        self._up()
        self.reads += 1
        positions = dict(starts)
        for at, start in starts.items():
            found = self.logs[at][start : None if ends is None else ends[at]]
            positions[at] = start + len(found)
            yield found, dict(positions)
        while ends is None:
            await asyncio.sleep(0.02)
            yield [], dict(positions)


@dataclass
class MemoryWorkers:
    """Fulfils AskWorkers: each URL is a worker of a group that keeps a table, or answers nothing."""

    group: TableGroup | None = None
    facts: dict[str, tuple[WorkerFacts, Counted | None]] = field(default_factory=dict)
    answers: dict[str, tuple[int, Mapping[str, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    bodies: list[Mapping[str, Any]] = field(default_factory=list)

    async def look(self, url: str) -> tuple[WorkerFacts, Counted | None]:
        self.asked.append(url)
        return self.facts.get(url, (WorkerFacts(url, problem="nobody is there"), None))

    async def api(
        self,
        urls: Sequence[str],
        path: str,
        parameters: Mapping[str, str],
        *,
        body: Mapping[str, Any] | None = None,
        whoever_knows: bool = False,
    ) -> tuple[int, Mapping[str, Any]]:
        self.asked.append(path)
        if body is not None:
            self.bodies.append(body)
        if path in self.answers:
            return self.answers[path]
        if self.group is None:
            return 0, {"reason": "no-worker", "message": "no worker answers", "what_to_do": "see whether workers run"}
        if not path.startswith("/api/tables"):
            return 404, {"reason": "unknown-command", "message": "nothing is known of it"}
        status, body, _ = await self.group.get(0, path, parameters)
        return status, body


READY = {"ready": True, "instance": "w-0", "routes": "", "lanes": 2, "carrying": 2, "problems": []}


def today(routes: Mapping[str, str] = TEXTS, schemas: Mapping[str, str] = SCHEMAS) -> Today:
    """The routes and schemas of the texts."""
    made, faults = new_today(routes, schemas, group="shop")
    assert made is not None, faults
    return made


class FixedRoutes(Routes):
    """Routes that are on no disk."""

    async def look(self) -> bool:
        """Nothing ever changes."""
        return False


def new_sight(
    kafka: MemoryKafka | None = None, workers: MemoryWorkers | None = None, *, of: Today | None = None
) -> Sight:
    """What questions are answered from."""
    made = of or today()
    if kafka is None:
        kafka = MemoryKafka(dict.fromkeys(made.plans, 2))
    routes = FixedRoutes(Path("routes"), Path("schemas"), "shop", made)
    workers = workers or MemoryWorkers()
    return Sight(Watching(kafka, workers, routes, urls=["http://w-0"]), kafka, workers, Kept(FLIPPED))


@asynccontextmanager
async def served(sight: Sight, gate: Gate | None = None) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """A client of the console."""
    server = TestServer(new_app(sight, gate or Gate(TOKENS)))
    await server.start_server(shutdown_timeout=0.1)
    async with TestClient(server) as client:
        yield client


SCRIPT = "<script>alert(1)</script>"
SECRET = "ann@x.org"


def order(**value: Any) -> bytes:
    """An order's bytes."""
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, _PARSED, {"id": "ord-1", "n": 1, "status": "paid"} | value)
    return buffer.getvalue()


_PARSED = fastavro.parse_schema(json.loads(SCHEMA))
HOSTILE_KEYS = (
    SCRIPT.encode(),
    b"../../sign-out",
    b"..",
    b"\xff\xfe\x00",
    b"\r\nSet-Cookie: a=b",
    b"'\"><img src=x>",
    b"k" * 100_000,
    b"=1+1",
)


_PLAN = {
    "looked_at": 3, "meant": 2, "letters": 2, "copies": 2, "converted": 0,
    "sending": [{
        "topic": "paid.order.v1", "by_lanes": False, "cause": "0123abcd", "destination": "", "reason": "unreadable", "error": "E",
        "message": f"has {SECRET} {SCRIPT}", "count": 2,
    }],
    "left": {"unreadable": 1}, "examples": {"unreadable": f"{SECRET} {SCRIPT}"},
}  # fmt: skip
_COMMAND = {
    "command": "0123abcd",
    "kind": "redrive",
    "author": "operator",
    "reason": SCRIPT,
    "letters": 1,
    "problem": "",
}
ACTS: dict[str, tuple[int, Mapping[str, Any]]] = {
    "/api/dead-letters/plan": (200, {"plan": _PLAN}),
    "/api/dead-letters/redrive": (202, {**_COMMAND, "state": "running"}),
    "/api/commands/0123abcd": (200, {**_COMMAND, "state": "ended", "done": _PLAN, "lanes": []}),
    "/api/commands/0123abcd/stop": (202, {**_COMMAND, "state": "running"}),
    "/api/kept": (200, {"cursor": "1.", "unanswered": [], "looked": 2, "keys": [
        {"topic": "paid.order.v1", "key": SCRIPT, "lane": "order.v1/0", "state": "parked", "since": 1_000, "until": None, "came_back": 1, "held": 2},
        {"topic": "paid.order.v1", "key": None, "lane": "order.v1/0", "state": "retry", "since": None, "until": 9_000, "came_back": 1, "held": 0},
    ]}),
    "/api/parked/release": (202, {"command": "0123abcd", "keys": []}),
    "/api/parked/give-up": (200, {"command": "", "keys": []}),
    "/api/dead-letters/skip": (202, {**_COMMAND, "kind": "skip", "state": "running"}),
    "/api/dead-letters/edit": (202, {**_COMMAND, "kind": "edit", "state": "running"}),
    "/api/offsets": (200, {"standing": {"group": "refunds", "state": "Empty", "active": False}}),
    "/api/offsets/plan": (200, {"standing": {"group": "refunds"}, "plan": {"to": 8, "count": 1, "refused": "", "done": False}}),
    "/api/offsets/skip": (200, {"command": "0123abcd", "standing": {"group": "refunds"}, "to": 8, "count": 1}),
    "/api/replays/plan": (200, {"plan": {"read": 2, "meant": 1}}),
    "/api/replays": (202, {"replay": "0123abcd", "message": "2 records are read"}),
    "/api/replays/0123abcd": (200, {"replay": "0123abcd", "state": "running"}),
}  # fmt: skip
"""What a worker answers that is asked to act."""


async def busy_sight() -> Sight:
    """Records of all sorts, hostile ones among them, and a worker that keeps a table."""
    group = TableGroup(2).deal({0: keeps(b"ord-1", *HOSTILE_KEYS, waiting=[b"ord-2"]), 1: keeps(b"ord-3")})
    routes = today().route_set.fingerprint
    ready = WorkerFacts("http://w-0", "w-0", {**READY, "routes": routes})
    counted = Counted({SOURCE: 10.0}, {(SOURCE, "all.order.v1"): 10.0}, {SOURCE: 1.0}, {SOURCE: 3.0})
    sight = new_sight(workers=MemoryWorkers(group, {"http://w-0": (ready, counted)}, dict(ACTS)))
    kafka = sight.kafka
    assert isinstance(kafka, MemoryKafka)
    headers = (
        ("router-origin", b"order.v1/0/0"),
        ("note", SECRET.encode()),
        ("Secret", b"s3cr3t"),
        (SCRIPT, SCRIPT.encode()),
    )
    for topic in (SOURCE, "all.order.v1", "order.v1.unroutable"):
        for n, key in enumerate((b"ord-1", b"ord-2", *HOSTILE_KEYS)):
            kafka.put(topic, order(n=n, email=SECRET, status=SCRIPT), key=key, headers=headers)
        kafka.put(topic, None, key=b"ord-1", partition=1)
        kafka.put(topic, b"\xff" * 100, partition=1, timestamp=-1)
    died = (
        ("router-reason", b"unreadable"),
        ("router-error", f"has {SECRET} {SCRIPT}".encode()),
        ("router-place", b"value:email"),
    )
    kafka.put("order.v1.dead-letters", b"\xff", key=b"ord-1", headers=died)
    kafka.put("order.v1.dead-letters", order(email=SECRET), key=b"ord-2", headers=died)
    kafka.groups = {"shop": {(SOURCE, 0): 1, (SOURCE, 1): 3}}
    await sight.watching.look()
    await sight.watching.look()
    return sight


def bearer(role: Role = Role.VIEWER) -> dict[str, str]:
    """The header that lets somebody in."""
    return {"Authorization": f"Bearer {TOKENS[role]}"}


def now() -> float:
    """Seconds since the epoch."""
    return time.time()
