"""The catalogue knows how a value becomes one of another version, or says what is missing."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from versions.splitting import SPLIT, catalogue_texts

from router.errors import UnknownRevision, Unreadable
from router.records.avro import decode_whole, encode_whole
from router.records.catalogue import Catalogue
from router.records.conversion import NoConversion
from router.records.marks import SCHEMA_HEADER
from router.records.record import PlainRecord
from router.records.schema import AvroSchema
from router.records.splitting import NoSplit
from router.versions.catalogue import new_catalogue, read_catalogue
from router.versions.encoding import encode_long
from router.versions.subjects import read_subjects
from router.versions.writer import encode_schema_header, with_prefix


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
    "told/v1.r1.avsc": json.dumps({"type": "record", "name": "R", "fields": []}),
    "told/subject.yaml": "encoding: single-object\ncompatibility: none",
    "ids/v1.avsc": schema("a"),
    "ids/v2.r1.avsc": schema("a"),
    "ids/v2.avsc": schema("b"),
    "ids/v1_to_v2.yaml": "fields: {b: a}",
    "ids/subject.yaml": "encoding: confluent\nconfluent-ids: {'7': v1, '8': v2.r1}",
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
    assert isinstance(made, dict)
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
        pytest.param("ids", 1, 2, "'confluent-ids' in schemas/ids/subject.yaml has no id for v2", id="no id"),
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
    assert catalogue.subjects == ("ids", "j", "s", "told")
    assert catalogue.conversion("s", 1, 2).target == 2
    assert {name for (name, _), each in catalogue.versions.items() if each.revisions is not None} == {"ids", "told"}


@pytest.mark.parametrize(
    ("encoding", "schemas", "faults"),
    [
        pytest.param("single-object", {}, [], id="fingerprints"),
        pytest.param("bare", {"m/v1.schema.json": "{}"}, [], id="bare json"),
        pytest.param("sealed", {}, [("m/subject.yaml", "sealed|Input should be")], id="no encoding"),
        pytest.param("confluent", {}, [], id="no id yet for a version"),
        pytest.param("header", {"m/v1.r1.avsc": "{"}, [("m/v1.r1.avsc", "not JSON")], id="a broken revision"),
        pytest.param(
            "header",
            {"m/v1.avsc": "{"},
            [("m/subject.yaml", "no revision 'v1'"), ("m/v1.avsc", "not JSON")],
            id="a broken version, once",
        ),
    ],
)
def test_what_keeps_records_from_being_read_is_a_fault(
    encoding: str, schemas: dict[str, str], faults: list[tuple[str, str]]
) -> None:
    """Or records that say their revision would be read as if they were bare."""
    texts = {"m/v1.avsc": schema("a"), "m/v2.avsc": schema("b"), **schemas}
    if "m/v1.schema.json" in texts:
        texts = {"m/v1.schema.json": "{}"}
    said = f"encoding: {encoding}\nconfluent-ids: {{'1': v1}}"
    found = new_catalogue({**texts, "m/subject.yaml": said}).faults
    assert [each.file for each in found] == [file for file, _ in faults]
    for each, (_, problem) in zip(found, faults, strict=True):
        assert re.search(problem, each.problem), each.problem


def test_json_is_converted_behind_a_registry_s_id() -> None:
    """From the id of its version to that of the other."""
    closed = {"type": "object", "additionalProperties": False}
    one, other = (closed | {"properties": {name: {"type": "integer"}}} for name in "ab")
    texts = {
        "j/v1.schema.json": json.dumps(one),
        "j/v2.schema.json": json.dumps(other),
        "j/v1_to_v2.yaml": "fields: {b: a + 1}",
        "j/subject.yaml": "encoding: confluent\nconfluent-ids: {'7': v1, '8': v2}",
    }
    conversion = new_catalogue(texts).conversion("j", 1, 2)
    assert conversion.convert(b'\0\0\0\0\7{"a": 1}') == b'\0\0\0\0\x08{"b":2}'
    assert conversion.files == ("schemas/j/v1_to_v2.yaml",)
    changed = new_catalogue(texts | {"j/v2.schema.json": json.dumps(other | {"title": "x"})})
    assert changed.conversion("j", 1, 2).text != conversion.text


def test_nothing_converts_between_avro_and_json() -> None:
    """Whatever a file says."""
    texts = {"m/v1.avsc": schema("a"), "m/v2.schema.json": '{"properties": {"a": {}}}', "m/v1_to_v2.yaml": "fields: {}"}
    with pytest.raises(NoConversion, match="from v1 of 'm' to v2"):
        new_catalogue(texts).conversion("m", 1, 2)


def test_json_has_no_fingerprints() -> None:
    """A registry's id says what its records are, and nothing else can."""
    texts = {"j/v1.schema.json": "{}", "j/subject.yaml": "encoding: header"}
    (fault,) = new_catalogue(texts).faults
    assert str(fault) == (
        "j/subject.yaml: 'encoding: header' is for Avro, whose schemas have fingerprints: j/v1.schema.json has none"
    )
    catalogue = new_catalogue(texts | {"j/subject.yaml": "encoding: confluent\nconfluent-ids: {'1': v1}"})
    assert catalogue.faults == ()


