"""Groups that cannot process a record, over HTTP: on a real Kafka."""

from __future__ import annotations

import json
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from redrive.test_api import TOKEN, Request, View

from router.develop.topics import TopicSpec, ensure_topics
from router.failure.audit import AUDIT
from router.failure.topics import parked_of
from router.redrive.offsets_api import OffsetsApi
from router.settings import Settings

WHO = {"author": "ada", "reason": "does not fit"}


def api(kafka: str = "127.0.0.1:1") -> OffsetsApi:
    """Return the API of a worker of this Kafka."""
    return OffsetsApi(Settings.from_environment({"ROUTER_BROKER": kafka, "ROUTER_API_TOKEN": TOKEN}))


async def ask(served: OffsetsApi, path: str, body: Any, *, method: str = "post") -> tuple[int, Any]:
    """Status and body of an answer; a GET's body is its parameters."""
    texts = {name: str(value) for name, value in body.items()} if method == "get" else {}
    status, told, _ = await served.pages[path][method](View(), Request(method.upper(), json.dumps(body), query=texts))
    return status, told


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/api/offsets/skip", {"reason": "x"}, "--author"),
        ("/api/offsets/skip", {"author": "x"}, "--reason"),
        ("/api/offsets/skip", WHO | {"offset": -1}, "offset is no whole number"),
        ("/api/offsets/plan", {"offset": 1, "mark": "yes"}, "mark is neither"),
        ("/api/offsets/plan", {"offset": 1}, "group is missing"),
        ("/api/offsets/plan", {"offset": 1, "group": "g"}, "topic is missing"),
        ("/api/offsets/plan", {"offset": 1, "group": "g", "topic": "t"}, "partition is no whole number"),
    ],
)
async def test_what_makes_no_sense_is_told(path: str, body: Any, said: str) -> None:
    """Before any broker is asked."""
    status, told = await ask(api(), path, body)
    assert (status, told["reason"]) == (400, "wrong-question")
    assert said in told["message"]


@pytest.mark.kafka
async def test_group_is_moved_behind_a_record(kafka: str, unique: str) -> None:
    """Told first what that passes over; done once; and the audit has who did it."""
    ensure_topics(kafka, [TopicSpec(unique)])
    _fill(kafka, unique, 5)
    _commit(kafka, unique, 1)
    served, at = api(kafka), {"group": unique, "topic": unique, "partition": 0}
    status, told = await ask(served, "/api/offsets", at, method="get")
    assert (status, told["standing"]["committed"], told["standing"]["active"]) == (200, 1, False)
    status, told = await ask(served, "/api/offsets/plan", at | {"offset": 2})
    assert (status, told["plan"]) == (200, {"to": 3, "count": 2, "refused": "", "done": False})
    status, told = await ask(served, "/api/offsets/plan", at | {"offset": 9})
    assert "holds offsets 0 to 4, not 9" in told["plan"]["refused"]
    assert (await ask(served, "/api/offsets/skip", at | WHO | {"offset": 9}))[0] == 409
    status, told = await ask(served, "/api/offsets/skip", at | WHO | {"offset": 2})
    assert (status, told["to"], told["count"]) == (200, 3, 2)
    command = told["command"]
    assert (await ask(served, "/api/offsets", at, method="get"))[1]["standing"]["committed"] == 3
    assert (await ask(served, "/api/offsets/skip", at | WHO | {"offset": 2}))[1]["command"] == ""
    (event,) = [each for each in _audit(kafka) if each["data"]["command"] == command]
    assert (event["type"], event["data"]["author"], event["data"]["to"]) == ("router.offsets.skipped", "ada", 3)
    status, told = await ask(served, "/api/offsets", at | {"partition": 7}, method="get")
    assert (status, told["reason"]) == (400, "wrong-question")


@pytest.mark.kafka
async def test_group_with_members_is_told_by_a_mark(kafka: str, unique: str) -> None:
    """Its offsets are its own: without a topic of marks nothing can be done but to stop it."""
    ensure_topics(kafka, [TopicSpec(unique)])
    _fill(kafka, unique, 5)
    served, at = api(kafka), {"group": unique, "topic": unique, "partition": 0, "offset": 2}
    member = Consumer({"bootstrap.servers": kafka, "group.id": unique, "auto.offset.reset": "earliest"})
    member.subscribe([unique])
    try:
        assert member.poll(30) is not None
        status, told = await ask(served, "/api/offsets/skip", at | WHO)
        assert (status, told["reason"]) == (409, "group-active")
        assert (await ask(served, "/api/offsets/skip", at | WHO | {"mark": True}))[0] == 409
        ensure_topics(kafka, [TopicSpec(parked_of(unique))])
        status, told = await ask(served, "/api/offsets/skip", at | WHO | {"mark": True})
        assert (status, told["count"]) == (200, 1)
    finally:
        member.close()
    assert len(_read(kafka, parked_of(unique))) == 1


def _fill(kafka: str, topic: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": kafka})
    for number in range(count):
        producer.produce(topic, str(number).encode())
    assert producer.flush(20) == 0


def _commit(kafka: str, name: str, offset: int) -> None:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": name})
    consumer.commit(offsets=[TopicPartition(name, 0, offset)], asynchronous=False)
    consumer.close()


def _audit(kafka: str) -> list[Any]:
    return [json.loads(value) for value in _read(kafka, AUDIT)]


def _read(kafka: str, topic: str) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "reader", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, 0, 0)])
    values = []
    while (message := consumer.poll(20)) is not None and message.error() is None:
        values.append(message.value() or b"")
    consumer.close()
    return values
