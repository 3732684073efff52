"""Produce requests are taken apart, shortened and answered as aiokafka's own reading of the protocol has it."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from aiokafka.protocol import produce

from bench.wire import UNKNOWN_SERVER_ERROR, Batch, read_produce, redirected, with_refusals, without

REQUESTS = {3: produce.ProduceRequest_v3, 7: produce.ProduceRequest_v7, 8: produce.ProduceRequest_v8}
RESPONSES = {3: produce.ProduceResponse_v3, 7: produce.ProduceResponse_v7, 8: produce.ProduceResponse_v8}
TOPICS = [("a.v1", [(0, b"first"), (3, b"second")]), ("b.v1", [(1, b"third")])]
BATCHES = [Batch(b"a.v1", 0, b"first"), Batch(b"a.v1", 3, b"second"), Batch(b"b.v1", 1, b"third")]
CORRELATION = 42


def frame(version: int, topics: Any = TOPICS, transaction: str | None = "lane-0") -> bytes:
    body: bytes = REQUESTS[version](transaction, -1, 30_000, topics).encode()
    return struct.pack(">hhih", 0, version, CORRELATION, 6) + b"router" + body


def answered(version: int, answer: bytes) -> Any:
    assert struct.unpack_from(">i", answer)[0] == CORRELATION
    return RESPONSES[version].decode(io.BytesIO(answer[4:]))


@pytest.mark.parametrize("version", REQUESTS)
@pytest.mark.parametrize("transaction", ["lane-0", None])
def test_all_batches_of_a_request_are_seen(version: int, transaction: str | None) -> None:
    """Each partition's records come out as they went in, in the request's order."""
    request = read_produce(frame(version, transaction=transaction))
    assert request is not None
    assert (request.version, request.correlation, request.batches) == (version, CORRELATION, BATCHES)


@pytest.mark.parametrize("version", REQUESTS)
def test_a_request_without_a_batch_is_the_same_request_otherwise(version: int) -> None:
    """What is left out is as if it had never been in it."""
    request = read_produce(frame(version))
    assert request is not None
    assert without(request, []) == frame(version)
    assert without(request, [BATCHES[0]]) == frame(version, [("a.v1", [(3, b"second")]), ("b.v1", [(1, b"third")])])
    assert without(request, [BATCHES[2]]) == frame(version, TOPICS[:1])


@pytest.mark.parametrize("version", RESPONSES)
def test_a_refused_batch_is_answered_with_an_error(version: int) -> None:
    """The client reads one answer for every batch, whether the broker was asked or not."""
    request = read_produce(frame(version))
    assert request is not None
    alone = answered(version, with_refusals(request, BATCHES, None))
    assert [(topic, partitions[0][:2]) for topic, partitions in alone.topics] == [
        ("a.v1", (0, UNKNOWN_SERVER_ERROR)),
        ("a.v1", (3, UNKNOWN_SERVER_ERROR)),
        ("b.v1", (1, UNKNOWN_SERVER_ERROR)),
    ]
    rest: Any = {3: (0, 0, 7, -1), 7: (0, 0, 7, -1, 0), 8: (0, 0, 7, -1, 0, [], None)}[version]
    broker = struct.pack(">i", CORRELATION) + RESPONSES[version]([("a.v1", [rest])], 5).encode()
    both = answered(version, with_refusals(request, BATCHES[1:2], broker))
    assert [(topic, partitions[0][:2]) for topic, partitions in both.topics] == [
        ("a.v1", (0, 0)),
        ("a.v1", (3, UNKNOWN_SERVER_ERROR)),
    ]
    assert both.throttle_time_ms == 5


@pytest.mark.parametrize(("key", "version"), [(0, 9), (1, 8)], ids=["a later version", "another request"])
def test_what_is_not_understood_is_left_alone(key: int, version: int) -> None:
    """A request of another layout is none that could be taken apart."""
    assert read_produce(struct.pack(">hhi", key, version, 1) + b"\x00" * 20) is None


def test_brokers_are_where_the_proxy_is() -> None:
    """An answer that names the broker names the proxy instead, and nothing else in it changes."""
    answer = b"x" + b"\x00\x09127.0.0.1" + struct.pack(">i", 9092) + b"127.0.0.1" + struct.pack(">i", 1234)
    told = redirected(answer, broker=("127.0.0.1", 9092), proxy=("127.0.0.1", 20_000))
    assert told == b"x" + b"\x00\x09127.0.0.1" + struct.pack(">i", 20_000) + b"127.0.0.1" + struct.pack(">i", 1234)
