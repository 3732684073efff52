"""`router parked`, on a real Kafka; tests/acceptance has it with workers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, Producer, TopicPartition

from router.commands.parked import parked
from router.develop.topics import TopicSpec, ensure_topics
from router.failure.commands import GIVES_UP, RELEASES
from router.failure.parking import Back, KeyState, Phase
from router.failure.stored import by_key, encode_state, state_key
from router.language.topics import changelog_of

pytestmark = pytest.mark.kafka

ROUTES = """
version: 1
team: t
exchanges:
  events: {{type: fanout, sources: [{0}.events]}}
topics:
  {0}.events: {{format: json}}
  {0}.vip: {{failure: {{then: park}}, from: [{{exchange: events}}], format: json}}
"""


@pytest.fixture
def shop(kafka: str, unique: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the word of a shop of which two keys are parked."""
    for name in ("routes", "schemas"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(f"ROUTER_{name.upper()}", str(tmp_path / name))
    (tmp_path / "routes" / "t.yaml").write_text(ROUTES.format(unique))
    monkeypatch.setenv("ROUTER_BROKER", kafka)
    monkeypatch.setenv("ROUTER_GROUP", unique)
    monkeypatch.setenv("USER", "ada")
    changelog = changelog_of(unique, f"{unique}.events")
    ensure_topics(kafka, [TopicSpec(changelog), TopicSpec(f"{unique}.vip.rejected")])
    producer = Producer({"bootstrap.servers": kafka})
    for number in range(2):
        back = Back((0, number), number, until=1_795_303_939_000, parked=True)
        state = encode_state(KeyState(phase=Phase.PARKED, back=(back,)))
        producer.produce(changelog, state, key=state_key(f"{unique}.vip", by_key(b"k\x1b%d" % number)))
    assert producer.flush(20) == 0
    return unique


def run(*arguments: str, said: str | None = None) -> Result:
    return CliRunner().invoke(parked, arguments, input=said)


def told_to_lanes(kafka: str, topic: str) -> list[tuple[bytes | None, list[str]]]:
    """Key and headers of what was told."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": topic, "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    while (message := consumer.poll(20)) is not None and message.error() is None:
        found.append((message.key(), [name for name, _ in message.headers() or ()]))
    consumer.close()
    return found


def test_keys_are_listed_for_people_and_programs(shop: str) -> None:
    """A line each, without what could steer a terminal."""
    listed = run("list")
    assert "2 keys wait, and 2 records with them" in listed.output
    assert "2026-11-21T23:32:19Z" in listed.output
    assert "\x1b" not in listed.output
    (first, _) = (json.loads(line) for line in run("list", f"{shop}.vip", "--json").output.splitlines())
    assert (first["key"], first["state"], first["lane"]) == ("k\x1b0", "parked", f"{shop}.events/0")
    assert "0 keys wait" in run("list", "elsewhere").output


def test_lanes_are_told_what_was_confirmed(shop: str, kafka: str) -> None:
    """To let a key flow, or to give up what parks all of them."""
    topic = f"{shop}.vip"
    assert "nothing was done" in run("release", topic, "--key", "k\x1b1", "--reason", "x", said="n\n").output
    done = run("release", topic, "--key", "k\x1b1", "--reason", "x", said="y\n")
    assert "let 1 keys of" in done.output
    assert "their lanes are told" in done.output
    run("give-up", topic, "--all", "--skip", "--reason", "x", "--yes")
    told = told_to_lanes(kafka, f"{topic}.rejected")
    assert [(key, name) for key, names in told for name in names if name in {RELEASES, GIVES_UP}] == [
        (b"k\x1b1", RELEASES),
        (b"k\x1b0", GIVES_UP),
        (b"k\x1b1", GIVES_UP),
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--reason", "x"], "--key TEXT, or --all", id="neither"),
        pytest.param(["--reason", "x", "--all", "--key", "k"], "--key TEXT, or --all", id="both"),
        pytest.param(["--all"], "--reason", id="no reason"),
        pytest.param(["--key", "flows", "--reason", "x"], "nothing to do", id="a key that flows"),
    ],
)
def test_what_is_not_said_is_asked_for(shop: str, kafka: str, arguments: list[str], said: str) -> None:
    """And nobody is told anything."""
    assert said in run("release", f"{shop}.vip", *arguments, "--yes").output
    assert told_to_lanes(kafka, f"{shop}.vip.rejected") == []


def test_dry_run_only_tells(shop: str, kafka: str) -> None:
    """Which keys there are; no reason is wanted for that."""
    shown = run("release", f"{shop}.vip", "--all", "--dry-run", "--json")
    assert len(shown.output.splitlines()) == 2
    assert told_to_lanes(kafka, f"{shop}.vip.rejected") == []
