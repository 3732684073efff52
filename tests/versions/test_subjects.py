"""Subjects from texts."""

import json
from typing import Any

import pytest

from router.versions.subjects import Encoding, Mode, load_conversions, read_subjects


def schema(*names: str, kind: str = "record") -> str:
    return json.dumps({"type": kind, "name": "R", "fields": [{"name": each, "type": "int"} for each in names]})


TEXTS = {
    "s/v1.r2.avsc": schema("a", "b"),
    "s/v1.avsc": schema("a", "b", "c"),
    "s/v1.r1.avsc": schema("a"),
    "s/v10.avsc": schema("x"),
    "s/v2.avsc": schema("a"),
    "s/subject.yaml": "encoding: confluent\ncompatibility: backward\nconfluent-ids: {'17': v1.r1, '18': v1}\n",
    "j/v1.schema.json": '{"type": "object"}',
    "j/v2.schema.json": '{"type": "object"}',
    "notes.txt": "no schema",
}


def test_revisions_are_in_order() -> None:
    """By version and number, the newest of each version last."""
    subjects, findings = read_subjects(TEXTS)
    assert findings == ()
    subject = subjects["s"]
    assert [each.name for each in subject.revisions] == ["v1.r1", "v1.r2", "v1", "v2", "v10"]
    assert [each.name for each in subject.of_version(1)] == ["v1.r1", "v1.r2", "v1"]
    newest = subject.newest(1)
    assert newest is not None
    assert newest.file == "s/v1.avsc"
    assert subject.newest(3) is None
    assert subject.versions == (1, 2, 10)
    assert (subject.encoding, subject.mode) == (Encoding.CONFLUENT, Mode.BACKWARD)
    assert dict(subject.confluent_ids) == {17: "v1.r1", 18: "v1"}
    assert newest.document == {}


def test_json_subjects_have_documents() -> None:
    """A JSON Schema has no tree of Avro, and no fingerprint."""
    revision = read_subjects(TEXTS)[0]["j"].revisions[0]
    assert (revision.root, revision.fingerprint, revision.document) == (None, 0, {"type": "object"})
    assert read_subjects(TEXTS)[0]["j"].encoding is Encoding.BARE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("encoding: bra\n", "schemas/s/subject.yaml:1:11 wrong-value"),
        ("confluent-ids: {x: v1}\n", "schemas/s/subject.yaml:1:17 invalid-subject 'x' is no id of a registry"),
        (
            "confluent-ids: {'5': v3}\n",
            "schemas/s/subject.yaml:1:17 invalid-subject there is no revision 'v3': there is v1",
        ),
        ("[\n", "schemas/s/subject.yaml:2:1 yaml-syntax"),
    ],
)
def test_what_a_subject_says_wrongly_is_told(text: str, expected: str) -> None:
    """A fault of subject.yaml has its place."""
    _, findings = read_subjects({**TEXTS, "s/subject.yaml": text})
    assert str(findings[0]).startswith(expected)


def test_schemas_that_cannot_be_read_are_told() -> None:
    """Each broken schema is a finding of its own, and the others are there."""
    subjects, findings = read_subjects({**TEXTS, "s/v2.avsc": "{", "t/v1.avsc": "5"}, folder="there")
    assert [str(each.place) for each in findings] == ["there/s/v2.avsc:1:1", "there/t/v1.avsc:1:1"]
    assert subjects["s"].versions == (1, 10)
    assert "t" not in subjects


def conversions(**texts: str) -> tuple[list[tuple[int, int]], list[tuple[str, str]]]:
    given: dict[str, Any] = {"s/v1.avsc": schema("a"), "s/v2.avsc": schema("a", "b"), "s/v3.avsc": schema("a", "b")}
    given |= {f"s/{name}.yaml": text for name, text in texts.items()}
    made, findings = load_conversions(read_subjects(given)[0]["s"], given)
    return sorted(made), [(str(each.level), str(each.place.file)) for each in findings]


def test_conversions_are_of_adjacent_versions() -> None:
    """Both directions between neighbours; where nothing needs saying no file is needed."""
    made, findings = conversions(v1_to_v2="fields: {b: {value: 1}}\n", v2_to_v1="loses: [b]\n")
    assert made == [(1, 2), (2, 1), (2, 3), (3, 2)]
    assert findings == []


def test_missing_files_are_warnings_and_faulty_ones_errors() -> None:
    """A version that nobody converts yet is no error; a file that says something wrong is one."""
    made, findings = conversions(v2_to_v1="loses: [c]\n")
    assert made == [(2, 3), (3, 2)]
    assert set(findings) == {("warning", "schemas/s/v1_to_v2.yaml"), ("error", "schemas/s/v2_to_v1.yaml")}


def test_json_subjects_and_bare_numbers_have_no_conversions() -> None:
    """What has no fields by name is passed over."""
    subjects, _ = read_subjects({**TEXTS, "n/v1.avsc": '"int"', "n/v2.avsc": '"long"'})
    assert load_conversions(subjects["j"], {}) == ({}, ())
    assert load_conversions(subjects["n"], {}) == ({}, ())


@pytest.mark.parametrize(
    ("path", "known"),
    [
        pytest.param("a", True, id="field"),
        pytest.param("deep.b", True, id="in a union"),
        pytest.param("items.c", True, id="in each item"),
        pytest.param("map.anything", True, id="a map's value"),
        pytest.param("deep.nothing", False, id="no such field"),
        pytest.param("a.b", False, id="inside a number"),
        pytest.param("header:x", True, id="header"),
    ],
)
def test_a_mask_names_what_some_version_has(path: str, *, known: bool) -> None:
    """A field that is written wrong would be shown to everybody, so it is an error."""
    inner = [
        {"type": "record", "name": name, "fields": [{"name": field, "type": "int"}]}
        for name, field in (("D", "b"), ("I", "c"))
    ]
    fields = [
        {"name": "a", "type": "int"}, {"name": "deep", "type": ["null", inner[0]]},
        {"name": "items", "type": {"type": "array", "items": inner[1]}}, {"name": "map", "type": {"type": "map", "values": "int"}},
    ]  # fmt: skip
    texts = {
        "s/v1.avsc": json.dumps({"type": "record", "name": "R", "fields": fields}),
        "s/subject.yaml": f"mask: ['{path}']",
    }
    subjects, findings = read_subjects(texts)
    assert (subjects["s"].mask, [each.place.line for each in findings]) == ((path,), [] if known else [1])


def test_a_mask_of_a_json_subject_is_taken_as_it_is() -> None:
    """Its schema may be open, so any field may be there."""
    subjects, findings = read_subjects({"j/v1.schema.json": '{"type": "object"}', "j/subject.yaml": "mask: [email]"})
    assert (subjects["j"].mask, findings) == (("email",), ())


@pytest.mark.parametrize(("text", "masked"), [("mask-key: true", True), ("mask: []", False)], ids=["said", "not said"])
def test_a_subject_says_whether_its_keys_are_shown(text: str, *, masked: bool) -> None:
    """Beside its fields, and without any."""
    subjects, findings = read_subjects({"j/v1.schema.json": '{"type": "object"}', "j/subject.yaml": text})
    assert (subjects["j"].mask_key, findings) == (masked, ())
