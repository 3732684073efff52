"""`router trace`, on a real Kafka."""

import json

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from router.commands.trace import trace
from router.develop.topics import TopicSpec, ensure_topics

HEADERS = [
    ("ce_id", b"e-1"),
    ("router-origin", b"broad.v1/0/7"),
    ("router-hop", b"1;router;w1;AAAAAAAAAAAAAAAAAAAABw;1700000000000;85;0a1b2c3d;"),
]


@pytest.fixture
def topic(kafka: str, unique: str) -> str:
    name = f"{unique}.narrow.v1"
    ensure_topics(kafka, [TopicSpec(name)])
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(name, b"v", key=b"k", headers=HEADERS, partition=0)
    producer.flush()
    return name


def run(kafka: str, *arguments: str) -> Result:
    return CliRunner().invoke(trace, arguments, env={"ROUTER_BROKER": kafka})


def test_the_path_of_a_live_record_is_shown(kafka: str, topic: str) -> None:
    """From where it came to where it lies, as text and as JSON."""
    text = run(kafka, f"{topic}/0/0").output.splitlines()
    assert text[:2] == ["event e-1", "  broad.v1/0/7"]
    assert text[-1] == f"  {topic}/0/0"
    assert json.loads(run(kafka, f"{topic}/0/0", "--json").output)["path"][0]["origin"] == "broad.v1/0/7"


def test_a_place_without_a_record_is_told_with_what_is_there(kafka: str, topic: str) -> None:
    """A topic that does not exist is not created by asking."""
    assert "holds offsets 0 to 0, not 5" in run(kafka, f"{topic}/0/5").output
    assert "has partitions 0 to 0, not 9" in run(kafka, f"{topic}/9/0").output
    for _ in range(2):
        assert f"there is no topic '{topic}.none'" in run(kafka, f"{topic}.none/0/0").output


def test_no_broker_is_told_as_such() -> None:
    """Not as a traceback."""
    result = run("127.0.0.1:1", "x/0/0")
    assert result.exit_code == 1
    assert "no answer from 127.0.0.1:1" in result.output
