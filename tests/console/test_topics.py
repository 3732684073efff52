"""Topics, and who feeds and reads them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import pytest
from support.console import SOURCE, MemoryKafka, busy_sight

from router.console.kafka import Fetched
from router.console.measuring import At
from router.console.sight import Absent
from router.console.topics import topic, topics
from router.errors import BrokerUnavailable


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        pytest.param({"role": "source"}, {SOURCE}, id="role"),
        pytest.param({"team": "shop"}, {"paid.order.v1", "all.order.v1"}, id="team"),
        pytest.param({"q": "PAID"}, {"paid.order.v1"}, id="part of a name"),
        pytest.param({"role": "other"}, {"elsewhere"}, id="none of ours"),
        pytest.param({"q": "nothing"}, set(), id="nothing"),
    ],
)
async def test_topics_are_filtered(asked: dict[str, str], names: set[str]) -> None:
    """Those of routes come first, then others; Kafka's own are nobody's business."""
    sight = await busy_sight()
    assert isinstance(sight.kafka, MemoryKafka)
    sight.kafka.logs |= {("elsewhere", 0): [], ("__consumer_offsets", 0): []}
    await sight.watching.look()
    assert {each["topic"] for each in (await topics(sight, asked))["topics"]} == names


async def test_a_topic_tells_who_feeds_it_and_who_reads_it() -> None:
    """By lines of files, and by how far behind each group is, in records and in time."""
    sight = await busy_sight()
    source = await topic(sight, {"topic": SOURCE})
    assert [(each["way"], each["exchange"], each["by"]) for each in source["feeds"]] == [
        ("feeds", "orders", "{status}")
    ]
    (reader,) = source["readers"]
    assert [each["lag"] for each in reader["partitions"]] == [9, 0]
    assert reader["oldest_unread"] == 1_700_000_001_000
    assert (source["table"], source["schema"], source["settings"]["retention.ms"]) == (True, "order.v1", "604800000")
    narrow = await topic(sight, {"topic": "paid.order.v1"})
    (binding,) = narrow["feeds"]
    assert (binding["way"], binding["by"], binding["file"], binding["line"]) == (
        "fed by",
        "'paid'",
        "routes/shop.yaml",
        7,
    )
    assert (narrow["readers"], narrow["table"]) == ([], False)


async def test_an_alternate_feeds_a_topic_too() -> None:
    """And is said to be one."""
    from support.console import ROUTES, SCHEMAS, new_sight, today  # noqa: PLC0415 - for this one

    texts = {
        "routes/shop.yaml": ROUTES.replace("wait: 5s}}", "wait: 5s}, alternate: {topic: rest.order.v1}}")
        + "  rest.order.v1: {}\n"
    }
    sight = new_sight(of=today(texts, SCHEMAS))
    await sight.watching.look()
    assert [each["way"] for each in (await topic(sight, {"topic": "rest.order.v1"}))["feeds"]] == ["alternate of"]


async def test_a_topic_that_is_not_there_is_said_to_be_so() -> None:
    """Whether routes need it or not; the age of what is unread is left out where it cannot be read."""
    sight = await busy_sight()
    assert isinstance(sight.kafka, MemoryKafka)
    del sight.kafka.logs["paid.order.v1", 0], sight.kafka.logs["paid.order.v1", 1]
    with pytest.raises(Absent, match="routes need it"):
        await topic(sight, {"topic": "paid.order.v1"})
    with pytest.raises(Absent, match="there is no such topic"):
        await topic(sight, {"topic": "nothing"})

    def read(starts: Mapping[At, int], ends: Mapping[At, int] | None) -> AsyncIterator[Fetched]:
        raise BrokerUnavailable(brokers=str(starts), problem=str(ends))

    sight.kafka.read = read  # type: ignore[method-assign] # one that fails
    assert (await topic(sight, {"topic": SOURCE}))["readers"][0]["oldest_unread"] is None
