"""Looking into the tables of real workers, over HTTP and from the command line: whichever worker is asked, it answers for all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from click.testing import CliRunner
from support.stage import Stage, encode
from support.waiting import until
from support.worker import Worker

from router.commands.table import table
from router.commands.worker_api import WorkerApi
from router.language.topics import changelog_of
from router.order.sequence import SequenceState
from router.order.stored import encode_state, state_key

pytestmark = pytest.mark.process

PARTITIONS = 4
KEYS = 40
RESTORED = 400_000
"""Entries of a changelog: more than are read before anybody can look."""
TOKEN = "the-token-of-these-workers"
SCHEMA = {
    "type": "record",
    "name": "Order",
    "fields": [{"name": "id", "type": "string"}, {"name": "number", "type": "long"}],
}
ROUTES = """
version: 1
team: shop
exchanges:
  orders:
    {type: topic, sources: [@order.v1], key: id, routing-key: "{id}", order: {by: id, sequence: number, wait: 1h}}
topics:
  @all.order.v1: {from: [{exchange: orders}]}
"""


class Shop:
    """Workers that put orders in sequence; each tenth order waits for its second event."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.source = stage.name("@order.v1")
        self.changelog = changelog_of(stage.group, self.source)
        stage.schema("order", SCHEMA)
        stage.routes(shop=ROUTES)
        stage.create(
            "@order.v1", "@order.v1.dead-letters", "@order.v1.unroutable", "@all.order.v1", partitions=PARTITIONS
        )
        stage.topics.create(
            self.changelog, partitions=PARTITIONS, cleanup_policy="compact", delete_retention_ms="604800000"
        )

    def produce(self, numbers: Mapping[int, list[int]]) -> None:
        """By order, its events."""
        self.stage.topics.produce(
            {
                "topic": self.source, "key": f"ord-{order}", "partition": order % PARTITIONS,
                "value": encode(SCHEMA, {"id": f"ord-{order}", "number": number}),
            }
            for order, events in numbers.items() for number in events
        )  # fmt: skip

    def worker(self, **settings: str) -> Worker:
        return self.stage.worker(standbys="0", api_token=TOKEN, **settings)

    def api(self, worker: Worker) -> WorkerApi:
        return WorkerApi(f"http://127.0.0.1:{worker.port}", TOKEN)

    def key(self, worker: Worker, key: str, **parameters: str) -> tuple[int, dict[str, Any]]:
        return self.api(worker).get(f"/api/tables/{self.source}/key", {"key": key, **parameters})

    def keys(self, worker: Worker, **parameters: str) -> dict[str, Any]:
        status, body = self.api(worker).get(f"/api/tables/{self.source}/keys", parameters)
        assert status == 200, body
        return body

    def owners(self, worker: Worker) -> list[str | None]:
        """By partition, who owns it."""
        _, body = self.api(worker).get("/api/tables")
        return [each["instance"] for each in body["tables"][0]["partitions"]]


@pytest.fixture
def shop(stage: Stage) -> Shop:
    return Shop(stage)


def started(shop: Shop) -> tuple[Worker, Worker]:
    """Two workers with two partitions each, each of which knows that, and all orders routed."""
    first, second = shop.worker().until_live(), shop.worker().until_live()
    shop.produce({order: [1, 3, 4] if order % 10 == 0 else [1, 2] for order in range(KEYS)})
    shop.stage.until_routed("@order.v1")

    def shared() -> bool:
        owners = [shop.owners(worker) for worker in (first, second)]
        ready = all(worker.readiness().get("status") == 200 for worker in (first, second))
        return ready and owners[0] == owners[1] and sorted(map(str, owners[0])) == ["worker-1"] * 2 + ["worker-2"] * 2

    until(shared, within=60, what=lambda: f"both own two partitions; {first.tail()}\n{second.tail()}")
    return first, second


