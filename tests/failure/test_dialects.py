"""Headers of dead letters as real writers write them, and as we write theirs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from router.errors import Refused, Unreadable
from router.failure.deaths import Death, Dialect
from router.failure.dialects import read_death, read_deaths, write_death
from router.failure.ledger import Entry, encode_death
from router.failure.notes import dead_letter_headers, unroutable_headers
from router.records.headers import Origin
from router.records.record import Headers

ORIGIN = Origin("orders.v1", 3, 1234)
STACK = """java.lang.RuntimeException: Failed to process
\tat org.acme.Shell.run(Shell.java:9)
\tat java.base/java.lang.Thread.run(Thread.java:840)
Caused by: java.sql.SQLDataException: out of range
\tat app//org.acme.orders.Refunds.store(Refunds.java:71)
\t... 2 more
"""

CONNECT: Headers = (
    ("trace", b"1"),
    ("__connect.errors.topic", b"orders.v1"),
    ("__connect.errors.partition", b"3"),
    ("__connect.errors.offset", b"1234"),
    ("__connect.errors.connector.name", b"refunds-sink"),
    ("__connect.errors.task.id", b"0"),
    ("__connect.errors.stage", b"VALUE_CONVERTER"),
    ("__connect.errors.class.name", b"io.confluent.connect.avro.AvroConverter"),
    ("__connect.errors.exception.class.name", b"org.apache.kafka.connect.errors.DataException"),
    ("__connect.errors.exception.message", b"Unknown magic byte!"),
)
STREAMS: Headers = (
    ("__streams.errors.exception", b"java.lang.IllegalStateException: negative count"),
    ("__streams.errors.message", b"negative count"),
    ("__streams.errors.stacktrace", STACK.encode()),
    ("__streams.errors.topic", b"orders.v1"),
    ("__streams.errors.partition", b"3"),
    ("__streams.errors.offset", b"1234"),
)
SPRING: Headers = (
    ("kafka_dlt-original-topic", b"orders.v1"),
    ("kafka_dlt-original-partition", b"\x00\x00\x00\x03"),
    ("kafka_dlt-original-offset", b"\x00\x00\x00\x00\x00\x00\x04\xd2"),
    ("kafka_dlt-original-timestamp", (1_795_303_939_799).to_bytes(8, "big")),
    ("kafka_dlt-original-timestamp-type", b"CreateTime"),
    ("kafka_dlt-original-consumer-group", b"refunds"),
    ("kafka_dlt-exception-fqcn", b"org.springframework.kafka.listener.ListenerExecutionFailedException"),
    ("kafka_dlt-exception-cause-fqcn", b"java.sql.SQLDataException"),
    ("kafka_dlt-exception-message", b"Listener failed; out of range"),
    ("kafka_dlt-exception-stacktrace", STACK.encode()),
    ("kafka_deliveryAttempt", b"\x00\x00\x00\x0a"),
)
SHARE_GROUP: Headers = (
    ("__dlq.errors.topic", b"orders.v1"),
    ("__dlq.errors.partition", b"3"),
    ("__dlq.errors.offset", b"1234"),
    ("__dlq.errors.group", b"refunds"),
    ("__dlq.errors.delivery.count", b"5"),
    ("__dlq.errors.message", b"Offset delivery count exceeded the threshold."),
)
X_DEATH = [
    {
        "count": 4,
        "reason": "delivery_limit",
        "queue": "refunds",
        "time": 1795303939,
        "exchange": "orders",
        "routing-keys": ["ru.paid"],
    },
    {"count": 1, "reason": "rejected", "queue": "refunds.old", "time": 1795300000, "exchange": "", "routing-keys": []},
]
RABBITMQ: Headers = (
    ("x-death", json.dumps(X_DEATH).encode()),
    ("x-first-death-queue", b"refunds.old"),
    ("x-first-death-reason", b"rejected"),
    ("x-first-death-exchange", b""),
)
OURS: Headers = (
    ("router-origin", b"order.status.v1/0/7"),
    ("router-hop", b"1;router;w1;ZnRQJRamQwuBSbkgKP2Erw;1;1;e49962df;"),
    ("router-rejects", b"orders.v1/3/1234"),
    ("router-reason", b"failed"),
    ("router-error", b"out of range"),
    ("router-error-class", b"psycopg.errors.NumericValueOutOfRange"),
    ("router-place", b"value:amount"),
    ("router-destination", b"orders.v1"),
    ("router-death", encode_death(Entry("orders.v1", "rejected", 1, 500, 500))),
    ("router-death", encode_death(Entry("orders.v1", "failed", 4, 1000, 9000))),
)


@pytest.mark.parametrize(
    ("headers", "death"),
    [
        pytest.param(
            CONNECT,
            Death(
                dialect=Dialect.CONNECT,
                reason="value-converter",
                destination="refunds-sink",
                error_class="org.apache.kafka.connect.errors.DataException",
                message="Unknown magic byte!",
                place="VALUE_CONVERTER io.confluent.connect.avro.AvroConverter",
                origin=ORIGIN,
            ),
            id="connect",
        ),
        pytest.param(
            (*CONNECT, ("__connect.errors.exception.stacktrace", STACK.encode())),
            Death(
                dialect=Dialect.CONNECT,
                reason="value-converter",
                destination="refunds-sink",
                error_class="org.apache.kafka.connect.errors.DataException",
                message="Unknown magic byte!",
                place="Refunds.store(Refunds.java:71)",
                origin=ORIGIN,
            ),
            id="connect-with-a-stack",
        ),
        pytest.param(
            STREAMS,
            Death(
                dialect=Dialect.STREAMS,
                reason="failed",
                error_class="java.lang.IllegalStateException",
                message="negative count",
                place="Refunds.store(Refunds.java:71)",
                origin=ORIGIN,
            ),
            id="streams",
        ),
        pytest.param(
            SPRING,
            Death(
                dialect=Dialect.SPRING,
                reason="failed",
                destination="refunds",
                error_class="java.sql.SQLDataException",
                message="Listener failed; out of range",
                place="Refunds.store(Refunds.java:71)",
                count=10,
                origin=ORIGIN,
            ),
            id="spring",
        ),
        pytest.param(
            (
                ("kafka_dlt-original-topic", b"orders.v1"),
                ("kafka_dlt-original-partition", b"3"),
                ("kafka_dlt-original-offset", b"1234"),
                (
                    "kafka_dlt-key-exception-fqcn",
                    b"org.springframework.kafka.support.serializer.DeserializationException",
                ),
                ("kafka_dlt-key-exception-message", b"failed to deserialize"),
            ),
            Death(
                dialect=Dialect.SPRING,
                reason="unreadable",
                error_class="org.springframework.kafka.support.serializer.DeserializationException",
                message="failed to deserialize",
                place="key",
                origin=ORIGIN,
            ),
            id="spring-names-with-digits-and-a-key",
        ),
        pytest.param(
            SHARE_GROUP,
            Death(
                dialect=Dialect.SHARE_GROUP,
                reason="delivery-limit",
                destination="refunds",
                message="Offset delivery count exceeded the threshold.",
                count=5,
                origin=ORIGIN,
            ),
            id="share-group",
        ),
        pytest.param(
            RABBITMQ,
            Death(
                dialect=Dialect.RABBITMQ,
                reason="delivery-limit",
                destination="refunds",
                count=4,
                first=1795303939000,
            ),
            id="rabbitmq",
        ),
        pytest.param(
            RABBITMQ[1:],
            Death(dialect=Dialect.RABBITMQ, reason="rejected", destination="refunds.old"),
            id="rabbitmq-without-the-list",
        ),
        pytest.param(
            OURS,
            Death(
                dialect=Dialect.ROUTER,
                reason="failed",
                destination="orders.v1",
                error_class="psycopg.errors.NumericValueOutOfRange",
                message="out of range",
                place="value:amount",
                count=4,
                first=1000,
                last=9000,
                origin=ORIGIN,
            ),
            id="ours",
        ),
    ],
)
def test_a_dialect_is_read(headers: Headers, death: Death) -> None:
    """What its real writer writes becomes the one value."""
    assert read_death(headers) == death
    assert read_deaths(headers) == (death,)


@pytest.mark.parametrize("dialect", [each for each in Dialect if each is not Dialect.ROUTER])
@pytest.mark.parametrize("place", ["value:amount@17", "key"])
def test_what_is_written_is_read_back(dialect: Dialect, place: str) -> None:
    """As far as the dialect has names for it: always the reason's class, the message, and where the record lay."""
    death = Death(
        dialect=dialect,
        reason="unreadable",
        destination="refunds",
        error_class="router.Unreadable",
        message="it ends",
        place=place,
        count=3,
        first=1_795_303_939_000,
        origin=ORIGIN,
    )
    read = read_death(write_death(death, dialect, timestamp=1_795_303_940_000))
    assert read is not None
    assert read.dialect is dialect
    if dialect is Dialect.RABBITMQ:
        assert (read.reason, read.count, read.first) == ("unreadable", 3, death.first)
        return
    assert (read.origin, read.message) == (ORIGIN, "it ends")
    if dialect is Dialect.SHARE_GROUP:
        assert (read.count, read.destination) == (3, "refunds")
    else:
        assert read.error_class == "router.Unreadable"


