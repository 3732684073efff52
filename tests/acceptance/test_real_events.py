"""39,647 real order-status events go through the worker; a few independent lines say what every topic must then hold."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest
from support.books import Place, assert_unchanged, balance
from support.real_events import PARTITIONS, SCHEMA, needs_events, rows, source_record
from support.stage import Stage
from support.topics import Found
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.process, needs_events]

ROUTES = """
version: 1
team: shop
exchanges:
  orders: {type: topic, sources: [@order.status.v1], routing-key: "{customer.state}.{status}"}
  endings:
    type: direct
    sources: [@order.status.v1]
    routing-key: "{status}"
    alternate: {topic: @under-way.order.status.v1}
topics:
  @sao-paulo.order.status.v1: {from: [{exchange: orders, binding-key: "SP.*"}]}
  @south.order.status.v1: {from: [{exchange: orders, binding-key: ["RS.#", "SC.#", "PR.*"]}]}
  @shipped.order.status.v1: {from: [{exchange: orders, binding-key: ["*.shipped", "SP.shipped", "RJ.shipped"]}]}
  @rio-delivered.order.status.v1: {from: [{exchange: orders, binding-key: "RJ.delivered"}]}
  @ended.order.status.v1: {from: [{exchange: endings, binding-key: [delivered, canceled, unavailable]}]}
"""


def destinations(row: dict[str, str]) -> Iterator[str]:
    """What the routes above come to for one line of the file."""
    state, status = row["state"], row["status"]
    if state == "SP":
        yield "@sao-paulo.order.status.v1"
    if state in {"RS", "SC", "PR"}:
        yield "@south.order.status.v1"
    if status == "shipped":
        yield "@shipped.order.status.v1"
    if state == "RJ" and status == "delivered":
        yield "@rio-delivered.order.status.v1"
    if status in {"delivered", "canceled", "unavailable"}:
        yield "@ended.order.status.v1"
    else:
        yield "@under-way.order.status.v1"
    if state not in {"SP", "RS", "SC", "PR"} and status != "shipped" and not (state == "RJ" and status == "delivered"):
        yield "@order.status.v1.unroutable"


TOPICS = [
    "@sao-paulo.order.status.v1", "@south.order.status.v1", "@shipped.order.status.v1", "@rio-delivered.order.status.v1",
    "@ended.order.status.v1", "@under-way.order.status.v1", "@order.status.v1.unroutable",
]  # fmt: skip


class Feed:
    """The file's events as records, and what each topic should get of those that were produced."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._ends: dict[int, int] = defaultdict(int)
        self.expected: dict[str, list[list[dict[str, Any]]]] = {
            topic: [[] for _ in range(PARTITIONS)] for topic in TOPICS
        }
        self.places: dict[str, list[Place]] = {topic: [] for topic in TOPICS}
        self.rows = rows()
        stage.schema("order.status", SCHEMA)
        stage.routes(shop=ROUTES)
        # The events are of 2016 to 2018: a topic that forgets would forget them at once.
        stage.create(
            "@order.status.v1", "@order.status.v1.dead-letters", *TOPICS, partitions=PARTITIONS, retention_ms="-1"
        )

    def produce(self, rows: list[dict[str, str]]) -> None:
        """Produce these lines."""
        self._stage.topics.produce(self._record(row) for row in rows)

    def _record(self, row: dict[str, str]) -> dict[str, Any]:
        record = source_record(row)
        partition = record["partition"]
        for topic in destinations(row):
            self.expected[topic][partition].append(record)
            self.places[topic].append((partition, self._ends[partition]))
        self._ends[partition] += 1
        return {"topic": self._stage.name("@order.status.v1"), **record}


def shown(copy: Found) -> dict[str, Any]:
    """A copy as the feed describes a record: without what the router adds."""
    return {
        "partition": copy.partition, "key": copy.key, "value": copy.value, "timestamp": copy.timestamp,
        "headers": list(copy.own_headers),
    }  # fmt: skip


def test_every_topic_holds_what_the_file_says(stage: Stage) -> None:
    """Content and order of every partition of every topic, byte by byte, with our two headers on each copy."""
    feed = Feed(stage)
    feed.produce(feed.rows)
    worker = stage.worker().until_ready(lanes=PARTITIONS)
    stage.until_routed("@order.status.v1")
    for topic in TOPICS:
        found = stage.read(topic)
        assert sum(map(len, found)) > 50, f"{topic} proves nothing"
        for partition, copies in enumerate(found):
            assert [shown(copy) for copy in copies] == feed.expected[topic][partition], f"{topic}/{partition}"
            for copy in copies:
                names = [name for name, _ in copy.headers[2:]]
                assert names[:2] == ["router-origin", "router-hop"], copy
        balance(feed.places[topic], found).assert_exact(topic)
    assert not any(stage.read("@order.status.v1.dead-letters"))
    assert worker.terminate() == 0


@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
def test_a_worker_that_is_killed_five_times_loses_nothing(stage: Stage, guarantee: str) -> None:
    """Each `kill -9` falls into the middle of the work; only at-least-once leaves duplicates, and every key keeps its order."""
    chance = random.Random(2016)
    feed = Feed(stage)
    feed.produce(feed.rows)
    total = len(feed.rows)
    # Small fetches and rare commits: many records are under way whenever the worker dies.
    worker = stage.worker(fetch_records="10", commit_interval="200ms", guarantee=guarantee)
    done = 0

    def committed() -> int:
        return sum(stage.topics.committed(stage.group, stage.name("@order.status.v1")).values())

    # The later half is what a fast machine may have routed before the last kill has come.
    for at in sorted(chance.sample(range(total // 20, total // 2, 100), k=5)):
        moment = max(at, done + 500)
        until(
            lambda moment=moment: committed() > moment,
            within=60,
            what=lambda moment=moment: f"{moment} are routed; {worker.tail()}",
            every=0.01,
        )
        worker.kill()
        before, done = done, committed()
        assert before < done < total, "the kill did not fall into the middle of the work"
        worker.start()
    worker.until_ready(lanes=PARTITIONS)
    stage.until_routed("@order.status.v1")
    originals = {(each.partition, each.offset): each for found in stage.read("@order.status.v1") for each in found}
    duplicates = undone = 0
    for topic in TOPICS:
        found = stage.read(topic)
        undone += count(stage.topics.read(stage.name(topic), aborted=True)) - count(found)
        books = balance(feed.places[topic], found)
        books.assert_whole(topic)
        assert_unchanged(originals, found)
        duplicates += books.duplicates
        assert first_copies_by_key(found) == by_key(feed.expected[topic]), topic
    repeated, unharmed = (duplicates, undone) if guarantee == "at_least_once" else (undone, duplicates)
    assert repeated > 0, "no kill fell between a delivery and its commit: the test proves little"
    assert unharmed == 0


def count(partitions: list[list[Found]]) -> int:
    """Records of all partitions."""
    return sum(map(len, partitions))


def by_key(expected: list[list[dict[str, Any]]]) -> dict[bytes, list[bytes]]:
    """Each order's values in the file's order."""
    found: dict[bytes, list[bytes]] = defaultdict(list)
    for records in expected:
        for record in records:
            found[record["key"]].append(record["value"])
    return found


def first_copies_by_key(partitions: list[list[Found]]) -> dict[bytes, list[bytes]]:
    """Each order's values in the order in which they first arrived."""
    found: dict[bytes, list[bytes]] = defaultdict(list)
    seen = set()
    for copies in partitions:
        for copy in copies:
            if copy.origin not in seen:
                seen.add(copy.origin)
                found[copy.key or b""].append(copy.value or b"")
    return found
