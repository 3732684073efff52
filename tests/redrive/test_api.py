"""The API of what people do by hand; tests/acceptance asks a worker over HTTP."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from support.language import load

from router.develop.topics import TopicSpec, ensure_topics
from router.redrive.api import RedriveApi
from router.settings import Settings

TOKEN = "a-token-of-24-characters"
ROUTES = """
version: 1
team: t
exchanges:
  events: {type: fanout, sources: [events]}
topics:
  events: {format: json}
  all: {from: [{exchange: events}], format: json}
"""


@dataclass
class Request:
    """What a web server hands over."""

    method: str = "POST"
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {TOKEN}"})
    query: dict[str, str] = field(default_factory=dict)
    remote: str = "10.0.0.5"

    async def text(self) -> str:
        """Return the body."""
        return self.body


class View:
    """Keeps what is answered."""

    @staticmethod
    def json(body: Any, *, status: int, headers: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        """Return it."""
        return status, body, headers


def api(tmp_path: Path, *, token: str = TOKEN, broker: str = "127.0.0.1:1") -> RedriveApi:
    """Return the API of a worker whose broker is away."""
    environ = {"ROUTER_BROKER": broker, "ROUTER_SCHEMAS": str(tmp_path)}
    settings = Settings.from_environment(environ | ({"ROUTER_API_TOKEN": token} if token else {}))
    route_set, findings = load(ROUTES)
    assert route_set is not None, findings
    return RedriveApi(settings, route_set)


async def ask(served: RedriveApi, path: str, body: Any = None, *, method: str = "post", **more: Any) -> Any:
    """Status and body of an answer."""
    text = body if isinstance(body, str) else json.dumps(body or {})
    request = Request(method.upper(), text, **more)
    parts = {"command": "nowhere"} if "{command}" in path else {}
    status, told, _ = await served.pages[path][method](View(), request, **parts)
    return status, told


@pytest.mark.parametrize("path", ["/api/dead-letters/redrive", "/api/dead-letters/plan", "/api/parked/give-up"])
async def test_nobody_without_the_token_is_answered(tmp_path: Path, path: str) -> None:
    """Nor anybody where the workers have none."""
    served = api(tmp_path)
    status, told = await ask(served, path, headers={})
    assert (status, told["reason"]) == (401, "wrong-token")
    status, told = await ask(api(tmp_path, token=""), path)
    assert (status, told["reason"]) == (403, "api-off")


WHO = {"author": "ada", "reason": "x"}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        pytest.param("/api/dead-letters/redrive", {"reason": "x"}, "--author", id="no author"),
        pytest.param("/api/dead-letters/skip", {"author": "ada"}, "--reason", id="no reason"),
        pytest.param("/api/dead-letters/redrive", WHO | {"rate": "fast"}, "rate 'fast'", id="no rate"),
        pytest.param("/api/dead-letters/redrive", WHO | {"rate": -1}, "rate '-1'", id="a rate below nothing"),
        pytest.param("/api/dead-letters/redrive", WHO | {"topics": "all"}, "no list", id="no list of topics"),
        pytest.param("/api/dead-letters/plan", {"kind": "release"}, "none of redrive, skip, edit", id="no such kind"),
        pytest.param("/api/dead-letters/plan", "[]", "no JSON object", id="no object"),
        pytest.param("/api/dead-letters/plan", "{" * 70_000, "no JSON object", id="too much"),
        pytest.param(
            "/api/dead-letters/redrive",
            '{"author": "a", "reason": "x", "rate": NaN}',
            "rate 'nan'",
            id="a rate that is none",
        ),
        pytest.param("/api/dead-letters/edit", {"reason": "x", "at": "t/0/1"}, "--author", id="nobody edits"),
        pytest.param("/api/dead-letters/edit", WHO | {"value": "1"}, "at is missing", id="no place"),
        pytest.param("/api/dead-letters/edit", WHO | {"at": "t/1"}, "at is no place", id="half a place"),
        pytest.param("/api/dead-letters/edit", WHO | {"at": "t/0/1"}, "value is missing", id="no value"),
        pytest.param(
            "/api/dead-letters/edit", WHO | {"at": "t/0/1", "value": 5}, "value is no text", id="no text as value"
        ),
        pytest.param("/api/dead-letters/edit", WHO | {"topics": ["t"]}, "edit is of one", id="edit of many"),
        pytest.param("/api/dead-letters/plan", {"kind": "edit"}, "at is missing", id="plan of an edit of nothing"),
        pytest.param("/api/parked/release", WHO, "topic, and key or all", id="no topic"),
        pytest.param("/api/parked/release", WHO | {"topic": "t", "key": "k", "all": True}, "key or all", id="both"),
        pytest.param("/api/parked/release", WHO | {"topic": 5}, "topic is no text", id="no text"),
        pytest.param("/api/parked/give-up", {"topic": "t", "all": True}, "--author", id="nobody gives up"),
    ],
)
async def test_what_makes_no_sense_is_told(tmp_path: Path, path: str, body: Any, said: str) -> None:
    """Before any broker is asked."""
    status, told = await ask(api(tmp_path), path, body)
    assert (status, told["reason"]) == (400, "wrong-question")
    assert said in told["message"]


async def test_command_that_nobody_knows_is_told(tmp_path: Path) -> None:
    """How far it is, and to stop it."""
    served = api(tmp_path)
    for path, method in (("/api/commands/{command}", "get"), ("/api/commands/{command}/stop", "post")):
        status, told = await ask(served, path, method=method)
        assert (status, told["reason"]) == (404, "unknown-command")
    await served.close()


async def test_broker_that_is_away_is_told(tmp_path: Path) -> None:
    """As what it is."""
    status, told = await ask(api(tmp_path), "/api/dead-letters/plan")
    assert (status, told["reason"]) == (503, "broker-unavailable")


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param({"selection": {"destinaton": "x"}}, "selection has", id="no such name"),
        pytest.param({"selection": []}, "selection has", id="no object"),
        pytest.param({"selection": {"since": "2h"}}, "since is no time", id="no time"),
        pytest.param({"selection": {"key": 5}}, "key is no text", id="no text"),
        pytest.param({"selection": {"cause": "x"}}, "is no cause", id="no cause"),
        pytest.param({"to": "nowhere"}, "no route leads to 'nowhere'", id="no such topic"),
        pytest.param({"topics": ["nowhere"]}, "there is no topic", id="no dead letters"),
    ],
)
async def test_selection_that_makes_no_sense_is_told(tmp_path: Path, kafka: str, more: Any, said: str) -> None:
    """Of a command as of its plan; nothing begins."""
    served = api(tmp_path, broker=kafka)
    for path in ("/api/dead-letters/plan", "/api/dead-letters/redrive"):
        status, told = await ask(served, path, WHO | more)
        assert (status, told["reason"]) == (400, "wrong-question")
        assert said in told["message"]


@pytest.mark.kafka
async def test_no_key_is_parked_for_whom_nobody_rejects(tmp_path: Path, kafka: str) -> None:
    """The list is empty, and letting all flow lets nothing."""
    served = api(tmp_path, broker=kafka)
    assert await ask(served, "/api/parked", method="get", query={"topic": "all"}) == (200, {"keys": []})
    status, told = await ask(served, "/api/parked/release", WHO | {"topic": "all", "all": True})
    assert (status, told) == (200, {"command": "", "keys": []})


@pytest.mark.kafka
async def test_value_is_changed_over_http(tmp_path: Path, kafka: str, unique: str) -> None:
    """What would be done first; then the deed, once; a place where nothing lies, and a value that does not fit, change nothing."""
    source, topic = f"{unique}.events", f"{unique}.all"
    letters = f"{topic}.dead-letters"
    ensure_topics(kafka, [TopicSpec(name) for name in (source, topic, letters)])
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(
        letters, b'{"n": "x"}', key=b"k", headers=[("router-reason", b"failed"), ("router-destination", topic.encode())]
    )
    assert producer.flush(20) == 0
    route_set, findings = load(
        ROUTES.replace("[events]", f"[{source}]")
        .replace("  events: {f", f"  {source}: {{f")
        .replace("  all:", f"  {topic}:")
    )
    assert route_set is not None, findings
    environ = {
        "ROUTER_BROKER": kafka,
        "ROUTER_SCHEMAS": str(tmp_path),
        "ROUTER_API_TOKEN": TOKEN,
        "ROUTER_GROUP": unique,
    }
    served = RedriveApi(Settings.from_environment(environ), route_set)
    edit = {"at": f"{letters}/0/0", "value": '{"n": 5}'}
    for wrong, said in (
        ({"at": f"{letters}/0/9"}, "no record lies at"),
        ({"at": "nowhere/0/0"}, "no record lies at"),
        ({"value": "{"}, "is not JSON"),
        ({"to": "nowhere"}, "no route leads"),
    ):
        status, told = await ask(served, "/api/dead-letters/edit", WHO | edit | wrong)
        assert (status, told["reason"]) == (400, "wrong-question")
        assert said in told["message"]
    status, told = await ask(served, "/api/dead-letters/plan", {"kind": "edit", **edit})
    assert (status, told["plan"]["letters"], told["plan"]["looked_at"]) == (200, 1, 1)
    for letters_sent in (1, 0):
        status, begun = await ask(served, "/api/dead-letters/edit", WHO | edit)
        assert (status, begun["kind"]) == (202, "edit")
        job = served._jobs[begun["command"]]
        assert job.task is not None
        await asyncio.wait_for(job.task, 60)
        assert job.outcome is not None, job.problem
        assert job.outcome.done.letters == letters_sent
    await served.close()
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": unique, "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, 0, 0)])
    values = []
    while (message := consumer.poll(20)) is not None and message.error() is None:
        values.append(message.value())
    consumer.close()
    assert values == [b'{"n":5}']