def test_any_worker_answers_for_all(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the other one are fetched from it, lists and exports are whole, and nobody else is answered."""
    workers = started(shop)
    for worker in workers:
        for order in range(0, KEYS, 5):
            status, body = shop.key(worker, f"ord-{order}")
            assert (status, [each["partition"] for each in body["found"]]) == (200, [order % PARTITIONS])
        expect_held(shop, worker)
        listed = shop.keys(worker, state="waiting", limit="1000")
        assert {each["key"]["text"] for each in listed["keys"]} == {f"ord-{order}" for order in range(0, KEYS, 10)}
        assert (listed["cursor"], listed["unanswered"], listed["lanes"]) == (None, [], [])
        expect_longest(shop, worker)
        status, body = shop.key(worker, "ord-999")
        assert (status, body["reason"]) == (404, "unknown-key")
        for path in ("/api/tables", f"/api/worker/tables/{shop.source}/key?key=ord-1&partitions=1"):
            assert worker.get(path)[0] == 401
        for path in ("/table", "/router", f"/table/{shop.source}/ord-1"):
            assert worker.get(path)[0] == 404
    expect_commands(shop, workers[1], monkeypatch)
    for worker in workers:
        assert worker.terminate() == 0


def expect_held(shop: Shop, worker: Worker) -> None:
    """One that waits says for what, what is held, since when, until when, and how it came to that."""
    _, body = shop.key(worker, "ord-10", history="50")
    view = body["found"][0]
    assert (view["conditions"], view["expects"], view["last"], view["missing"]) == (["waiting"], [2], 1, "2")
    assert [(each["place"], each["since"] < each["deadline"]) for each in view["held"]] == [(3, True), (4, True)]
    source = shop.stage.topics.read(shop.source)[view["partition"]]
    held = [record.offset for record in source if record.key == b"ord-10"][1:]
    assert [each["offset"] for each in view["held"]] == held
    what = [each["what"] for each in view["history"]["changes"]]
    assert view["history"]["whole"]
    assert {f"held the record at offset {offset}" for offset in held} <= set(what)
    assert what[-1].startswith("past 1; waits for 2, with 2 records held") or what[-1].startswith("held the record")


def expect_longest(shop: Shop, worker: Worker) -> None:
    """Of both workers together, page by page, those first that have waited longest."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        status, page = shop.api(worker).get(f"/api/tables/{shop.source}/waiting", {"limit": "3", "cursor": cursor})
        assert (status, page["unanswered"]) == (200, [])
        found += page["keys"]
        if page["cursor"] is None:
            break
        cursor = page["cursor"]
    assert sorted(each["key"]["text"] for each in found) == sorted(f"ord-{order}" for order in range(0, KEYS, 10))
    assert [each["since"] for each in found] == sorted(each["since"] for each in found)


def expect_commands(shop: Shop, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """`router table`, as ops type it; an export has each key once."""
    monkeypatch.setenv("ROUTER_API_TOKEN", TOKEN)
    at = ("--worker", f"http://127.0.0.1:{worker.port}")
    exported = CliRunner().invoke(table, ["export", *at])
    assert exported.exit_code == 0, exported.stderr
    views = [json.loads(line) for line in exported.stdout.splitlines()]
    assert sorted(view["key"]["text"] for view in views) == sorted(f"ord-{order}" for order in range(KEYS))
    assert sum(len(view["held"]) for view in views) == 2 * (KEYS // 10)
    shown = CliRunner().invoke(table, ["get", "ord-20", *at])
    assert (shown.exit_code, "waits for 2, with 2 records held" in shown.stdout) == (0, True)
    monkeypatch.setenv("ROUTER_API_TOKEN", "x" * 16)
    assert "the token is not this worker's" in CliRunner().invoke(table, ["list", *at]).stderr


def test_what_does_not_answer_is_named(shop: Shop) -> None:
    """An owner that hangs, then one that is gone and whose partitions are restored from their changelog."""
    first, second = started(shop)
    gone = [partition for partition, owner in enumerate(shop.owners(first)) if owner == "worker-2"]
    theirs = f"ord-{gone[0]}"
    second.pause()
    status, body = shop.key(first, theirs)
    # While the group waits for the one that hangs, it is still the owner.
    assert (status, body["reason"]) == (503, "undecided")
    assert [each["partition"] for each in body["unanswered"]] == gone
    assert {each["reason"] for each in body["unanswered"]} <= {"owner-unreachable", "moving", "restoring", "opening"}
    listed = shop.keys(first, limit="1000")
    assert len(listed["keys"]) == KEYS - KEYS // PARTITIONS * len(listed["unanswered"])
    seen: set[int] = set()

    def taken_over() -> bool:
        seen.add(shop.key(first, theirs)[0])
        return 200 in seen

    until(taken_over, within=60, what=lambda: f"the other one has taken over; {first.tail()}")
    assert seen <= {200, 503}
    until(lambda: not shop.keys(first)["unanswered"], within=60, what="all partitions answer")
    assert len(shop.keys(first, limit="1000")["keys"]) == KEYS
    second.kill()
    assert first.terminate() == 0


def test_partition_that_is_being_restored_says_so(shop: Shop) -> None:
    """By name and with how far it is, and of no key that it is unknown, until all that was committed is there."""
    state = encode_state(SequenceState(3, 0))
    shop.stage.topics.produce(
        {
            "topic": shop.changelog,
            "partition": number % PARTITIONS,
            "key": state_key(b"old-%d" % number),
            "value": state,
        }
        for number in range(RESTORED)
    )
    worker = shop.worker()
    said: dict[str, str] = {}

    def restored() -> bool:
        if not worker.get("/healthz")[0]:
            return False
        status, body = shop.key(worker, f"old-{RESTORED - 1}")
        assert status in {200, 503}, body
        said.update({each["reason"]: each["message"] for each in body.get("unanswered", ())})
        return status == 200

    until(restored, within=60, what=lambda: f"restored; {worker.tail()}", every=0.01)
    assert f"{shop.source}/" in said["restoring"]
    assert "its table" in said["restoring"]
    assert worker.terminate() == 0
