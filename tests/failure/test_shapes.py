"""The headers of records of which thousands look alike, read by position."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.failure.shapes import MOST_SHAPES, Places, Shapes, positions, taking
from router.records.headers import decode_origin

HEADERS = (("a", b"1"), ("b", None), ("a", b"3"))


def test_names_are_read_once_for_each_sequence_of_them() -> None:
    """Another order, another number of them, is another sequence; that they are to be read otherwise is remembered, too."""
    asked: list[Sequence[str]] = []

    def read(names: Sequence[str]) -> int | None:
        asked.append(names)
        return len(names) if "a" in names else None

    shapes = Shapes(read)
    for _ in range(2):
        assert shapes.of(HEADERS) == 3
        assert shapes.of([("a", b"9"), ("b", b"9"), ("a", None)]) == 3
        assert shapes.of(HEADERS[1:]) == 2
        assert shapes.of([("b", b"")]) is None
    assert asked == [("a", "b", "a"), ("b", "a"), ("b",)]


def test_sequences_that_clients_make_up_fill_no_memory() -> None:
    """What is remembered is let go, and worked out again."""
    asked: list[Sequence[str]] = []
    shapes: Shapes[int] = Shapes(lambda names: asked.append(names) or 1)  # type: ignore[func-returns-value]  # on purpose
    for number in range(MOST_SHAPES + 1):
        shapes.of([(str(number), b"")])
    assert len(shapes._known) == 1
    shapes.of([("0", b"")])
    assert len(asked) == MOST_SHAPES + 2


@pytest.mark.parametrize(
    ("indices", "taken"),
    [((), ()), ((1,), (("b", None),)), ((2, 0), (("a", b"3"), ("a", b"1")))],
    ids=["none", "one", "several"],
)
def test_headers_are_taken_in_the_order_that_was_asked_for(indices: tuple[int, ...], taken: object) -> None:
    """Always as a tuple, however many they are, of a list as of a tuple."""
    take = taking(indices)
    assert take(HEADERS) == take(list(HEADERS)) == taken


def test_last_header_of_a_name_counts() -> None:
    """As everywhere where headers are read."""
    assert positions(["a", "b", "a"]) == {"a": 2, "b": 1}


@given(
    st.one_of(
        st.binary(max_size=20),
        st.builds(
            b"%b/%b/%b".__mod__,
            st.tuples(*[st.sampled_from([b"orders.v1", b"", b"3", b"03", b"-1", b"x y", b"9" * 20, b"/", b"7\n"])] * 3),
        ),
    )
)
def test_partitions_are_read_as_origins_are(value: bytes) -> None:
    """Of the same texts, the first time and the second."""
    origin, places = decode_origin(value), Places()
    told = None if origin is None else (origin.topic, origin.partition)
    assert (places.of(value), places.of(value)) == (told, told)


def test_partitions_that_clients_make_up_fill_no_memory() -> None:
    """What is remembered is let go."""
    places = Places()
    for number in range(10_001):
        assert places.of(b"t/%d/1" % number) == ("t", number)
    assert len(places._known) == 1
