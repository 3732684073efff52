"""Reading to the end: behind all that was written, whatever a broker says that its end is."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest
from support.topics import Topics

if TYPE_CHECKING:
    from collections.abc import Iterator

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
