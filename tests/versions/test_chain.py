"""Conversions over several versions."""

import json

import pytest

from router.records.avro import decode_whole, encode_whole
from router.records.conversion import NoConversion
from router.records.schema import AvroSchema
from router.versions.chain import Chain
from router.versions.conversion import Conversion
from router.versions.subjects import Subject, load_conversions, read_subjects


def schema(name: str) -> str:
    return json.dumps(
        {"type": "record", "name": "R", "fields": [{"name": name, "type": "int"}, {"name": "k", "type": "int"}]}
    )


TEXTS = {
    "s/v1.avsc": schema("a"),
    "s/v2.avsc": schema("b"),
    "s/v4.avsc": schema("c"),
    "s/v1_to_v2.yaml": "fields: {b: a + 1}",
    "s/v2_to_v4.yaml": "fields: {c: b * 10}",
    "s/v4_to_v2.yaml": "{fields: {b: k}, loses: [c]}",
}


def loaded() -> tuple[Subject, dict[tuple[int, int], Conversion]]:
    subject = read_subjects(TEXTS)[0]["s"]
    return subject, load_conversions(subject, TEXTS)[0]


def test_versions_are_converted_one_after_another() -> None:
    """From the first to the last over all between them, and back as far as there is a way."""
    subject, conversions = loaded()
    chain = Chain.between(subject, conversions, 1, 4)
    schemas = [each.schema for each in subject.revisions]
    assert isinstance(schemas[0], AvroSchema)
    assert isinstance(schemas[2], AvroSchema)
    made = chain.convert(encode_whole(schemas[0].types, {"a": 1, "k": 5}))
    assert decode_whole(schemas[2].types, made) == {"c": 20, "k": 5}
    assert Chain.between(subject, conversions, 4, 2).loses == ("v4 c",)
    assert Chain.between(subject, conversions, 2, 2).convert(b"x") == b"x"


def test_a_missing_link_is_named() -> None:
    """The error says which file is to be written."""
    subject, conversions = loaded()
    with pytest.raises(NoConversion, match=r"from v2 of 's' to v1: write schemas/s/v2_to_v1\.yaml"):
        Chain.between(subject, conversions, 4, 1)
    with pytest.raises(NoConversion, match="from v1 of 's' to v3"):
        Chain.between(subject, conversions, 1, 3)
    with pytest.raises(NoConversion, match="from v7 of 's' to v7"):
        Chain.between(subject, conversions, 7, 7)
