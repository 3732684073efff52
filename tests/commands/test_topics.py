"""`router topics`, on a real Kafka."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, Producer

from router.commands.topics import topics
from router.develop.topics import TopicSpec, ensure_topics

SCHEMA = '{"type": "record", "name": "order", "fields": [{"name": "country", "type": "string"}]}'


@pytest.fixture
def shop(tmp_path: Path, unique: str) -> Path:
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "shop.yaml").write_text(f"""
version: 1
team: shop
exchanges:
  orders: {{type: topic, sources: [{unique}.order.v1], routing-key: "{{country}}"}}
topics:
  {unique}.order.v1: {{partitions: 2}}
  {unique}.ru.order.v1: {{retention: 2h, from: [{{exchange: orders, binding-key: RU}}]}}
""")
    (tmp_path / "schemas" / "order").mkdir(parents=True)
    (tmp_path / "schemas" / "order" / "v1.avsc").write_text(SCHEMA)
    return tmp_path


def run(kafka: str, shop: Path, *arguments: str) -> Result:
    folders = [str(shop / "routes"), "--schemas", str(shop / "schemas")]
    return CliRunner().invoke(topics, [*folders, *arguments], env={"ROUTER_BROKER": kafka})


def plan(kafka: str, shop: Path, *arguments: str) -> list[tuple[str, str, str]]:
    result = run(kafka, shop, "--json", *arguments)
    assert result.exit_code == 0, result.output
    return [(each["kind"], each["topic"], each["what"]) for each in json.loads(result.output)["changes"]]


def test_missing_topics_are_shown_then_made_then_as_planned(kafka: str, shop: Path, unique: str) -> None:
    """Without --apply nothing is made; after it nothing is left."""
    names = [
        f"{unique}.order.v1",
        f"{unique}.ru.order.v1",
        f"{unique}.order.v1.unroutable",
        f"{unique}.order.v1.dead-letters",
    ]
    missing = [("create", name, "") for name in names]
    assert plan(kafka, shop) == missing
    assert plan(kafka, shop, "--apply") == missing
    assert plan(kafka, shop) == []
    assert "4 topics are as planned" in run(kafka, shop).output


def test_settings_are_changed_and_others_stay(kafka: str, shop: Path, unique: str) -> None:
    """Kafka's request replaces all of a topic's settings: those that are not ours must survive it."""
    name = f"{unique}.ru.order.v1"
    config = {"retention.ms": "1000", "segment.bytes": "1234567"}
    ensure_topics(kafka, [TopicSpec(name, partitions=1, config=config)])
    run(kafka, shop, "--apply")
    assert plan(kafka, shop) == [("grow", name, "partitions")]
    assert plan(kafka, shop, "--apply", "--grow") == [("grow", name, "partitions")]
    (shop / "routes" / "shop.yaml").write_text((shop / "routes" / "shop.yaml").read_text().replace("2h", "1h"))
    assert plan(kafka, shop, "--apply") == [("leave", name, "retention.ms")]
    text = run(kafka, shop).output
    assert "it would delete records that are kept now" in text
    assert "1 difference left" in text


def test_more_members_than_partitions_are_told(kafka: str, shop: Path, unique: str) -> None:
    """Of a group that has read something."""
    run(kafka, shop, "--apply")
    topic = f"{unique}.ru.order.v1"
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(topic, b"v", partition=0)
    producer.flush()
    members = [
        Consumer({"bootstrap.servers": kafka, "group.id": unique, "auto.offset.reset": "earliest"}) for _ in range(3)
    ]
    try:
        assigned: list[int] = []
        for member in members:
            member.subscribe([topic], on_assign=lambda *_: assigned.append(1))
        for _ in range(200):
            for member in members:
                message = member.poll(0.1)
                if message is not None and not message.error():
                    member.commit(message, asynchronous=False)
            said = json.loads(run(kafka, shop, "--json").output)["warnings"] if len(assigned) >= 3 else []
            if any("for the 3 members" in warning for warning in said):
                return
        pytest.fail("never told")
    finally:
        for member in members:
            member.close()


def test_wrong_calls_and_an_absent_broker_are_told(kafka: str, shop: Path) -> None:
    """With the way out, not with a traceback."""
    assert run(kafka, shop, "--outage", "soon").exit_code == 2
    assert "no answer from" in run("127.0.0.1:1", shop).output
    (shop / "routes" / "shop.yaml").write_text("version: 1\n")
    assert "the routes have errors" in run(kafka, shop).output


def test_a_subject_has_the_versions_that_there_are(kafka: str, shop: Path, unique: str) -> None:
    """A fresh system gets the latest; after a migration the former one stays away."""
    routes = shop / "routes" / "shop.yaml"
    text = routes.read_text().replace(f"sources: [{unique}.order.v1]", f"sources: [{unique}.order]")
    routes.write_text(text.replace(f"  {unique}.order.v1: {{partitions: 2}}\n", ""))
    (shop / "schemas" / "order" / "v2.avsc").write_text(SCHEMA)
    (shop / "schemas" / "order" / "v2_to_v1.yaml").write_text("{}\n")
    made = [name for _, name, _ in plan(kafka, shop, "--apply")]
    assert made == [
        f"{unique}.{name}" for name in ("order.v2", "ru.order.v1", "order.v2.unroutable", "order.v2.dead-letters")
    ]
    assert plan(kafka, shop) == []
