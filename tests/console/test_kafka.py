"""What the console reads from a real Kafka."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.topics import Topics

from router.console.kafka import Kafka
from router.errors import BrokerUnavailable


def _no_security() -> dict[str, Any]:
    return {}


async def test_it_reads_what_is_there(kafka: str, topic_names: Callable[[str], str], unique: str) -> None:
    """Counts, offsets, settings, what a group has committed, and records between two offsets."""
    topics = Topics(kafka)
    name = topic_names("seen.v1")
    topics.create(name, partitions=2, retention_ms="60000")
    topics.produce(
        {"topic": name, "key": f"k{n}", "value": b"%d" % n, "partition": n % 2, "timestamp": 1_000 * (n + 1)}
        for n in range(10)
    )
    reader = Kafka(kafka, _no_security)
    at = [(name, 0), (name, 1)]
    try:
        assert (await reader.partition_counts())[name] == 2
        assert await reader.ends(at) == dict.fromkeys(at, 5)
        assert await reader.begins(at) == dict.fromkeys(at, 0)
        assert await reader.at_time(at, 5_500) == {at[0]: 3, at[1]: 2}
        assert await reader.at_time(at, 60_000) == dict.fromkeys(at, 5)
        assert (await reader.configs([name]))[name]["retention.ms"] == "60000"
        assert unique not in await reader.committed()
        found: list[bytes | None] = []
        async for records, positions in reader.read({at[0]: 1, at[1]: 4}, {at[0]: 3, at[1]: 5}):
            found += [each.value for each in records]
            last = positions
        assert (sorted(found, key=str), last) == ([b"2", b"4", b"9"], {at[0]: 3, at[1]: 5})
        assert [each async for each in reader.read({at[0]: 5}, {at[0]: 5})] == []
        async for records, _ in reader.read({at[0]: 4}, None):
            if records:
                assert [each.offset for each in records] == [4]
                break
        assert (
            await reader.ends([]),
            await reader.begins([]),
            await reader.configs([]),
            await reader.at_time([], 0),
        ) == ({}, {}, {}, {})
    finally:
        await reader.close()
        topics.close()


async def test_a_kafka_that_does_not_answer_is_said_to() -> None:
    """Whatever it is asked; the next question tries again."""
    reader = Kafka("127.0.0.1:1", _no_security)
    for question in (reader.partition_counts(), reader.ends([("t", 0)]), reader.committed(), reader.configs(["t"])):
        with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
            await question
    with pytest.raises(BrokerUnavailable):
        await anext(reader.read({("t", 0): 0}, None))
    await reader.close()
