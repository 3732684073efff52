"""The slow paths of generated readers, byte by byte."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.records import reader_bytes as rb


@given(st.integers(0, 2**64 - 1), st.integers(0, 3))
def test_a_number_of_64_bits_reads_back(code: int, extra: int) -> None:
    """Every code reads to its last byte, also where a writer took more bytes than it needs."""
    out = []
    rest = code
    while rest > 127 or (extra and len(out) < 9 - 3):
        extra -= rest <= 127
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    value = b"?" + bytes([*out, rest]) + b"?"
    assert rb.long_at(value, 1) == (code, len(value) - 2)


def test_strides_know_lengths_of_one_byte_and_nothing_else() -> None:
    """0 stands for a length that is longer or negative."""
    assert [rb.STRIDES[byte] for byte in (0, 2, 126, 1, 128, 255)] == [1, 2, 64, 0, 0, 0]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(lambda: rb.int_at(b"\xff\xff\xff\xff\x0f", 0), (2**32 - 1, 4), id="largest-int"),
        pytest.param(lambda: rb.index_at(b"\x82\x00", 0, 2), (2, 1), id="index-in-two-bytes"),
        pytest.param(lambda: rb.span_at(b"\x80\x01" + b"x" * 64, 0), (2, 66), id="long-string"),
        pytest.param(lambda: rb.bytes_end(b"\x04\xff\xff", 0), 3, id="bytes"),
        pytest.param(lambda: rb.string_end("\x04é".encode(), 0), 3, id="string"),
        pytest.param(lambda: rb.block_at(b"\x06", 0), (3, 0, 0), id="block"),
        pytest.param(lambda: rb.block_at(b"\x05\x04ab", 0), (3, 4, 1), id="sized-block"),
        pytest.param(lambda: rb.rest_of_block(b"\x80\x01", 0), (64, 1), id="rest-of-block"),
        pytest.param(lambda: rb.rest_of_block(b"\x05\x04ab", 0), (0, 3), id="rest-of-sized-block"),
        pytest.param(lambda: rb.uuid(36, str(UUID(int=5))), UUID(int=5), id="uuid"),
    ],
)
def test_sound_bytes(call: Callable[[], Any], expected: Any) -> None:
    """What the fast path leaves is read, with the position that the generated text goes on from."""
    assert call() == expected


@pytest.mark.parametrize(
    ("call", "position", "problem"),
    [
        pytest.param(
            lambda: rb.long_at(b"?" + b"\xff" * 11, 1), 1, "a number takes more than 10 bytes", id="endless-number"
        ),
        pytest.param(lambda: rb.long_at(b"\xff" * 9 + b"\x02", 0), 0, "a number has more than 64 bits", id="65-bits"),
        pytest.param(lambda: rb.int_at(b"\xff\xff\xff\xff\x1f", 0), 0, "an int has more than 32 bits", id="33-bits"),
        pytest.param(lambda: rb.index_at(b"\x01", 0, 2), 0, "index -1 is not one of 2", id="negative-index"),
        pytest.param(lambda: rb.index_at(b"\x04", 0, 2), 0, "index 2 is not one of 2", id="index-too-large"),
        pytest.param(lambda: rb.span_at(b"\x01", 0), 0, "a length is -1", id="negative-length"),
        pytest.param(
            lambda: rb.span_at(b"\x06ab", 0), 0, "a length is 3, where 2 bytes are left", id="length-too-large"
        ),
        pytest.param(lambda: rb.string_end(b"\x06a\xffb", 0), 2, "a string is not UTF-8", id="not-utf8"),
        pytest.param(
            lambda: rb.block_at(b"\x80\x00", 0), 0, "a block count of zero takes more than a byte", id="long-zero"
        ),
        pytest.param(
            lambda: rb.block_at(b"\x01\x01", 0), 0, "a block's size is -1, where 0 bytes are left", id="negative-size"
        ),
        pytest.param(
            lambda: rb.block_at(b"\x01\x04a", 0), 0, "a block's size is 2, where 1 bytes are left", id="size-too-large"
        ),
        pytest.param(lambda: rb.uuid(9, "no-uuid"), 2, "a string is not a UUID", id="no-uuid"),
        pytest.param(lambda: rb.overlong(3), 3, "a number takes more than 10 bytes", id="overlong"),
        pytest.param(lambda: rb.no_boolean(3), 3, "a boolean is neither 0 nor 1", id="no-boolean"),
        pytest.param(lambda: rb.beyond(3, "date"), 3, "a number is no date", id="beyond"),
        pytest.param(lambda: rb.too_long(3), 3, "a decimal is far longer than its precision", id="too-long"),
        pytest.param(lambda: rb.too_deep(3), 3, "values are nested more than 100 deep", id="too-deep"),
        pytest.param(lambda: rb.wrong_block(3), 3, "a block does not end where its size says", id="wrong-block"),
        pytest.param(lambda: rb.leftover(b"abc", 1), 1, "2 bytes are left over", id="leftover"),
    ],
)
def test_malformed_bytes(call: Callable[[], Any], position: int, problem: str) -> None:
    """Each fault has its place and its words."""
    with pytest.raises(rb.Malformed) as caught:
        call()
    assert (caught.value.position, caught.value.problem) == (position, problem)


@pytest.mark.parametrize(
    "call",
    [lambda: rb.long_at(b"\x80", 0), lambda: rb.leftover(b"abc", 4), lambda: rb.block_at(b"\x01", 0)],
    ids=["number", "walk-beyond-the-end", "block-without-its-size"],
)
def test_an_early_end_is_an_index_error(call: Callable[[], Any]) -> None:
    """The generated text meets an early end as an IndexError; so do the functions it calls."""
    with pytest.raises(IndexError):
        call()
