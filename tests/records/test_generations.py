"""Names of generations, and where a record of one goes in the next."""

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.records.generations import (
    CRC32,
    MURMUR2,
    PARTITIONERS,
    former_partition,
    generation_of,
    of_generation,
    spread,
)
from router.records.partition import partition_of


@pytest.mark.parametrize(
    ("topic", "told"),
    [
        ("orders.v1", ("orders.v1", 1)),
        ("orders.v1.g2", ("orders.v1", 2)),
        ("orders.v1.g12", ("orders.v1", 12)),
        ("orders.v1.g1", ("orders.v1.g1", 1)),
        ("orders.v1.g02", ("orders.v1.g02", 1)),
        ("orders.g2.v1", ("orders.g2.v1", 1)),
        (".g2", (".g2", 1)),
    ],
)
def test_a_name_says_its_generation(topic: str, told: tuple[str, int]) -> None:
    """At its end, from 2 on; the first says none."""
    assert generation_of(topic) == told
    assert of_generation(*told) == topic


@given(st.binary(max_size=40), st.integers(1, 60), st.integers(1, 20), st.sampled_from(sorted(PARTITIONERS)))
def test_a_key_goes_where_its_partitioner_lays_it(key: bytes, former: int, times: int, by: str) -> None:
    """So that what is copied, and what a producer writes to the new generation, lie together."""
    here = PARTITIONERS[by](key) % former
    there = spread(key, partition=here, offset=0, former=former, times=times, by=by)
    assert there == PARTITIONERS[by](key) % (former * times)
    assert former_partition(there, former=former) == here


@given(st.binary(max_size=40), st.integers(0, 9), st.integers(0, 99), st.sampled_from(sorted(PARTITIONERS)))
def test_a_key_stays_together_wherever_it_lay(key: bytes, here: int, offset: int, by: str) -> None:
    """Whatever partitioner laid it there: in one of those that its partition became."""
    there = {spread(key, partition=here, offset=each, former=10, times=3, by=by) for each in (offset, offset + 1)}
    assert len(there) == 1
    assert there <= {here, here + 10, here + 20}


def test_what_has_no_key_goes_round() -> None:
    """It has no order with others."""
    there = [spread(None, partition=1, offset=offset, former=2, times=3, by=MURMUR2) for offset in range(4)]
    assert there == [1, 3, 5, 1]


def test_the_partitioners_are_those_of_the_clients() -> None:
    """Java's, and librdkafka's `consistent`."""
    assert PARTITIONERS[MURMUR2](b"key-7") % 12 == partition_of(b"key-7", 12)
    assert PARTITIONERS[CRC32](b"key-7") == crc32(b"key-7")
