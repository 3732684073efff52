"""`router dead-letters`, on topics of a real Kafka."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from router.commands.dead_letters import dead_letters
from router.develop.topics import TopicSpec, ensure_topics
from router.failure.ledger import Ledger

pytestmark = pytest.mark.kafka


@pytest.fixture
def letters(kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return a topic beside which 30 dead letters lie, over two partitions, the last of them uncommitted."""
    monkeypatch.setenv("ROUTER_BROKER", kafka)
    monkeypatch.chdir(tmp_path)
    topic = f"{unique}.refunds"
    ensure_topics(kafka, [TopicSpec(f"{topic}.dead-letters", partitions=2)])
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": unique})
    producer.init_transactions(20)
    producer.begin_transaction()
    for number in range(30):
        many = number % 3 > 0
        headers = [
            ("router-origin", b"orders/0/%d" % number),
            ("router-reason", b"failed"),
            ("router-error", b"out of range: %d" % (number * 10**9) if many else b"key 'k%d' is taken" % number),
            ("router-error-class", b"RangeError" if many else b"Unique\x1b[31mViolation"),
            ("router-destination", topic.encode()),
            *Ledger().died(topic, "failed", 1000 + number).headers(),
        ]
        value = json.dumps({"amount": number}).encode() if number else b"\xff"
        producer.produce(
            f"{topic}.dead-letters", value, key=b"k%d" % number, headers=headers, partition=number % 2, timestamp=5
        )
    producer.commit_transaction()
    producer.begin_transaction()
    producer.produce(f"{topic}.dead-letters", b"aborted", partition=0)
    producer.flush(20)
    producer.abort_transaction()
    return topic


def run(*arguments: str) -> Result:
    return CliRunner().invoke(dead_letters, arguments)


def test_thirty_deaths_read_as_two_causes(letters: str) -> None:
    """The larger first; what was aborted was never there."""
    found = json.loads(run("list", letters, "--json").stdout)
    assert (found["topics"], found["deaths"], found["unasked"]) == ([f"{letters}.dead-letters"], 30, 0)
    assert [(each["error"], each["message"], each["deaths"]) for each in found["causes"]] == [
        ("RangeError", "out of range: <n>", 20),
        ("Unique\x1b[31mViolation", "key <text> is taken", 10),
    ]
    assert (found["causes"][0]["first"], found["causes"][0]["last"]) == (1001, 1029)
    assert found["causes"][0]["example"] == "out of range: 29000000000"


def test_the_table_is_a_line_a_cause(letters: str) -> None:
    """Without what could steer a terminal."""
    told = run("list", letters)
    assert "30 dead letters of 2 causes in 1 topics" in told.stdout
    assert "RangeError" in told.stdout
    assert "\x1b" not in told.stdout
    assert len(told.stdout.splitlines()) == 4


def test_what_is_meant_can_be_said(letters: str) -> None:
    """By key, time, cause and expression; what cannot be asked is told."""
    causes = json.loads(run("list", letters, "--json").stdout)["causes"]
    chosen = run("list", letters, "--json", "--cause", causes[1]["cause"], "--key", "k3")
    assert json.loads(chosen.stdout)["deaths"] == 1, (causes, chosen.output)
    asked = run("list", letters, "--where", "amount >= 20.0")
    assert "10 dead letters" in asked.stdout
    assert "1 more could not be asked" in asked.stderr
    assert "0 dead letters of 0 causes" in run("list", letters, "--since", "1h").stdout
    assert run("list", letters, "--since", "soon").exit_code == 2
    assert "there is no topic" in run("list", f"{letters}x").stderr


def test_one_letter_is_shown_whole(letters: str) -> None:
    """Its death, its ledger and the record."""
    place = f"{letters}.dead-letters/1/1"
    told = json.loads(run("show", place, "--json").stdout)
    assert told["death"]["message"] == "key 'k3' is taken"
    assert told["death"]["origin"] == "orders/0/3"
    assert told["ledger"] == [{"destination": letters, "reason": "failed", "count": 1, "first": 1003, "last": 1003}]
    assert (told["key"], told["plain"], told["timestamp"]) == ({"text": "k3"}, {"amount": 3}, 5)
    lines = run("show", place).stdout
    assert "died of failed, as router tells it" in lines
    assert 'value {"amount": 3}' in lines
    assert "\x1b" not in lines
    unread = run("show", f"{letters}.dead-letters/0/0").stdout
    assert "value base64 /w==" in unread
    assert run("show", f"{letters}.dead-letters/9/0").exit_code == 1


def test_an_export_has_every_byte(letters: str, tmp_path: Path) -> None:
    """A line each, to a file or to standard output."""
    lines = [json.loads(line) for line in run("export", letters).stdout.splitlines()]
    assert len(lines) == 30
    assert {line["value"].get("base64") for line in lines} == {"/w==", None}
    assert run("export", letters, "--key", "k4", "-o", str(tmp_path / "out.jsonl")).exit_code == 0
    (one,) = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines())
    assert (one["key"], one["headers"][0]) == ({"text": "k4"}, ["router-origin", {"text": "orders/0/4"}])


def test_memory_does_not_grow_with_the_letters(kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifteen thousand, of 400 bytes each, in a few megabytes."""
    monkeypatch.setenv("ROUTER_BROKER", kafka)
    topic = f"{unique}.many.dead-letters"
    ensure_topics(kafka, [TopicSpec(topic)])
    producer = Producer({"bootstrap.servers": kafka, "queue.buffering.max.messages": 100_000})
    for number in range(15_000):
        producer.produce(topic, b"x" * 300, headers=[("router-reason", b"failed"), ("router-error", b"no %d" % number)])
    assert producer.flush(60) == 0
    run("list", topic, "--key", "none")  # what is loaded once is loaded
    tracemalloc.start()
    try:
        found = json.loads(run("list", topic, "--json").stdout)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [each["deaths"] for each in found["causes"]] == [15_000]
    assert peak < 9_000_000, peak
