"""Reading to the end: behind all that was written, whatever a broker says that its end is.

Where a machine is busy, a broker may not be heard of for so long that others lead in its place, and be told so after it has answered a
client that still takes it for the leader: with the end of a while ago. A test that believes it takes what is not routed yet for lost.
The router may not write to find out: test_log_ends.py.
"""

from __future__ import annotations

from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from support.topics import Topics, patiently
from support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from router.develop.broker import DevelopmentKafka

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(90)]


@pytest.fixture
def topics(kafka: str) -> Iterator[Topics]:
    found = Topics(kafka)
    yield found
    found.close()


def test_a_sounding_stands_behind_what_is_there_and_leaves_nothing_to_read(topics: Topics, unique: str) -> None:
    """Its records are aborted: readers of what is committed meet none of them, nor an open transaction."""
    topics.create(unique, partitions=2)
    topics.produce({"topic": unique, "partition": number % 2, "value": b"%d" % number} for number in range(5))
    assert topics.sounded(unique) == {unique: {0: 3, 1: 2}}
    assert [[found.value for found in partition] for partition in topics.read(unique)] == [
        [b"0", b"2", b"4"],
        [b"1", b"3"],
    ]
    assert topics.hanging(unique) == {}


def test_who_reads_to_a_sounding_goes_on_where_the_end_seemed_to_be(topics: Topics, unique: str) -> None:
    """An end that is told too early is not believed: what is written afterwards is read as well."""
    topics.create(unique)
    topics.produce([{"topic": unique, "value": b"early"}])
    reading = topics.scan(unique, behind={0: 2})
    assert [message.value() for message in islice(reading, 1)] == [b"early"]
    topics.produce([{"topic": unique, "value": b"late"}])
    assert [message.value() for message in reading] == [b"late"]


@pytest.mark.proof
@pytest.mark.process
def test_who_asks_a_broker_that_leads_no_more_is_told_an_older_end_than_a_sounding(
    kafka_cluster: Callable[..., DevelopmentKafka], unique: str
) -> None:
    """It is stopped, another one leads and takes a record, and it goes on: what it says first is of before."""
    kafka = kafka_cluster()
    everywhere = Topics(kafka.bootstrap)
    everywhere.create(unique)
    everywhere.produce([{"topic": unique, "value": b"early"}])
    assert everywhere.bounds(unique, 0) == (0, 1)
    leads = everywhere.leader(unique, 0)
    former, others = kafka.nodes[leads - 1], [node for node in kafka.nodes if node.number != leads]
    elsewhere = Topics(",".join(f"127.0.0.1:{node.port}" for node in others))
    told: list[tuple[int, int]] = []
    former.pause()
    asking = Thread(target=lambda: told.append(everywhere.bounds(unique, 0, within=60)), daemon=True)
    asking.start()
    until(lambda: patiently(lambda: elsewhere.leader(unique, 0)) not in {leads, -1}, within=60, what="another leads")
    # The controller, which gives producers their ids, may be who was stopped.
    elsewhere.produce([{"topic": unique, "value": b"late"}], **{"enable.idempotence": False})
    former.resume()
    asking.join(60)
    assert told == [(0, 1)]
    assert everywhere.sounded(unique) == {unique: {0: 2}}
    elsewhere.close()
    everywhere.close()
