"""Replays over HTTP; tests/acceptance has the lanes that do one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from redrive.test_api import TOKEN, Request, View
from support.language import load

from router.develop.topics import TopicSpec, ensure_topics
from router.replay.api import ReplayApi
from router.settings import Settings

WHO = {"author": "ada", "reason": "restored from 08:00"}
ROUTES = """
version: 1
team: t
exchanges:
  events: {{type: topic, sources: [{0}.events], routing-key: "{{header:kind}}"}}
topics:
  {0}.events: {{format: json}}
  {0}.paid: {{from: [{{exchange: events, binding-key: paid}}], format: json}}
"""


def api(tmp_path: Path, word: str = "w", *, broker: str = "127.0.0.1:1", **more: Any) -> ReplayApi:
    """Return the API of a worker."""
    environ = {
        "ROUTER_BROKER": broker,
        "ROUTER_SCHEMAS": str(tmp_path),
        "ROUTER_API_TOKEN": TOKEN,
        "ROUTER_GROUP": word,
    }
    route_set, findings = load(ROUTES.format(word))
    assert route_set is not None, findings
    return ReplayApi(Settings.from_environment(environ), route_set, **more)


async def ask(served: ReplayApi, path: str, body: Any = None, *, command: str = "") -> tuple[int, Any]:
    """Status and body of an answer."""
    method = "get" if command else "post"
    parts = {"command": command} if command else {}
    status, told, _ = await served.pages[path][method](View(), Request(method.upper(), json.dumps(body or {})), **parts)
    return status, told


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/api/replays", {"reason": "x"}, "--author"),
        ("/api/replays", {"author": "x"}, "--reason"),
        ("/api/replays/plan", {}, "topic is missing"),
        ("/api/replays/plan", {"topic": "w.paid"}, "from is missing"),
        ("/api/replays/plan", {"topic": "w.paid", "from": "0", "partition": -1}, "partition is no whole number"),
        ("/api/replays/plan", {"topic": "nowhere", "from": "0"}, "no route leads there"),
        ("/api/replays/plan", {"topic": "w.paid", "from": "soon"}, "is no time"),
        ("/api/replays/plan", {"topic": "w.paid", "from": 5}, "from is no text"),
    ],
)
async def test_what_makes_no_sense_is_told(tmp_path: Path, path: str, body: Any, said: str) -> None:
    """Before any broker is asked."""
    status, told = await ask(api(tmp_path), path, body)
    assert (status, told["reason"]) == (400, "wrong-question")
    assert said in told["message"]


@pytest.mark.kafka
async def test_stretch_is_counted_and_begun(tmp_path: Path, kafka: str, unique: str) -> None:
    """What is counted is what today's routes send; what was begun can be asked about, and nothing else can."""
    source = f"{unique}.events"
    ensure_topics(kafka, [TopicSpec(source), TopicSpec(f"{unique}.paid")])
    producer = Producer({"bootstrap.servers": kafka})
    for number in range(300):
        kind = b"paid" if number % 2 else b"new"
        producer.produce(source, b"{}", key=str(number), headers=[("kind", kind)])
    assert producer.flush(20) == 0
    served = api(tmp_path, unique, broker=kafka)
    wish = {"topic": f"{unique}.paid", "from": "2"}
    status, told = await ask(served, "/api/replays/plan", wish)
    assert (status, told["plan"]["meant"], told["plan"]["elsewhere"], told["plan"]["complete"]) == (200, 149, 149, True)
    status, told = await ask(served, "/api/replays/plan", wish | {"from": "300"})
    assert (status, told["plan"]["read"], told["plan"]["partitions"]) == (200, 0, [])
    hurried = api(tmp_path, unique, broker=kafka, count_within=-1.0)
    assert (await ask(hurried, "/api/replays/plan", wish))[1]["plan"]["complete"] is False
    served._counting = True
    assert (await ask(served, "/api/replays/plan", wish))[0] == 409
    status, told = await ask(served, "/api/replays", wish | WHO)
    assert status == 202
    status, found = await ask(served, "/api/replays/{command}", command=told["replay"])
    assert (status, found["state"], found["partitions"], found["author"]) == (200, "running", 1, "ada")
    status, nothing = await ask(served, "/api/replays", wish | WHO | {"from": "300"})
    assert (status, nothing["replay"]) == (200, "")
    assert (await ask(served, "/api/replays/{command}", command="nowhere"))[0] == 404
    assert (await ask(api(tmp_path, "others", broker=kafka), "/api/replays/{command}", command=told["replay"]))[
        0
    ] == 404
