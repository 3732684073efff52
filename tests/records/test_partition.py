"""The Java clients' partitioner."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import murmur2 as their_murmur2
from hypothesis import given
from hypothesis import strategies as st

from router.records.partition import murmur2, partition_of


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param(b"21", -973932308, id="shorter-than-a-word"),
        pytest.param(b"foobar", -790332482, id="word-and-two"),
        pytest.param(b"a-little-bit-long-string", -985981536, id="whole-words"),
        pytest.param(b"a-little-bit-longer-string", -1486304829, id="words-and-two"),
        pytest.param(b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971, id="long"),
        pytest.param(b"abc", 479470107, id="three-bytes"),
    ],
)
def test_hash_is_the_java_clients(key: bytes, expected: int) -> None:
    """The vectors are those that Kafka's own tests of its Java client use."""
    assert murmur2(key) == expected


@given(st.binary(max_size=70))
def test_hash_agrees_with_the_python_clients(key: bytes) -> None:
    """A key of any length hashes as aiokafka's default partitioner hashes it."""
    assert murmur2(key) & 0xFFFFFFFF == their_murmur2(key) & 0xFFFFFFFF


@given(st.binary(max_size=40), st.integers(1, 1000))
def test_partition_lies_within_the_count(key: bytes, count: int) -> None:
    """A negative hash loses its sign bit, as in Java, and never yields a negative partition."""
    assert partition_of(key, count) == (murmur2(key) & 0x7FFFFFFF) % count
    assert 0 <= partition_of(key, count) < count
