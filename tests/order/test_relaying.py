"""The lanes of sources whose records are keyed anew."""

from __future__ import annotations

import pytest
from order.gathered import INTERNAL, PAYMENTS, STATUSES, come, double, header, reasons, values

from router.records.partition import partition_of
from router.testing.worker import StandsStill

OTHERS = "others: {type: fanout, sources: [status.v1]}"
NOW = "now: {format: avro, ordered: false, from: [{exchange: orders}]}"


def test_record_goes_through_by_what_it_is_ordered_by() -> None:
    """To the partition that a Java client chooses for that text, whatever its own key and partition are."""
    with double() as router:
        for order in ("a", "b", "c", "d"):
            come(router, STATUSES, order, 1, key="customer", partition=2)
        lies = router.read(INTERNAL)
    assert [each.key for each in sorted(lies, key=lambda one: one.key or b"")] == [b"a", b"b", b"c", b"d"]
    assert all(each.partition == partition_of(each.key or b"", 3) for each in lies)
    assert [header(each, "router-key") for each in lies] == [[b"customer"]] * 4


def test_record_of_no_order_is_set_aside_where_it_came() -> None:
    """Its topics that do not wait have their copies all the same."""
    with double(topics=NOW) as router:
        lost = come(router, PAYMENTS, None, 1)
        assert reasons(router, PAYMENTS) == [b"order-unknown"]
        assert values(router, "now") == [lost.value]
        assert values(router, "all") == values(router, INTERNAL) == []


def test_record_that_cannot_be_read_is_set_aside_where_it_came() -> None:
    """Whether its routes need to read anything or not."""
    with double(topics=NOW) as router:
        router.publish(STATUSES, b"\xff", key="a")
        assert reasons(router, STATUSES) == [b"unreadable"]
        assert values(router, "now") == []


@pytest.mark.parametrize(
    ("key", "customer", "expected"),
    [
        pytest.param("c-1", "c-1", [], id="as declared"),
        pytest.param(None, None, [], id="both without"),
        pytest.param("c-1", "c-2", [b"key-mismatch"], id="another"),
        pytest.param("c-1", None, [b"key-mismatch"], id="a key of none"),
        pytest.param(None, "c-1", [b"key-mismatch"], id="none of a key"),
        pytest.param(None, "", [b"key-mismatch"], id="none of the empty text"),
    ],
)
def test_declared_key_is_verified_record_by_record(
    key: str | None, customer: str | None, expected: list[bytes]
) -> None:
    """`key:` may name another field than the records are ordered by; a wrong one is nobody's, at once or later."""
    with double(more="key: customer", topics=NOW) as router:
        come(router, STATUSES, "a", 1, key=key, customer=customer)
        assert reasons(router, STATUSES) == expected
        assert len(values(router, "all")) == len(values(router, "now")) == (0 if expected else 1)


TOMBSTONES = [
    pytest.param("key: order", b"a", [], 1, 0, id="ordered by its key"),
    pytest.param("key: order", None, [b"order-unknown"], 0, 0, id="without a key"),
    pytest.param("key: customer", b"c", [b"order-unknown"], 0, 0, id="of another key"),
    pytest.param("tombstones: all", b"c", [b"order-unknown"], 0, 0, id="of nobody knows what key"),
    pytest.param("tombstones: drop", b"c", [], 0, 0, id="dropped"),
    pytest.param("tombstones: unroutable", b"c", [], 0, 1, id="unroutable"),
]


@pytest.mark.parametrize(("more", "key", "dead", "routed", "unroutable"), TOMBSTONES)
def test_tombstone_is_ordered_by_its_key_where_that_says_enough(
    more: str, key: bytes | None, dead: list[bytes], routed: int, unroutable: int
) -> None:
    """Else it is set aside, unless its exchange has it nowhere to go."""
    with double(more=more) as router:
        router.publish(STATUSES, None, key=key)
        assert reasons(router, STATUSES) == dead
        assert values(router, "all") == [None] * routed
        assert len(values(router, f"{STATUSES}.unroutable")) == unroutable


def test_tombstone_without_order_still_gets_where_nobody_waits() -> None:
    """Other exchanges of its source, and topics that are not ordered."""
    topics = f"{NOW}\n  more.status.v1: {{from: [{{exchange: others}}]}}"
    with double(exchanges=OTHERS, topics=topics) as router:
        router.publish(STATUSES, None, key="c")
        assert values(router, "now") == values(router, "more.status.v1") == [None]
        assert reasons(router, STATUSES) == [b"order-unknown"]


def test_what_does_not_wait_gets_its_copy_on_arrival_and_no_other() -> None:
    """It says so to the lane behind the internal topic."""
    topics = f"{NOW}\n  more.status.v1: {{from: [{{exchange: others}}]}}"
    with double(exchanges=OTHERS, topics=topics) as router:
        second = come(router, STATUSES, "a", 2)
        assert values(router, "now") == values(router, "more.status.v1") == [second.value]
        assert values(router, "all") == []
        first = come(router, PAYMENTS, "a", 1)
        assert values(router, "all") == [first.value, second.value]
        assert values(router, "more.status.v1") == [second.value]
        assert len(values(router, "now")) == 2
        given = {str(header(each, "router-given")) for each in router.read(INTERNAL)}
    assert given == {"[b'now']", "[b'now,more.status.v1']"}


def test_record_that_has_gone_round_is_not_sent_through() -> None:
    """It is a dead letter of its source, at the usual limit."""
    with double() as router:
        come(router, STATUSES, "a", 1, headers=[("router-hop", b"x")] * 16)
        assert reasons(router, STATUSES) == [b"too-many-hops"]


def test_internal_topic_that_has_grown_stops_the_lanes() -> None:
    """Keys would move away from what the table knows of them: this says which two topics disagree, and what to do."""
    with double() as router:
        come(router, STATUSES, "a", 1)
        router.carry()
        router.broker.topics[INTERNAL].logs.append([])
        router.broker.topics[INTERNAL].starts.append(0)
        router._loop.run(router.worker.destinations.refresh())
        come(router, STATUSES, "b", 1)
        with pytest.raises(StandsStill) as told:
            router.carry(within=5)
        assert "has 4 partitions, and its table's changelog" in str(told.value)
        assert len(router.broker.records(INTERNAL)) == 1
