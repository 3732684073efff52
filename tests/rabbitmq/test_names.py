"""Queues' names as topics' names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.language.kafka_names import is_topic_name
from router.rabbitmq.names import exchange_names, topic_names


@pytest.mark.parametrize(
    ("queues", "topics"),
    [
        pytest.param(["orders.v1", "Q_2-x"], ["orders.v1", "Q_2-x"], id="as they are"),
        pytest.param(["to do"], ["to-do"], id="a blank"),
        pytest.param(["a::b", "a-b"], ["a-b-2", "a-b"], id="taken"),
        pytest.param(["a b", "a/b"], ["a-b", "a-b-2"], id="both renamed"),
        pytest.param(["a.b", "a_b"], ["a.b", "a_b-2"], id="only dots and underscores apart"),
        pytest.param(["__consumer_offsets"], ["consumer_offsets"], id="of Kafka itself"),
        pytest.param([".."], ["queue-5ec1f7e7"], id="dots"),
        pytest.param(["ключ"], [None], id="nothing is left"),
        pytest.param(["q" * 250], [None], id="too long"),
    ],
)
def test_names_stay_where_kafka_takes_them(queues: list[str], topics: list[str | None]) -> None:
    """Else it is the nearest that nobody has, with the reason."""
    named = topic_names(queues)
    for queue, topic in zip(queues, topics, strict=True):
        new, reason = named[queue]
        assert is_topic_name(new)
        assert bool(reason) is (new != queue)
        if topic is not None:
            assert new == topic


@given(st.lists(st.text(min_size=1, max_size=260), unique=True, max_size=8))
def test_every_queue_gets_a_topic_of_its_own(queues: list[str]) -> None:
    """Kafka could create them all, in any order."""
    named = topic_names(queues)
    new = [name for name, _ in named.values()]
    assert all(map(is_topic_name, new))
    assert len({name.replace(".", "_") for name in new}) == len(queues)
    assert named == topic_names(reversed(queues))


@given(st.lists(st.text(min_size=1, max_size=260), unique=True, max_size=8))
def test_every_exchange_gets_a_name_that_can_be_written(exchanges: list[str]) -> None:
    """Printable, short enough, its own, and the old one where that is so already."""
    named = exchange_names(exchanges)
    new = [name for name, _ in named.values()]
    assert len(set(new)) == len(exchanges)
    assert all(name.isprintable() and 0 < len(name) <= 255 for name in new)
    assert all(bool(reason) is (old != name) for old, (name, reason) in named.items())
