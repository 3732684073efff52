"""`router offsets`, on a real Kafka; tests/acceptance has an active group."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, Producer, TopicPartition

from router.commands.offsets import offsets
from router.develop.topics import TopicSpec, ensure_topics
from router.failure.skipping import SKIPS, Skipping, read_mark

pytestmark = pytest.mark.kafka


@pytest.fixture
def topic(kafka: str, unique: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return a topic of three records, with a topic of marks."""
    monkeypatch.setenv("ROUTER_BROKER", kafka)
    monkeypatch.setenv("USER", "ada")
    monkeypatch.chdir(tmp_path)
    ensure_topics(kafka, [TopicSpec(unique), TopicSpec(f"{unique}.parked")])
    producer = Producer({"bootstrap.servers": kafka})
    for number in range(3):
        producer.produce(unique, b"%d" % number, key=b"k")
    assert producer.flush(20) == 0
    return unique


def run(*arguments: str, said: str | None = None) -> Result:
    return CliRunner().invoke(offsets, arguments, input=said)


def test_group_is_moved_when_it_was_confirmed(topic: str) -> None:
    """Over as many as it says."""
    usual = ("skip", f"g-{topic}", topic, "0", "1", "--reason", "x")
    refused = run(*usual, said="n\n")
    assert f"{topic}/0/1: key b'k', 1 bytes, 0 headers" in refused.output
    assert "2 offsets are passed over, not one" in refused.output
    assert "nothing was done" in refused.output
    assert run(*usual, said="y\n").output.endswith("done\n")
    told = json.loads(run("show", f"g-{topic}", topic, "0", "--json").output)
    assert (told["committed"], told["active"], told["end"]) == (2, False, 3)
    assert "stands at 2" in run("show", f"g-{topic}", topic, "0").output


def test_mark_tells_consumers_that_read_marks(topic: str, kafka: str) -> None:
    """Without moving the group; where there is no topic of marks, that is said."""
    done = run("skip", f"g-{topic}", topic, "0", "1", "--mark", "--reason", "does not fit", "--yes")
    assert "will say: leave it out" in done.output
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": topic})
    consumer.assign([TopicPartition(f"{topic}.parked", 0, 0)])
    mark = consumer.poll(20)
    consumer.close()
    assert mark is not None
    headers = tuple(mark.headers() or ())
    assert SKIPS in dict(headers)
    assert read_mark(mark.key(), mark.value(), headers, topic=topic, partition=0) == Skipping(
        1, skip=True, reason="does not fit", author="ada"
    )
    assert json.loads(run("show", f"g-{topic}", topic, "0", "--json").output)["committed"] is None
    nobody = run("skip", "g", f"{topic}.parked", "0", "0", "--mark", "--reason", "x", "--yes")
    assert "nobody reads any" in nobody.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["0", "9", "--reason", "x"], "holds offsets 0 to 2, not 9", id="to come"),
        pytest.param(["7", "0", "--reason", "x"], "partitions 0 to 0", id="no such partition"),
        pytest.param(["0", "1"], "--reason", id="no reason"),
    ],
)
def test_what_cannot_be_skipped_says_why(topic: str, arguments: list[str], said: str) -> None:
    """And ends with an error."""
    refused = run("skip", "g", topic, *arguments, "--yes")
    assert refused.exit_code > 0
    assert said in refused.output


def test_group_behind_the_record_has_nothing_to_do(topic: str) -> None:
    """The same command twice changes nothing, with a mark either."""
    usual = ("skip", f"g-{topic}", topic, "0", "1", "--reason", "x", "--yes")
    run(*usual)
    for more in ((), ("--mark",)):
        again = run(*usual, *more)
        assert (again.exit_code, "nothing to do" in again.output) == (0, True)
