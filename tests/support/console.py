"""A console over a Kafka in memory and workers that are values: everything but sockets to others is the real thing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from support.table_group import TableGroup

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
            yield [], dict(positions)


@dataclass
class MemoryWorkers:
    """Fulfils AskWorkers: each URL is a worker of a group that keeps a table, or answers nothing."""

    group: TableGroup | None = None
    facts: dict[str, tuple[WorkerFacts, Counted | None]] = field(default_factory=dict)
    answers: dict[str, tuple[int, Mapping[str, Any]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def look(self, url: str) -> tuple[WorkerFacts, Counted | None]:
        self.asked.append(url)
        return self.facts.get(url, (WorkerFacts(url, problem="nobody is there"), None))

    async def api(self, urls: Sequence[str], path: str, parameters: Mapping[str, str]) -> tuple[int, Mapping[str, Any]]:
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]
        if self.group is None:
            return 0, {"reason": "no-worker", "message": "no worker answers", "what_to_do": "see whether workers run"}
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
    return Sight(Watching(kafka, workers, routes, urls=["http://w-0"]), kafka, workers)


@asynccontextmanager
async def served(sight: Sight, gate: Gate | None = None) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """A client of the console."""
    server = TestServer(new_app(sight, gate or Gate(TOKENS)))
    async with TestClient(server) as client:
        yield client


def bearer(role: Role = Role.VIEWER) -> dict[str, str]:
    """The header that lets somebody in."""
    return {"Authorization": f"Bearer {TOKENS[role]}"}


def now() -> float:
    """Seconds since the epoch."""
    return time.time()