@pytest.mark.parametrize("dialect", list(Dialect))
def test_what_a_death_does_not_say_is_not_written(dialect: Dialect) -> None:
    """No header without a value, and none of the router's own."""
    death = Death(dialect=Dialect.ROUTER, reason="refused")
    headers = write_death(death, dialect, timestamp=-1)
    assert all(value is not None for _, value in headers)
    assert not any(name.startswith("router-") for name, _ in headers)
    # A share group's record without topic and group tells nothing by which it could be known.
    silent = dialect in {Dialect.ROUTER, Dialect.SHARE_GROUP}
    assert (read_death(headers) is None) is silent
    assert not any("original-topic" in name or name.endswith("errors.topic") for name, _ in headers)


def test_spring_numbers_are_big_endian() -> None:
    """Spring's own listeners read them by ByteBuffer, so digits would break them."""
    death = Death(dialect=Dialect.ROUTER, reason="refused", origin=ORIGIN)
    headers = dict(write_death(death, Dialect.SPRING, timestamp=1))
    assert headers["kafka_dlt-original-partition"] == b"\x00\x00\x00\x03"
    assert headers["kafka_dlt-original-offset"] == b"\x00\x00\x00\x00\x00\x00\x04\xd2"
    assert headers["kafka_dlt-original-timestamp"] == b"\x00\x00\x00\x00\x00\x00\x00\x01"


