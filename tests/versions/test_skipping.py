"""Going past values without decoding them."""

import random
from typing import Any

import pytest
from versions.avro_bytes import random_bytes
from versions.avro_pairs import Maker

from router.errors import InvalidSchema, Unreadable
from router.versions.avro_nodes import AvroNode, parse_avro_value
from router.versions.skipping import Skips, malformed, rest_of_varint


def skipped(node: AvroNode, value: bytes) -> int:
    """The position behind a value."""
    skips = Skips()
    lines = [*skips.lines(node), "return p"]
    text = "\n".join([*skips.functions, "def run(b, p):", *(f"    {line}" for line in lines)])
    space: dict[str, Any] = dict(skips.globals)
    exec(text, space)
    end: int = space["run"](value, 0)
    return end


def test_random_values_are_passed_exactly() -> None:
    """Of random schemas, whatever their blocks and unions, the position is behind the value."""
    draw, passed = random.Random(3), 0
    for _ in range(400):
        try:
            node = parse_avro_value(Maker(draw).schema(3), file="f")
            value = random_bytes(node, draw)
        except (InvalidSchema, RecursionError):  # as a record that contains itself always
            continue
        assert skipped(node, value + b"\x7f") == len(value)
        passed += 1
    assert passed > 300


@pytest.mark.parametrize(
    ("schema", "value", "problem"),
    [
        ("string", b"\x01", "a length is negative"),
        (["null"], b"\x02", "no such branch"),
        ([], b"\x00", "no such branch"),
        ({"type": "array", "items": "int"}, b"\x80\x08", "more items than the value has bytes"),
        ({"type": "array", "items": "int"}, b"\xff" * 12, "more than 64 bits"),
    ],
)
def test_bytes_that_are_no_value_are_refused(schema: Any, value: bytes, problem: str) -> None:
    """What has no end, or no meaning, is refused."""
    with pytest.raises(Unreadable, match=problem):
        skipped(parse_avro_value(schema, file="f"), value)


def test_what_leads_out_of_the_bytes_is_seen() -> None:
    """An end that is too early raises, or leaves the position beyond it."""
    with pytest.raises(IndexError):
        skipped(parse_avro_value("long", file="f"), b"\x80")
    assert skipped(parse_avro_value("string", file="f"), b"\x08a") == 5
    with pytest.raises(Unreadable, match="at byte 3"):
        malformed(3, "it is odd")
    assert rest_of_varint(b"\x01", 0, 0x80) == (128, 1)
