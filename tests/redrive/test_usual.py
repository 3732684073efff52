"""Dead letters as most of them are: the short way leads where the long one does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redrive.test_ways import ALL, PAID, SCHEMA, VIP, WAYS, ways

from router.failure.commands import REDRIVEN, Redrive, read_command, redrive_headers
from router.failure.deaths import Dialect
from router.failure.ledger import DEATH, Ledger
from router.failure.letters import dead_letter
from router.failure.notes import DESTINATION, ERROR, EXCHANGES, PLACE, REASON
from router.failure.rejections import ERROR_CLASS, REJECTS, Rejection
from router.failure.topics import rejected_of
from router.language.topics import dead_letters_of
from router.records.avro import encode_whole
from router.records.headers import HOP, ORIGIN, Origin
from router.records.record import Headers, PlainRecord
from router.redrive.selection import read_letter
from router.redrive.usual import Usual, UsualCopy
from router.redrive.ways import Sending, Ways, with_headers

SOURCE = "order.status.v1"
VALUES: dict[str, list[bytes | None]] = {
    REASON: [b"failed", b"failed", b"", b"unroutable", b"offsets-lost", b"\xff", None],
    DESTINATION: [VIP.encode(), ALL.encode(), b"gone.v1", b"", b"\xff", None],
    ORIGIN: [b"order.status.v1/1/7", b"order.status.v1/0/8", b"stock.v1/1/7", b"nonsense", b"order.status.v1/1/", None],
    REJECTS: [f"{VIP}/1/9".encode(), b"nonsense", None],
    ERROR: [b"out of range", b"", b"\xff", None],
    ERROR_CLASS: [b"DataError", None],
    PLACE: [b"value:n"],
    DEATH: [b"1;vip;failed;1;5;5", b"?"],
    HOP: [b"1;r"],
    EXCHANGES: [b"orders"],
    REDRIVEN: [b"c0"],
    "own": [b"1", None],
    "kafka_dlt-exception-fqcn": [b"E"],
    "kafka_dlt-exception-message": [b"m"],
    "router-command": [b"theirs"],
    "router-redrives": [b"t/0/0"],
}
TYPICAL = [ORIGIN, HOP, REASON, ERROR, DESTINATION, REJECTS, DEATH]


@st.composite
def headers(draw: st.DrawFn) -> Headers:
    """Headers as letters have them, in any order, with repetitions and what does not belong there."""
    names = draw(st.permutations(TYPICAL)) + draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=3))
    # Mostly the first: else nearly all were unusual, for one thing or another.
    return tuple((name, draw(st.one_of(st.just(VALUES[name][0]), st.sampled_from(VALUES[name])))) for name in names)


def long_way(record: PlainRecord, using: Ways) -> tuple[str, Origin | None, object]:
    """Return topic, lane and what its reader makes of it; of a copy that is written directly its headers."""
    letter = read_letter(record)
    sending = using.of(letter)
    assert isinstance(sending, Sending), sending
    (way,) = sending.ways
    assert not way.converted
    copy = with_headers(way.record, [*way.record.headers, (REDRIVEN, b"c1")])
    if way.lane is None:
        return way.topic, None, list(copy.headers)
    death = letter.death
    told = redrive_headers(
        copy,
        "c1",
        letter.at,
        copy=sending.copy,
        reason=death.reason,
        error=death.message,
        error_class=death.error_class,
        place=death.place,
    )
    return way.topic, way.lane, as_read(way.topic, way.lane.partition, record, told)


def as_read(topic: str, partition: int, record: PlainRecord, told: Headers) -> object:
    """Return what a lane reads of a record among the rejections."""
    redrive = read_command(
        PlainRecord(
            topic=rejected_of(topic),
            partition=partition,
            offset=3,
            timestamp=record.timestamp,
            key=record.key,
            value=record.value,
            headers=told,
        )
    )
    assert isinstance(redrive, Redrive), redrive
    return redrive


def check(record: PlainRecord, copy: UsualCopy, using: Ways = WAYS) -> None:
    """Hold what is usually written against the long way."""
    topic, lane, expected = long_way(record, using)
    assert copy.way.topic == topic
    if lane is None:
        assert not copy.way.sources
        assert copy.headers == expected
    else:
        assert (copy.source, copy.partition) == (lane.topic, lane.partition)
        assert as_read(topic, copy.partition, record, copy.headers) == expected


@given(
    told=headers(),
    beside=st.sampled_from([VIP, ALL, "stock.v1"]),
    value=st.sampled_from([PAID, None, b"\x01", PAID[:-1]]),
)
def test_short_way_leads_where_the_long_one_does(told: Headers, beside: str, value: bytes | None) -> None:
    """Whatever headers say: who finds it unusual goes the long way, and nobody another one."""
    topic = dead_letters_of(beside)
    record = PlainRecord(topic=topic, partition=2, offset=17, timestamp=5, key=b"k", value=value, headers=told)
    usual = Usual(WAYS, "c1", topic=topic, partition=2)
    for copy in (usual.of(record), usual.of(record)):
        if copy is not None:
            check(record, copy)


@pytest.mark.parametrize("topic", [VIP, ALL], ids=["by lanes", "directly"])
@pytest.mark.parametrize("error", ["out of range", ""], ids=["told", "untold"])
def test_what_lanes_set_aside_is_usual(topic: str, error: str) -> None:
    """Else the short way would be none."""
    at = PlainRecord(
        topic=topic, timestamp=9, key=b"k", value=PAID, headers=((ORIGIN, b"order.status.v1/1/7"), (HOP, b"1;r"))
    )
    rejection = Rejection(
        copy=Origin(topic, 1, 9), origin=Origin(SOURCE, 1, 7), reason="failed", error=error, error_class="", place="",
        parks=True, record=at,
    )  # fmt: skip
    letter = dead_letter(rejection, Ledger().died(topic, "failed", 5), Dialect.ROUTER, now=5)
    record = PlainRecord(
        topic=dead_letters_of(topic), partition=1, offset=3, key=b"k", value=PAID, headers=letter.headers
    )
    copy = Usual(WAYS, "c1", topic=record.topic, partition=1).of(record)
    assert copy is not None
    check(record, copy)


def test_letters_of_another_version_go_the_long_way() -> None:
    """Each has to be converted; and so do letters beside no topic, of which nothing tells the version."""
    told = ((ORIGIN, b"payment.v1/1/7"), (REASON, b"failed"), (DESTINATION, b"new.payment.v2"))
    for topic in ("payment.v1.dead-letters", "elsewhere"):
        record = PlainRecord(topic=topic, value=b"\x00", headers=told)
        assert Usual(WAYS, "c1", topic=topic, partition=0).of(record) is None


def test_one_topic_for_all_takes_the_long_way() -> None:
    """Who names the topic that gets everything may name one of another version."""
    topic = dead_letters_of(VIP)
    told = ((ORIGIN, b"order.status.v1/1/7"), (REASON, b"failed"), (DESTINATION, VIP.encode()))
    record = PlainRecord(topic=topic, value=PAID, headers=told)
    assert Usual(WAYS, "c1", topic=topic, partition=0).of(record) is not None
    assert Usual(ways(to=ALL), "c1", topic=topic, partition=0).of(record) is None


def test_destinations_that_clients_make_up_fill_no_memory() -> None:
    """What is remembered is let go."""
    topic = dead_letters_of(VIP)
    usual = Usual(WAYS, "c1", topic=topic, partition=0)
    for number in range(10_001):
        told = ((ORIGIN, b"order.status.v1/1/7"), (REASON, b"failed"), (DESTINATION, b"t%d" % number))
        assert usual.of(PlainRecord(topic=topic, value=PAID, headers=told)) is None
    assert len(usual._ways) == 1


def test_values_are_read_as_the_topic_takes_them() -> None:
    """A value with a byte too many is not sent."""
    body = encode_whole(
        SCHEMA.types,
        {"order_id": "o", "country": "RU", "status": "paid", "amount": 1, "customer": {"tier": "plain", "email": None}, "items": []},
    )  # fmt: skip
    topic = dead_letters_of(VIP)
    told = ((ORIGIN, b"order.status.v1/1/7"), (REASON, b"failed"), (DESTINATION, VIP.encode()))
    usual = Usual(WAYS, "c1", topic=topic, partition=0)
    assert usual.of(PlainRecord(topic=topic, value=body, headers=told)) is not None
    assert usual.of(PlainRecord(topic=topic, value=body + b"\x00", headers=told)) is None