def test_the_headers_that_stand_last_tell_the_latest_death() -> None:
    """Every writer appends; ours are written behind those of the dialect that a topic asks for."""
    assert [each.dialect for each in read_deaths((*RABBITMQ, *CONNECT))] == [Dialect.RABBITMQ, Dialect.CONNECT]
    assert [each.dialect for each in read_deaths((*CONNECT, *RABBITMQ))] == [Dialect.CONNECT, Dialect.RABBITMQ]
    death = read_death(OURS)
    assert death is not None
    both = (*write_death(death, Dialect.SPRING, timestamp=0), *OURS)
    assert read_death(both) == death


def test_our_own_dead_letters_are_read() -> None:
    """What `notes` writes; an unroutable record has not died."""
    refused = read_death(dead_letter_headers(Refused(topic="vip.v1", problem="no")))
    assert refused is not None
    assert (refused.reason, refused.destination, refused.origin) == ("refused", "vip.v1", None)
    unreadable = dead_letter_headers(Unreadable(field="amount", position=3, problem="it ends"))
    read = read_death([("router-origin", b"a.v1/0/9"), *unreadable])
    assert read is not None
    assert (read.place, read.origin, read.count) == ("value:amount@3", Origin("a.v1", 0, 9), 1)
    assert read_death(unroutable_headers(["orders"])) is None


def test_an_error_without_a_class_is_no_class() -> None:
    """Java's `toString` may be overridden to say anything."""
    read = read_death([("__streams.errors.exception", b"something: went wrong"), ("__streams.errors.topic", b"")])
    assert read is not None
    assert (read.error_class, read.message) == ("something", "went wrong")
    read = read_death([("__streams.errors.exception", b"it did not fit")])
    assert read is not None
    assert (read.error_class, read.message, read.place) == ("", "", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("kafka_dlt-original-partition", b"\xff\xff\xff\xff", id="negative"),
        pytest.param("kafka_dlt-original-partition", b"", id="empty"),
        pytest.param("kafka_dlt-original-offset", b"abc", id="no number"),
        pytest.param("kafka_dlt-original-offset", b"9" * 5000, id="thousands of digits"),
        pytest.param("kafka_dlt-original-offset", None, id="null"),
    ],
)
def test_a_damaged_origin_is_none(name: str, value: bytes | None) -> None:
    """The rest is told all the same."""
    death = read_death([(one, value if one == name else told) for one, told in SPRING])
    assert death is not None
    assert death.origin is None
    assert death.error_class == "java.sql.SQLDataException"


