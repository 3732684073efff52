"""Produce requests that are written and read in one pass are aiokafka's own."""

from __future__ import annotations

from io import BytesIO

import pytest
from aiokafka.protocol.produce import ProduceRequest, ProduceResponse_v7
from hypothesis import given
from hypothesis import strategies as st

from router.lanes.produce_requests import LightProduceRequest

NEWEST, OLDER = {0: (0, 7)}, {0: (0, 6)}

texts = st.text(max_size=20)
longs = st.integers(-(2**63), 2**63 - 1)
ints = st.integers(-(2**31), 2**31 - 1)
shorts = st.integers(-(2**15), 2**15 - 1)
asked = st.lists(st.tuples(texts, st.lists(st.tuples(ints, st.binary(max_size=50)), max_size=4)), max_size=4)
answered = st.lists(st.tuples(texts, st.lists(st.tuples(ints, shorts, longs, longs, longs), max_size=4)), max_size=4)


@given(topics=asked, transactional_id=st.none() | texts, acks=shorts, timeout=ints)
def test_the_bytes_of_a_request_are_the_same(
    topics: list[tuple[str, list[tuple[int, bytes]]]], transactional_id: str | None, acks: int, timeout: int
) -> None:
    """Whatever it asks; batches may be any buffer."""
    written = [(topic, [(partition, bytearray(batch)) for partition, batch in batches]) for topic, batches in topics]
    more = {"transactional_id": transactional_id, "required_acks": acks, "timeout": timeout}
    light = LightProduceRequest(topics=written, **more).prepare(NEWEST)
    assert light.encode() == ProduceRequest(topics=topics, **more).prepare(NEWEST).encode()


@given(topics=answered, throttle=ints)
def test_an_answer_is_read_the_same(topics: list[tuple[str, list[tuple[int, ...]]]], throttle: int) -> None:
    """Topic by topic, partition by partition."""
    sent = ProduceResponse_v7(topics, throttle).encode()
    request = LightProduceRequest(transactional_id=None, required_acks=-1, timeout=1, topics=[]).prepare(NEWEST)
    read = request.RESPONSE_TYPE.decode(BytesIO(sent))
    assert (read.topics, read.throttle_time_ms, read.API_VERSION) == (topics, throttle, 7)


@pytest.mark.parametrize("left", range(1, 40))
def test_an_answer_that_was_cut_off_is_an_error(left: int) -> None:
    """Not an answer about fewer partitions."""
    sent = ProduceResponse_v7([("a", [(0, 0, 1, -1, 0)])], 0).encode()
    request = LightProduceRequest(transactional_id=None, required_acks=-1, timeout=1, topics=[]).prepare(NEWEST)
    with pytest.raises(Exception, match=r"requires a buffer|ends before"):
        request.RESPONSE_TYPE.decode(BytesIO(sent[:-left]))


def test_an_older_broker_is_asked_as_aiokafka_does() -> None:
    """In the newest version that it speaks."""
    request = LightProduceRequest(transactional_id=None, required_acks=-1, timeout=1, topics=[("a", [(0, b"x")])])
    plain = ProduceRequest(transactional_id=None, required_acks=-1, timeout=1, topics=[("a", [(0, b"x")])])
    assert type(request.prepare(OLDER)) is type(plain.prepare(OLDER))
    assert request.prepare(OLDER).encode() == plain.prepare(OLDER).encode()
