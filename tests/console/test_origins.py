"""What an index keeps of a copy, as bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.console.origins import (
    Copy,
    copies_before,
    decode_position,
    encode_position,
    entries_of,
    forgotten,
    of_key,
    of_origin,
    position_key,
    read_copy,
    time_and_origin,
)
from router.records.record import PlainRecord

ORIGINS = (("router-origin", b"a.v1/0/7"), ("router-hop", b"x"), ("router-origin", b"b.v1/1/9"))


def copy(topic: str = "c.v1", key: bytes | None = b"k", offset: int = 3, **more: object) -> PlainRecord:
    """A record that was copied twice."""
    told = {"partition": 2, "timestamp": 5_000, "headers": ORIGINS} | more
    return PlainRecord(topic=topic, offset=offset, key=key, value=b"v", **told)  # type: ignore[arg-type]


def test_a_copy_is_found_by_its_key_and_by_each_of_its_origins() -> None:
    """With its time, and the origin that it was copied from at last."""
    entries = entries_of(copy())
    by_key = {entry: value for entry, value in entries.items() if entry.startswith(of_key(b"k"))}
    ((entry, value),) = by_key.items()
    assert (read_copy(entry, of_key(b"k")), time_and_origin(value)) == (Copy("c.v1", 2, 3), (5_000, "b.v1/1/9"))
    for origin in (b"a.v1/0/7", b"b.v1/1/9"):
        (found,) = [each for each in entries if each.startswith(of_origin(origin))]
        assert read_copy(found, of_origin(origin)) == Copy("c.v1", 2, 3)
    assert len(entries) == 4


@pytest.mark.parametrize(
    "record",
    [copy(headers=()), copy(headers=(("router-origin", None),)), copy(headers=(("router-origin", b"x" * 70_000),))],
    ids=["no headers", "null", "too long"],
)
def test_what_is_no_copy_is_not_kept(record: PlainRecord) -> None:
    """Anybody may write into a topic."""
    assert entries_of(record) == {}


@given(st.none() | st.binary(max_size=20), st.integers(0, 2**40), st.sampled_from(["a", "ab", "topic.v1"]))
def test_a_copy_is_forgotten_whole(key: bytes | None, offset: int, topic: str) -> None:
    """By what lies under its place alone, whatever its key has in it."""
    entries = entries_of(copy(topic, key, offset))
    (place,) = [each for each in entries if each.startswith(b"c")]
    assert set(forgotten(place, entries[place])) == set(entries)


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_keys_that_begin_alike_are_told_apart(one: bytes, other: bytes) -> None:
    """Entries of one never begin as another's do."""
    assert of_key(other).startswith(of_key(one)) is (one == other)
    assert of_origin(other).startswith(of_origin(one)) is (one == other)


def test_copies_of_a_partition_lie_in_the_order_of_their_offsets() -> None:
    """Those before an offset come first; other topics and partitions lie elsewhere."""
    places = {
        offset: next(each for each in entries_of(copy(offset=offset)) if each[:1] == b"c")
        for offset in (3, 200, 70_000)
    }
    prefix, upto = copies_before("c.v1", 2, 200)
    assert [offset for offset, each in sorted(places.items(), key=lambda one: one[1]) if each < upto] == [3]
    assert all(each.startswith(prefix) for each in places.values())
    other = next(each for each in entries_of(copy("c.v12")) if each[:1] == b"c")
    assert not other.startswith(prefix)


def test_positions_read_back() -> None:
    """Of each partition one."""
    assert decode_position(encode_position(2**40)) == 2**40
    assert len({position_key("a", 1), position_key("a", 2), position_key("ab", 1)}) == 3
