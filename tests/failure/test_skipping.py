"""Marks that skip one offset."""

from __future__ import annotations

import pytest

from router.failure.consuming import Parking
from router.failure.skipping import Skipping, read_mark, skip_mark
from router.records.headers import Origin

COPY = Origin("vip.v1", 2, 1234)


def test_a_skip_mark_says_what_it_skips_and_who_says_so() -> None:
    """In the partition of the copy, with a key of its own, so that compaction keeps it beside the others."""
    mark = skip_mark(COPY, reason="kills the consumer", author="ops")
    assert (mark.partition, mark.key, mark.value) == (2, b"router-skip/1234", b"2/1234")
    found = read_mark(mark.key, mark.value, mark.headers, topic="vip.v1", partition=2)
    assert found == Skipping(1234, skip=True, reason="kills the consumer", author="ops")


def test_a_skip_mark_is_taken_back_by_one_without_a_value() -> None:
    """With the same key, so that compaction drops both in the end."""
    mark = skip_mark(COPY, skip=False)
    assert (mark.key, mark.value) == (skip_mark(COPY).key, None)
    found = read_mark(mark.key, mark.value, mark.headers, topic="vip.v1", partition=2)
    assert found == Skipping(1234, skip=False)


@pytest.mark.parametrize(
    ("topic", "partition", "value"),
    [
        pytest.param("other.v1", 2, b"vip.v1/2/1234", id="of another topic"),
        pytest.param("vip.v1", 3, b"vip.v1/2/1234", id="of another partition"),
        pytest.param("vip.v1", 2, b"1234", id="of no place"),
        pytest.param("vip.v1", 2, None, id="of nothing"),
    ],
)
def test_a_skip_mark_that_stands_wrong_says_nothing(topic: str, partition: int, value: bytes | None) -> None:
    """A record that is skipped by mistake is lost."""
    headers = (("router-skips", value),)
    assert read_mark(b"router-skip/1234", b"2/1234", headers, topic=topic, partition=partition) is None


@pytest.mark.parametrize(
    ("key", "value", "mark"),
    [
        pytest.param(b"k", b"2/10", Parking(b"k", (2, 10)), id="parked"),
        pytest.param(b"k", None, Parking(b"k", None), id="parked no more"),
        pytest.param(None, b"2/10", None, id="of no key"),
    ],
)
def test_other_marks_are_of_keys(key: bytes | None, value: bytes | None, mark: Parking | None) -> None:
    """As they are without marks that skip."""
    assert read_mark(key, value, (), topic="vip.v1", partition=2) == mark
