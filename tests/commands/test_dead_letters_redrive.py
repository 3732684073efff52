"""`router dead-letters redrive`, `skip` and `edit`, on a real Kafka; tests/acceptance has them with workers."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from router.commands.dead_letters import dead_letters
from router.develop.topics import TopicSpec, ensure_topics

pytestmark = pytest.mark.kafka

ROUTES = """
version: 1
team: t
exchanges:
  events: {{type: fanout, sources: [{0}.events]}}
topics:
  {0}.events: {{format: json}}
  {0}.all: {{from: [{{exchange: events}}], format: json}}
"""


@pytest.fixture
def shop(kafka: str, unique: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the word of a shop with three dead letters of two destinations, one of which is gone."""
    for name in ("routes", "schemas"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(f"ROUTER_{name.upper()}", str(tmp_path / name))
    (tmp_path / "routes" / "t.yaml").write_text(ROUTES.format(unique))
    monkeypatch.setenv("ROUTER_BROKER", kafka)
    monkeypatch.setenv("ROUTER_GROUP", unique)
    monkeypatch.setenv("USER", "ada")
    ensure_topics(kafka, [TopicSpec(f"{unique}.all"), TopicSpec(f"{unique}.all.dead-letters")])
    producer = Producer({"bootstrap.servers": kafka})
    for number, destination in enumerate(("all", "all", "gone")):
        headers = [
            ("router-reason", b"failed"),
            ("router-error", b"no \x1b[31m%d" % number),
            ("router-destination", f"{unique}.{destination}".encode()),
        ]
        value = json.dumps({"n": number})
        at = round(time.time() * 1000)
        producer.produce(f"{unique}.all.dead-letters", value, key=b"k%d" % number, headers=headers, timestamp=at)
    assert producer.flush(20) == 0
    return unique


def run(*arguments: str, said: str | None = None) -> Result:
    return CliRunner().invoke(dead_letters, arguments, input=said)


def test_plan_is_shown_and_asked_about(shop: str) -> None:
    """By topic, way and cause, with what is left and why; whoever says no has done nothing."""
    asked = run("redrive", f"{shop}.all", "--reason", "fixed", said="n\n")
    assert asked.exit_code == 1
    assert "3 of 3 dead letters are meant" in asked.output
    assert f"{shop}.all" in asked.output
    assert "destination-gone" in asked.output
    assert "by ada: send 2 records, at most 1,000 a second?" in asked.output
    assert "nothing was done" in asked.output
    assert "\x1b" not in asked.output
    done = run("redrive", f"{shop}.all", "--reason", "fixed", said="y\n")
    assert "2 sent, 1 left" in done.output, done.output
    again = run("redrive", f"{shop}.all", "--reason", "fixed")
    assert "done before" in again.output
    assert "0 sent, 1 left, 2 done before" in again.output


def test_skipping_is_asked_about_too(shop: str) -> None:
    """In its own words."""
    asked = run("skip", f"{shop}.all", "--key", "k1", "--reason", "by hand", said="y\n")
    assert "leave 1 dead letters out of every redrive?" in asked.output
    assert "1 skipped" in asked.output
    assert "2 dead letters of" in run("list", f"{shop}.all", "--open").output
    assert "3 dead letters of" in run("list", f"{shop}.all").output
    assert len(run("export", f"{shop}.all", "--open").stdout.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["redrive"], "--reason", id="no reason"),
        pytest.param(["redrive", "--reason", "x", "--author", " "], "--author", id="no author"),
        pytest.param(
            ["redrive", "--reason", "x", "--to", "nowhere"], "no route leads to 'nowhere'", id="no such topic"
        ),
        pytest.param(["redrive", "--reason", "x", "--cause", "failed"], "no cause", id="no cause"),
        pytest.param(["redrive", "nowhere.v1", "--reason", "x"], "there is no topic", id="no dead letters"),
        pytest.param(["redrive", "--resume", "nowhere"], "no command 'nowhere'", id="no such command"),
        pytest.param(["redrive", "--reason", "x", "--routes", "no-folder"], "does not exist", id="no routes"),
        pytest.param(["edit", "x/0/0", "--reason", "x"], "there is no topic 'x'", id="no dead letter"),
    ],
)
def test_what_cannot_be_done_says_what_is_missing(shop: str, arguments: list[str], said: str) -> None:
    """Before anything is."""
    refused = run(*arguments)
    assert refused.exit_code > 0
    assert said in refused.output, shop


def test_resumed_command_is_of_its_own_kind(shop: str) -> None:
    """A skip is taken up by skip."""
    told = run("skip", f"{shop}.all", "--key", "k1", "--reason", "by hand", "--yes", "--json")
    command = json.loads(told.stdout.splitlines()[0])["command"]
    refused = run("redrive", "--resume", command)
    assert "was no redrive, but skip" in refused.output
    assert "1 done before" in run("skip", "--resume", command, "--yes").output


def test_value_is_changed_in_an_editor(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who changes nothing sends nothing, and what is no JSON says so."""
    place = f"{shop}.all.dead-letters/0/0"
    answers = ['{\n  "n": 0\n}\n', "{", '{"n": 7}']
    monkeypatch.setattr(click, "edit", lambda *_, **__: answers.pop(0))
    assert "nothing was changed" in run("edit", place, "--reason", "x").output
    assert "is not JSON" in run("edit", place, "--reason", "x").output
    assert "1 sent" in run("edit", place, "--reason", "x", "--yes").output
    gone = f"{shop}.all.dead-letters/0/2"
    assert "cannot be sent: no route leads to" in run("edit", gone, "--reason", "x").output