def test_marked_values_are_converted() -> None:
    """From whichever revision wrote them to the newest of the other version, with its mark."""
    catalogue = new_catalogue(TEXTS)
    conversion = catalogue.conversion("told", 1, 2)
    subject = read_subjects(TEXTS)[0]["told"]
    old, newest, other = subject.revisions
    body = encode_long(5)
    record = PlainRecord(topic="told.v1", value=with_prefix(subject, newest, body), key=b"k", headers=[("h", b"x")])
    expected = PlainRecord(topic="told.v1", value=with_prefix(subject, other, body), key=b"k", headers=[("h", b"x")])
    assert conversion.converted(record) == expected
    with pytest.raises(Unreadable, match="needs 'a'"):
        conversion.convert(with_prefix(subject, old, b""))
    with pytest.raises(UnknownRevision):
        conversion.convert(body)
    assert conversion.text != catalogue.conversion("s", 1, 2).text
    changed = TEXTS | {"told/v1.r2.avsc": schema("z")}
    assert new_catalogue(changed).conversion("told", 1, 2).text != conversion.text


def test_a_header_says_what_a_converted_record_is() -> None:
    """In the place of what it said of the original."""
    texts = TEXTS | {"told/subject.yaml": "encoding: header"}
    subject = read_subjects(texts)[0]["told"]
    _, newest, other = subject.revisions
    conversion = new_catalogue(texts).conversion("told", 1, 2)
    headers = [(SCHEMA_HEADER, encode_schema_header(newest)), ("h", None)]
    made = conversion.converted(PlainRecord(topic="told.v1", value=encode_long(5), headers=headers))
    assert made.value == encode_long(5)
    assert made.headers == [("h", None), (SCHEMA_HEADER, encode_schema_header(other))]
    with pytest.raises(UnknownRevision, match="is missing"):
        conversion.converted(PlainRecord(topic="told.v1", value=encode_long(5)))


@pytest.mark.parametrize("encoding", ["bare", "single-object", "header"])
def test_a_split_is_of_values_as_they_are_written(encoding: str) -> None:
    """Behind the mark of one subject there, behind the other's here; where headers have it, in these."""
    texts = catalogue_texts()
    if encoding != "bare":
        texts |= {f"{name}/subject.yaml": f"encoding: {encoding}\n" for name in ("event", "event.paid", "event.made")}
    catalogue = new_catalogue(texts)
    split = catalogue.split("event")
    branch = split.by_type["paid"]
    marks = [catalogue.versions[name, 1].revisions for name in ("event", "event.paid")]
    body = b"\x027\x02\x02\x0a\x06ada\x00"
    value, headers = body, [("a", b"1")]
    for each in marks[:1]:
        if each is not None and each.in_header:
            headers.append(("router-schema", each.mark or b""))
        elif each is not None:
            value = (each.mark or b"") + body
    record = PlainRecord(topic="event.v1", value=value, headers=headers)
    assert split.type_of(record) == "paid"
    made = branch.forth.converted(record)
    mark = marks[1].mark if marks[1] is not None else b""
    assert made.value == (b"" if encoding == "header" else mark or b"") + b"\x027\x0a\x06ada"
    assert branch.back is not None
    assert branch.back.converted(made) == record
    assert split.text != new_catalogue(catalogue_texts(SPLIT.replace("dead-letter", "keep"))).split("event").text


def test_what_is_wrong_with_a_split_is_said_to_who_needs_it() -> None:
    """With its place; or that there is none."""
    with pytest.raises(NoSplit, match=r"write schemas/event/split\.yaml"):
        new_catalogue({}).split("event")
    wrong = new_catalogue(catalogue_texts(SPLIT.replace("has: [made]", "has: [mode]")))
    with pytest.raises(NoSplit, match=r"schemas/event/split\.yaml:6:40 v1 has no field 'mode'"):
        wrong.split("event")
    texts = catalogue_texts() | {
        "event.paid/subject.yaml": "encoding: confluent\n",
        "event/subject.yaml": "encoding: confluent\nconfluent-ids: {'1': v1}\n",
    }
    with pytest.raises(NoSplit, match="has no id for v1, with which it is written"):
        new_catalogue(texts).split("event")
    with pytest.raises(NoSplit):
        Catalogue.from_texts({}).split("event")