@pytest.mark.parametrize(
    ("value", "count", "first"),
    [
        pytest.param(b"no JSON", 1, None, id="no-json"),
        pytest.param(b"[" * 100_000, 1, None, id="too-deep"),
        pytest.param(b"[]", 1, None, id="empty"),
        pytest.param(b"[7]", 1, None, id="no-table"),
        pytest.param(b'{"count": 2, "time": "2026-01-02T03:04:05Z"}', 2, 1767323045000, id="one-table-and-iso-time"),
        pytest.param(b'[{"count": true, "time": "yesterday"}]', 1, None, id="no-number-no-time"),
        pytest.param(b'[{"count": 0, "time": "2026-01-02"}]', 1, None, id="no-zone"),
        pytest.param(b'[{"time": 1795303939799}]', 1, 1795303939799, id="milliseconds"),
        pytest.param(b'[{"time": -5, "reason": 3, "queue": null}]', 1, None, id="wrong-types"),
    ],
)
def test_a_damaged_x_death_is_read_as_far_as_it_goes(value: bytes, count: int, first: int | None) -> None:
    """It came through a bridge, and a client may have touched it."""
    death = read_death([("x-death", value)])
    assert death == Death(dialect=Dialect.RABBITMQ, reason="failed", count=count, first=first)


def test_deaths_of_amqp_1_0_are_read() -> None:
    """Its annotation has two times."""
    told = [
        {"queue": "refunds", "reason": "expired", "count": 2, "first-time": 1795303939799, "last-time": 1795303940000}
    ]
    death = read_death([("x-opt-deaths", json.dumps(told).encode())])
    assert death is not None
    assert (death.reason, death.first, death.last) == ("expired", 1795303939799, 1795303940000)


def test_headers_of_no_dialect_tell_of_no_death() -> None:
    """Null headers neither."""
    assert read_death([("trace", b"1"), ("x-death", None), ("router-reason", None), ("router-reason", b"")]) is None


def test_a_stack_without_frames_has_no_place() -> None:
    """A root cause without frames of its own is told by the first that there is."""
    headers = [("__streams.errors.topic", b"t"), ("__streams.errors.stacktrace", b"java.lang.Error")]
    death = read_death(headers)
    assert death is not None
    assert death.place == ""
    stack = b"java.lang.Error\n\tat a.B.c(B.java:1)\nCaused by: x.Y\n\t... 3 more"
    death = read_death([*headers[:1], ("__streams.errors.stacktrace", stack)])
    assert death is not None
    assert death.place == "B.c(B.java:1)"


def test_a_ledger_of_another_death_is_not_counted() -> None:
    """The count is that of the same destination and reason."""
    read = read_death([(name, b"other" if name == "router-reason" else value) for name, value in OURS])
    known = read_death(OURS)
    assert read is not None
    assert known is not None
    assert read == replace(known, reason="other", count=1, first=None, last=None)


def test_brief_death_leaves_out_what_its_ledger_and_places_tell() -> None:
    """Of the router's own alone: the others are as they are."""
    headers: Headers = (
        ("router-origin", b"orders.v1/3/1234"),
        ("router-reason", b"failed"),
        ("router-error", b"no"),
        ("router-destination", b"vip.v1"),
        ("router-death", encode_death(Entry("vip.v1", "failed", 3, 1000, 2000))),
    )
    whole, brief = read_death(headers), read_death(headers, brief=True)
    assert whole is not None
    assert (whole.count, whole.first, whole.last, whole.origin) == (3, 1000, 2000, ORIGIN)
    assert brief == replace(whole, count=1, first=None, last=None, origin=None)
    assert read_death(CONNECT, brief=True) == read_death(CONNECT)
    assert read_death((), brief=True) is None
