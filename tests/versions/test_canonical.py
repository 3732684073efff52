"""Parsing canonical forms and fingerprints, against Java's."""

import json
from pathlib import Path

import pytest

from router.versions.avro_nodes import parse_avro_nodes, parse_avro_value
from router.versions.canonical import canonical_form, fingerprint, rabin

VERDICTS = [json.loads(line) for line in (Path(__file__).parent / "avro_verdicts.jsonl").read_text().splitlines()]


def test_forms_and_fingerprints_are_those_of_java() -> None:
    """Of 800 random schemas the canonical form and its CRC-64-AVRO are what avro 1.12.1 computes."""
    for each in VERDICTS:
        root = parse_avro_value(each["reader"], file="f")
        assert (canonical_form(root), str(fingerprint(root))) == (each["canonical"], each["fingerprint"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("null", 0x63DD24E7CC258F8A), ("int", 0x7275D51A3F395C8F), ("string", 0x8F014872634503C7)],
)
def test_fingerprints_of_primitives_are_the_specification_s(text: str, expected: int) -> None:
    """The published fingerprints of primitive schemas come out."""
    assert rabin(f'"{text}"'.encode()) == expected


def test_what_no_byte_depends_on_is_stripped() -> None:
    """Documentation, aliases, defaults, logical types and the order of keys make no other form."""
    plain = '{"type":"record","name":"R","fields":[{"name":"a","type":"long"}]}'
    rich = (
        '{"doc":"d","fields":[{"default":1,"doc":"x","type":{"logicalType":"timestamp-millis","type":"long"},"name":"a",'
        '"aliases":["b"]}],"aliases":["Q"],"name":"R","type":"record"}'
    )
    assert canonical_form(parse_avro_nodes(rich, file="f")) == canonical_form(parse_avro_nodes(plain, file="f"))
