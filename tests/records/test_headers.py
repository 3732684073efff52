"""Origin, hops and the identity of an event."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.records.headers import (
    EVENT_NAMESPACE,
    HOP,
    ORIGIN,
    Hop,
    Origin,
    decode_hop,
    decode_origin,
    encode_hop,
    encode_origin,
    event_id,
    first_origin,
    hop_count,
    hops,
    origin_prefix,
)
from router.records.record import Headers, PlainRecord

A_HOP = Hop(
    service="router",
    instance="worker;1",
    processing=uuid.UUID("12345678-1234-5678-1234-567812345678"),
    start=1767225600000,
    duration=412,
    route_set="0f1e2d3c",
    tags=("at-least-once", "a,b"),
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(0, 2**63 - 1)


def test_origin_is_topic_partition_offset() -> None:
    """The form is fixed: clients in other languages read it."""
    assert encode_origin(Origin("order.status.v1", 3, 1234)) == b"order.status.v1/3/1234"


def test_origin_is_its_prefix_and_the_offset() -> None:
    """A batch makes the prefix once; a copy adds one number."""
    assert origin_prefix("order.status.v1", 3) + b"%d" % 1234 == encode_origin(Origin("order.status.v1", 3, 1234))


@given(st.from_regex(r"\A[a-zA-Z0-9._-]{1,249}\Z"), st.integers(0, 2**31 - 1), numbers)
def test_origin_round_trips(topic: str, partition: int, offset: int) -> None:
    """What is written reads back, for every name that Kafka allows."""
    assert decode_origin(encode_origin(Origin(topic, partition, offset))) == Origin(topic, partition, offset)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"t",
        b"t/1",
        b"t/1/",
        b"t/-1/2",
        b"t/1/2/3",
        b"a b/1/2",
        b"t/1/2\n",
        b"t/1/\xd9\xa1",
        b"t/1/" + b"9" * 5000,
    ],
    ids=["none", "empty", "topic", "no-offset", "blank", "negative", "longer", "space", "newline", "not-ascii", "huge"],
)
def test_what_is_no_origin_reads_as_none(value: bytes | None) -> None:
    """Anybody may write headers: garbage is an answer, not an error."""
    assert decode_origin(value) is None


def test_hop_is_eight_fields() -> None:
    """The form is fixed, with separators inside texts encoded."""
    assert encode_hop(A_HOP) == (
        b"1;router;worker%3B1;EjRWeBI0VngSNFZ4EjRWeA;1767225600000;412;0f1e2d3c;at-least-once,a%2Cb"
    )


@given(texts, texts, st.uuids(), st.tuples(numbers, numbers), st.lists(texts.filter(bool), max_size=4).map(tuple))
def test_hop_round_trips(
    service: str, instance: str, processing: uuid.UUID, times: tuple[int, int], tags: tuple[str, ...]
) -> None:
    """What is written reads back, whatever the texts are, and is ASCII."""
    hop = Hop(
        service=service,
        instance=instance,
        processing=processing,
        start=times[0],
        duration=times[1],
        route_set="00c0ffee",
        tags=tags,
    )
    assert encode_hop(hop).isascii()
    assert decode_hop(encode_hop(hop)) == hop


def test_a_lone_surrogate_is_written_as_a_question_mark() -> None:
    """A text that no encoding can carry must not stop a batch."""
    hop = Hop(service="\udcff", instance="", processing=A_HOP.processing, start=0, duration=0, route_set="00000000")
    assert encode_hop(hop).startswith(b"1;%3F;;")


def test_fields_of_a_later_router_are_ignored() -> None:
    """An old console reads what a newer router wrote."""
    assert decode_hop(encode_hop(A_HOP) + b";more;fields") == A_HOP


@pytest.mark.parametrize(
    "value",
    [None, b"", b"2" + encode_hop(A_HOP)[1:], b"1;router", encode_hop(A_HOP).replace(b"412", b"-4"), b"\xff" * 40],
    ids=["none", "empty", "other-version", "short", "negative-duration", "not-ascii"],
)
def test_what_is_no_hop_reads_as_none(value: bytes | None) -> None:
    """Anybody may write headers: garbage is an answer, not an error."""
    assert decode_hop(value) is None


@given(st.binary(max_size=60))
def test_any_bytes_can_be_asked_for_a_hop_and_an_origin(value: bytes) -> None:
    """No header value makes the codec fail."""
    assert decode_hop(value) is None or isinstance(decode_hop(value), Hop)
    assert decode_origin(value) is None or isinstance(decode_origin(value), Origin)


def test_hops_come_in_the_order_in_which_they_were_appended() -> None:
    """The first hop is the oldest; one that cannot be read keeps its place and is counted."""
    headers: Headers = [(HOP, encode_hop(A_HOP)), ("other", b""), (HOP, b"?"), (HOP, None)]
    assert hops(headers) == (A_HOP, None, None)
    assert hop_count(headers) == 3


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([("ce_id", b"e-1")], "e-1", id="cloud-event"),
        pytest.param([("id", b"e-2"), ("ce_id", b"e-1")], "e-1", id="cloud-event-before-id"),
        pytest.param([("id", b"e-2"), ("id", b"e-3")], "e-2", id="first-of-two"),
        pytest.param([("ce_id", b""), ("id", b"e-2")], "e-2", id="empty-is-none"),
        pytest.param([("ce_id", b"\xff")], "\\xff", id="not-utf8"),
        pytest.param([], str(uuid.uuid5(EVENT_NAMESPACE, "t/1/7")), id="derived-from-the-place"),
        pytest.param([("ce_id", None)], str(uuid.uuid5(EVENT_NAMESPACE, "t/1/7")), id="null-is-none"),
        pytest.param([(ORIGIN, b"s/0/5")], str(uuid.uuid5(EVENT_NAMESPACE, "s/0/5")), id="derived-from-the-origin"),
    ],
)
def test_event_id(headers: Headers, expected: str) -> None:
    """The producer's own id counts; where there is none, anyone derives the same one."""
    assert event_id(PlainRecord(topic="t", partition=1, offset=7, headers=headers)) == expected


def test_a_copy_of_a_copy_keeps_the_first_origin() -> None:
    """The event is one, however many routers it passes; unreadable origins are passed over."""
    headers = [(ORIGIN, b"?"), (ORIGIN, b"first/0/5"), (ORIGIN, b"second/2/9")]
    assert first_origin(PlainRecord(topic="third", headers=headers)) == Origin("first", 0, 5)
