"""Loading conversions: what must be declared, and the functions that come of it."""

import json
import random
from pathlib import Path

import pytest
from versions.avro_bytes import random_bytes
from versions.converting import brief, field, load, record, version

from router.errors import InvalidSchema, Unreadable
from router.records.avro import decode_whole, encode_whole
from router.versions.conversion_text import parse_version, resolve_revision
from router.versions.encoding import ConversionFailed
from router.versions.subjects import load_conversions, read_subjects

SCHEMAS = Path(__file__).parents[2] / "schemas"
AB = record(field("a", "int"), field("b", record(field("c", "int"), field("d", "int"), name="B")))


@pytest.mark.parametrize(
    ("target", "text", "expected"),
    [
        pytest.param([field("a", "int")], "loses: [b]\n", [], id="declared"),
        pytest.param(
            [field("a", "int")], "loses: [b.c, b.d]\n", [("undeclared-loss", 1, 1)], id="a part of it declared"
        ),
        pytest.param(
            [field("a", "int"), field("c", "int")],
            "fields: {c: b.c}\nloses: [b.d]\n",
            [],
            id="what is left of a record",
        ),
        pytest.param(
            [field("a", "int"), field("c", "int")],
            "fields: {c: b.c}\nloses: []\n",
            [("undeclared-loss", 2, 1)],
            id="what is left, undeclared",
        ),
        pytest.param([field("a", "int")], None, [("undeclared-loss", 1, 1)], id="no file"),
        pytest.param([field("a", "int")], "loses: [b, bb]\n", [("unknown-field", 1, 12)], id="what is not there"),
        pytest.param(
            [field("a", "int"), field("b", record(field("c", "int"), name="B"))],
            "loses: [b.d]\n",
            [],
            id="a field of a carried record",
        ),
        pytest.param(
            [field("a", "float"), field("b", AB["fields"][1]["type"])],
            "loses: []\n",
            [("undeclared-loss", 1, 1)],
            id="a rounding",
        ),
        pytest.param(
            [field("a", "int"), field("n", "int")],
            "fields: {n: record.b.c}\nloses: []\n",
            [("undeclared-loss", 2, 1)],
            id="a path through record",
        ),
    ],
)
def test_losses_are_declared(
    target: list[dict[str, object]], text: str | None, expected: list[tuple[str, int, int]]
) -> None:
    """What the other version does not have is written down, at the place where it is not."""
    assert brief(AB, record(*target), text) == expected


def test_everything_of_the_record_counts_as_used() -> None:
    """An expression over the whole record uses every field of it."""
    target = record(field("n", "int"))
    assert brief(AB, target, "fields: {n: 'record.a + size(string(a))'}\nloses: [b]\n") == []


def test_yaml_and_shape_are_told_in_the_language_s_words() -> None:
    """A file that is no conversion is told as a route file would be."""
    assert brief(AB, AB, "fields: [") == [("yaml-syntax", 1, 10)]
    assert brief(AB, AB, "feilds: {}\n") == [("unknown-key", 1, 1)]


def test_only_records_convert() -> None:
    """A version that is a bare number has no fields to make."""
    conversion, findings = load("int", AB, None)
    assert conversion is None
    assert str(findings[0]) == "v1_to_v2.yaml:1:1 invalid-step v1 of 's' is no record"


def test_failures_name_file_and_field() -> None:
    """A value that does not fit stops the record, with the field's path."""
    conversion, _ = load(
        AB,
        record(field("n", record(field("x", "int"), name="N"))),
        "{fields: {n: {fields: {x: a / b.c}}}, loses: [b.d]}",
    )
    assert conversion is not None
    body = encode_whole(version(1, AB).schema.types, {"a": 1, "b": {"c": 0, "d": 0}})
    with pytest.raises(ConversionFailed) as failed:
        conversion.convert(body)
    assert (failed.value.field, failed.value.conversion) == ("n.x", "v1_to_v2.yaml")
    with pytest.raises(Unreadable, match="ends too early"):
        conversion.convert(body[:1])
    with pytest.raises(Unreadable, match="1 bytes follow"):
        load(AB, AB, None)[0].convert(body + b"\0")


def test_revisions_resolve_as_avro_has_it() -> None:
    """Between revisions nothing is declared: what was dropped is dropped, and what is missing is an error."""
    smaller = record(field("a", "long"), field("e", "int", default=4))
    made = resolve_revision(version(1, AB), version(2, smaller))(
        encode_whole(version(1, AB).schema.types, {"a": 1, "b": {"c": 2, "d": 3}})
    )
    assert decode_whole(version(2, smaller).schema.types, made) == {"a": 1, "e": 4}
    with pytest.raises(InvalidSchema, match=r"it cannot read v1\.avsc: v2 needs 'z'"):
        resolve_revision(version(1, AB), version(2, record(field("z", "int"))))


def _example_pairs() -> list[tuple[str, int, int]]:
    texts = {path.relative_to(SCHEMAS).as_posix(): path.read_text() for path in SCHEMAS.glob("*/*")}
    subjects, _ = read_subjects(texts)
    return [(name, *pair) for name, subject in subjects.items() for pair in load_conversions(subject, texts)[0]]


@pytest.mark.parametrize(("subject", "source", "target"), _example_pairs(), ids=str)
def test_examples_convert_random_records_into_valid_ones(subject: str, source: int, target: int) -> None:
    """Every adjacent pair of the repository's subjects makes records that fastavro reads, and back what is not declared lost."""
    texts = {path.relative_to(SCHEMAS).as_posix(): path.read_text() for path in (SCHEMAS / subject).glob("*")}
    subjects, _ = read_subjects(texts)
    conversions, findings = load_conversions(subjects[subject], texts)
    assert findings == ()
    there, back = conversions[source, target], conversions[target, source]
    versions = {
        each: parse_version(texts[f"{subject}/v{each}.avsc"], version=each, file="") for each in (source, target)
    }
    draw, came_back = random.Random(4), 0
    for _ in range(300):
        body = random_bytes(versions[source].root, draw)
        try:
            made = there.convert(body)
        except ConversionFailed:  # a number beyond what the other version holds
            continue
        decode_whole(versions[target].schema.types, made)
        again = back.convert(made)
        decoded = [decode_whole(versions[source].schema.types, each) for each in (body, again)]
        for path in there.loses:
            for each in decoded:
                assert isinstance(each, dict)
                each.pop(path)
        assert json.dumps(decoded[0], default=str) == json.dumps(decoded[1], default=str)
        came_back += 1
    assert came_back > 200


def test_the_shop_has_a_subject_of_two_versions() -> None:
    """The example has conversions there and back."""
    assert {("order.status", 1, 2), ("order.status", 2, 1)} <= set(_example_pairs())
