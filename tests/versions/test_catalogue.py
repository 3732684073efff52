"""The catalogue knows how a value becomes one of another version, or says what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from router.records.avro import decode_whole, encode_whole
from router.records.conversion import NoConversion
from router.records.schema import AvroSchema
from router.versions.catalogue import new_catalogue, read_catalogue


def schema(name: str) -> str:
    return json.dumps({"type": "record", "name": "R", "fields": [{"name": name, "type": "int"}]})


TEXTS = {
    "s/v1.avsc": schema("a"),
    "s/v2.avsc": schema("b"),
    "s/v3.avsc": schema("c"),
    "s/v4.avsc": schema("c"),
    "s/v1_to_v2.yaml": "fields: {b: a + 1}",
    "s/v2_to_v3.yaml": "fields: {c: b * 10}",
    "s/v3_to_v2.yaml": "fields: {b: nothing}",
    "told/v1.avsc": schema("a"),
    "told/v2.avsc": schema("a"),
    "told/subject.yaml": "encoding: single-object",
    "j/v1.schema.json": "{}",
    "j/v2.schema.json": "{}",
}


@pytest.mark.parametrize(
    ("source", "target", "value", "files"),
    [
        pytest.param(1, 2, 6, ("schemas/s/v1_to_v2.yaml",), id="next"),
        pytest.param(1, 4, 60, ("schemas/s/v1_to_v2.yaml", "schemas/s/v2_to_v3.yaml"), id="over several"),
        pytest.param(4, 3, 5, (), id="carried over"),
    ],
)
def test_values_are_converted(source: int, target: int, value: int, files: tuple[str, ...]) -> None:
    """By every step on the way, which it can name."""
    catalogue = new_catalogue(TEXTS)
    conversion = catalogue.conversion("s", source, target)
    own, other = (catalogue.versions["s", version].schema for version in (source, target))
    assert isinstance(own, AvroSchema)
    assert isinstance(other, AvroSchema)
    (name,) = json.loads(TEXTS[f"s/v{source}.avsc"])["fields"]
    made = decode_whole(other.types, conversion.convert(encode_whole(own.types, {name["name"]: 5})))
    assert list(made.values()) == [value]
    assert conversion.files == files
    assert str(conversion) == f"v{source} to v{target}" + (f" by {', '.join(files)}" if files else "")
    assert catalogue.conversion("s", source, target) is conversion


def test_text_of_a_conversion_says_all_that_it_does() -> None:
    """Two with other schemas or other steps are not the same."""
    first = new_catalogue(TEXTS).conversion("s", 1, 2)
    assert new_catalogue(TEXTS).conversion("s", 1, 2).text == first.text
    changed = new_catalogue(TEXTS | {"s/v1_to_v2.yaml": "fields: {b: a + 2}"}).conversion("s", 1, 2)
    assert changed.text != first.text


@pytest.mark.parametrize(
    ("subject", "source", "target", "problem"),
    [
        pytest.param("s", 2, 1, r"from v2 of 's' to v1: write schemas/s/v2_to_v1\.yaml", id="not written"),
        pytest.param(
            "s", 3, 2, r"schemas/s/v3_to_v2\.yaml:1:13 .*nothing.*`router schemas check` tells all", id="wrong"
        ),
        pytest.param("told", 1, 2, "bare records only, and those of this subject are single-object", id="not bare"),
        pytest.param("j", 1, 2, "from v1 of 'j' to v2", id="json"),
        pytest.param("none", 1, 2, "from v1 of 'none' to v2", id="no such subject"),
    ],
)
def test_what_is_missing_is_named(subject: str, source: int, target: int, problem: str) -> None:
    """The error says what to write, or what is wrong with what there is."""
    with pytest.raises(NoConversion, match=problem):
        new_catalogue(TEXTS).conversion(subject, source, target)


def test_catalogue_is_read_from_a_folder(tmp_path: Path) -> None:
    """With its conversions."""
    for name, text in TEXTS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    catalogue = read_catalogue(tmp_path)
    assert catalogue.subjects == ("j", "s", "told")
    assert catalogue.conversion("s", 1, 2).target == 2
    assert catalogue.told == {"told": "single-object"}
