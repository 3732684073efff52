"""Finding parked keys on a real Kafka, and telling their lanes."""

from __future__ import annotations

import pytest
from confluent_kafka import Producer
from support.language import load

from router.develop.topics import TopicSpec, ensure_topics
from router.failure.commands import GiveUpKey, ReleaseKey, read_command
from router.failure.parking import Back, KeyState, Phase
from router.failure.rejections import Lane
from router.failure.stored import by_key, encode_state, of_one, state_key
from router.language.topics import changelog_of
from router.redrive.kafka import RedriveKafka
from router.redrive.letting import give_up, parked_keys, release
from router.settings import Settings

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


async def test_lanes_of_parked_keys_are_told(kafka: str, unique: str) -> None:
    """In the partition of each, and told in the audit; what is kept alone has no key that could be let go."""
    changelog, topic = changelog_of(unique, f"{unique}.events"), f"{unique}.vip"
    ensure_topics(kafka, [TopicSpec(changelog, partitions=2), TopicSpec(f"{topic}.rejected", partitions=2)])
    state = encode_state(KeyState(phase=Phase.PARKED, back=(Back((0, 1), 1, parked=True),)))
    producer = Producer({"bootstrap.servers": kafka})
    for partition, ident in ((0, by_key(b"one")), (1, by_key(b"two")), (1, of_one(7))):
        producer.produce(changelog, state, key=state_key(topic, ident), partition=partition)
    assert producer.flush(20) == 0
    route_set, findings = load(ROUTES.format(unique))
    assert route_set is not None, findings
    connection = RedriveKafka(Settings.from_environment({"ROUTER_BROKER": kafka, "ROUTER_GROUP": unique}))
    try:
        assert len(await parked_keys(connection, route_set)) == 3
        keys = await parked_keys(connection, route_set, topic=topic)
        assert sorted(each.key or b"" for each in keys) == [b"one", b"two"]
        (two,) = await parked_keys(connection, route_set, topic=topic, key=b"two")
        released = await release(connection, topic, keys, ("ada", "fixed"), 5)
        given_up = await give_up(connection, topic, [two], ("ada", "no use"), 6, silently=True)
        ends = await connection.ends([f"{topic}.rejected"])
        told = [
            read_command(record)
            for at, end in ends.items()
            async for records, _ in connection.records(at, end=end, most=10)
            for record in records
        ]
        source = f"{unique}.events"
        assert told == [
            ReleaseKey(released, Lane(source, 0), b"one"),
            ReleaseKey(released, Lane(source, 1), b"two"),
            GiveUpKey(given_up, Lane(source, 1), b"two", silently=True),
        ]
        events = [each async for each in connection.events(since=0) if each.command in {released, given_up}]
        assert [(each.type, each.data["author"], len(each.data["keys"])) for each in events] == [
            ("router.parked.released", "ada", 2),
            ("router.parked.given-up", "ada", 1),
        ]
    finally:
        await connection.close()
